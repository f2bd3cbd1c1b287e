-- Who this database is, which replicas live, and which of them steers which shard.

-- One row. `id` is half of the incarnation (store/incarnation.c). Public event ids are (transaction id + event_base) * 4096 + place; event_base is
-- raised when the database was restored where transaction ids are lower than those already used. Events at or below event_floor may have
-- been pruned.
CREATE TABLE meta (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    origin      text NOT NULL DEFAULT '',
    event_base  bigint NOT NULL DEFAULT 0,
    event_floor bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO meta DEFAULT VALUES;

CREATE TABLE replica (
    id         uuid PRIMARY KEY,
    address    text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Epochs of all shards come from one sequence, so that no epoch is ever used twice.
CREATE SEQUENCE shard_epoch;

CREATE TABLE shard (
    id          smallint PRIMARY KEY CHECK (id BETWEEN 0 AND 63),
    owner       uuid,
    epoch       bigint NOT NULL DEFAULT 0,
    lease_until timestamptz
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
INSERT INTO shard (id) SELECT generate_series(0, 63);

CREATE TABLE setting (
    name   text PRIMARY KEY,
    value  json NOT NULL,
    author text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency (
    principal text NOT NULL,
    route     text NOT NULL,
    key       text NOT NULL,
    request   text NOT NULL,
    resource  text NOT NULL DEFAULT '',
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

-- Wall milliseconds of a time; 0 for none.
CREATE FUNCTION wall_ms(t timestamptz) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce((extract(epoch FROM t) * 1000)::bigint, 0) $$;

-- Refuses a statement from within: nothing of it is written. Class CF is ours.
CREATE FUNCTION refuse(code text, message text) RETURNS bigint LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message; END $$;
