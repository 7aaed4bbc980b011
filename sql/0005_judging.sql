-- Verdicts of the seven gates. What was once said stays said: a model that is judged again gets new rows.

CREATE TABLE gate_verdicts (
    verdict_id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id            text        NOT NULL,
    gate                smallint    NOT NULL CHECK (gate BETWEEN 1 AND 7),
    name                text        NOT NULL,
    status              text        NOT NULL CHECK (status IN ('pass', 'fail', 'insufficient_evidence')),
    criteria            jsonb       NOT NULL,   -- observed, relation, threshold, interval, sample size, status, note
    evidence            jsonb       NOT NULL,
    thresholds_version  integer     NOT NULL,
    judged_at           timestamptz NOT NULL,
    UNIQUE (model_id, judged_at, gate)
);
CREATE INDEX gate_verdicts_newest ON gate_verdicts (model_id, gate, judged_at DESC);

CREATE FUNCTION refuse_verdict_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'gate_verdicts only grows: rows are inserted and read, never changed (tried %)', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gate_verdicts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_verdict_change();
