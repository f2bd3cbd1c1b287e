-- What gates remember, what charts show, the bridges that outlive their runs, and preflight jobs.

CREATE TABLE gate_checkpoint (
    run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    stream text NOT NULL,
    doc    json NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (run_id, stream)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE series (
    run_id         uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    stream         text NOT NULL,
    at             timestamptz NOT NULL,
    weight_desired smallint NOT NULL,
    weight_applied smallint NOT NULL,
    n              bigint NOT NULL,
    k              bigint NOT NULL,
    value          double precision,
    PRIMARY KEY (run_id, stream, at)
);

CREATE TABLE bridge (
    id             uuid PRIMARY KEY,
    shard          smallint NOT NULL,
    run_id         uuid NOT NULL,
    cluster        text NOT NULL,
    ns             text NOT NULL,
    service        text NOT NULL,
    target_cluster text NOT NULL,
    target_ns      text NOT NULL,
    target_service text NOT NULL,
    spec           json NOT NULL,
    state          text NOT NULL,
    status         json,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cluster, ns, service)
) WITH (fillfactor = 70);

CREATE TABLE preflight (
    id          uuid PRIMARY KEY,
    plan        text NOT NULL,
    revision    int NOT NULL,
    effective   json NOT NULL,
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    result      json,
    message     text NOT NULL DEFAULT '',
    author      text NOT NULL,
    attempt     int NOT NULL DEFAULT 0,
    owner       uuid,
    lease_until timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz
);
CREATE INDEX preflight_open ON preflight (id) WHERE finished_at IS NULL;
