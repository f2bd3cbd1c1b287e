-- Plans with their revisions; runs with their steps, routers, actions, claims, images and events.
-- Rows that change often leave room on their page and have no index over a changing column, so that updates stay heap-only (HOT).

CREATE TABLE plan (
    name       text PRIMARY KEY,
    revision   int NOT NULL,
    runs       int NOT NULL DEFAULT 0,
    last_run   uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 80);

CREATE TABLE plan_revision (
    plan       text NOT NULL REFERENCES plan (name),
    revision   int NOT NULL,
    text       text NOT NULL,
    media_type text NOT NULL,
    spec       json NOT NULL,
    effective  json NOT NULL,
    digest     text NOT NULL,
    author     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan, revision)
);

CREATE TABLE run (
    id              uuid PRIMARY KEY,
    plan            text NOT NULL,
    number          int NOT NULL,
    revision        int NOT NULL,
    digest          text NOT NULL,
    shard           smallint NOT NULL,
    source          text NOT NULL,
    target          text NOT NULL,
    started_by      text NOT NULL,
    start_reason    text NOT NULL,
    labels          jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    state           text NOT NULL,
    phase           text NOT NULL,
    message         text NOT NULL DEFAULT '',
    step            int NOT NULL DEFAULT -1,
    rev             bigint NOT NULL DEFAULT 1,
    seq             bigint NOT NULL DEFAULT 0,
    last_event      bigint NOT NULL DEFAULT 0,
    hold            json,
    weight_desired  smallint NOT NULL DEFAULT -1,
    weight_applied  smallint NOT NULL DEFAULT -1,
    weight_observed double precision NOT NULL DEFAULT -1,
    wake_at         timestamptz DEFAULT now(), -- not indexed: owners keep their timers in memory
    progress        json,
    memo            json NOT NULL,
    warnings        json NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    committed_at    timestamptz,
    finished_at     timestamptz,
    UNIQUE (plan, number)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX run_active ON run (shard) WHERE finished_at IS NULL;

CREATE TABLE run_step (
    run_id      uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    no          int NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    params      json NOT NULL,
    state       text NOT NULL DEFAULT 'planned',
    message     text NOT NULL DEFAULT '',
    attempt     int NOT NULL DEFAULT 0,
    intent      json,
    observation json,
    progress    json,
    started_at  timestamptz,
    finished_at timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, no)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE run_router (
    run_id     uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    idx        int NOT NULL,
    name       text NOT NULL,
    type       text NOT NULL,
    cluster    text NOT NULL,
    ns         text NOT NULL,
    object     text NOT NULL,
    route      text NOT NULL,
    target     json NOT NULL,
    arm        text NOT NULL DEFAULT '',
    seq        text NOT NULL DEFAULT '',
    epoch      bigint NOT NULL DEFAULT 0,
    weight     int NOT NULL DEFAULT -1,
    want       int NOT NULL DEFAULT -1,
    in_sync    boolean NOT NULL DEFAULT false,
    baseline   json,
    restore    json,
    memo       json,
    written_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, idx)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE action (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    action      text NOT NULL,
    reason      text NOT NULL,
    principal   text NOT NULL,
    expect      json,
    args        json,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused')),
    message     text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz
);
CREATE INDEX action_run ON action (run_id, id);

CREATE TABLE claim (
    kind   text NOT NULL,
    key    text NOT NULL,
    text   text NOT NULL,
    run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, key)
);
CREATE INDEX claim_run ON claim (run_id);

CREATE TABLE before_image (
    run_id  uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    cluster text NOT NULL,
    ref     text NOT NULL,
    key_id  text NOT NULL,
    sealed  bytea NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, cluster, ref)
);

-- Append-only. The id is the public one and grows with the writing transaction (store/events.h), so that the primary key is also
-- the order of reading. No foreign key: an event outlives what it is about.
CREATE TABLE event (
    id      bigint PRIMARY KEY,
    run_id  uuid,
    seq     bigint NOT NULL DEFAULT 0,
    subject text NOT NULL,
    kind    text NOT NULL,
    actor   text NOT NULL DEFAULT '',
    epoch   bigint NOT NULL DEFAULT 0,
    step    int NOT NULL DEFAULT -1,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    body    json NOT NULL
);
CREATE UNIQUE INDEX event_run ON event (run_id, seq) WHERE run_id IS NOT NULL;
