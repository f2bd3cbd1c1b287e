-- What a run did to its target, one row for each object: a record of a batch writes the batch's rows, however many there are by then. And what
-- `plan diff` showed, so that a run can be refused when it is no longer so.

CREATE TABLE run_copy (
    run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key    text NOT NULL,
    no     bigint GENERATED ALWAYS AS IDENTITY,
    entry  json NOT NULL,
    PRIMARY KEY (run_id, key)
);

INSERT INTO run_copy (run_id, key, entry)
    SELECT s.run_id, e.entry ->> 'key', e.entry
        FROM run_step s CROSS JOIN LATERAL json_array_elements(s.observation -> 'ledger') WITH ORDINALITY AS e (entry, no)
        WHERE s.kind = 'propagate' AND json_typeof(s.observation -> 'ledger') = 'array' ORDER BY s.run_id, e.no;
UPDATE run_step SET observation = (observation::jsonb - 'ledger')::json WHERE kind = 'propagate' AND observation -> 'ledger' IS NOT NULL;

CREATE TABLE plan_diff (
    digest text PRIMARY KEY,
    plan   text NOT NULL,
    rows   json NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX plan_diff_at ON plan_diff (at);
