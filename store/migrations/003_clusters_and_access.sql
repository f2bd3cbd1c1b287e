-- Clusters with sealed credentials; access tokens, of which only hashes are kept.

CREATE TABLE cluster (
    name       text PRIMARY KEY,
    uid        text NOT NULL CONSTRAINT cluster_identity UNIQUE,
    server     text NOT NULL,
    doc        json NOT NULL,
    key_id     text NOT NULL,
    sealed     bytea NOT NULL,
    checked    json,
    author     text NOT NULL,
    rev        bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz
);

CREATE TABLE token (
    id         text PRIMARY KEY,
    sha256     bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    name       text NOT NULL,
    role       text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    used_at    timestamptz,
    revoked_at timestamptz
) WITH (fillfactor = 80);
