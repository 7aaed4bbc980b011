-- Risk policies and the held-out comparisons that they were judged by. Both tables only grow.

CREATE TABLE policies (
    policy_id      text        PRIMARY KEY,
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    version        integer     NOT NULL CHECK (version > 0),
    artefact_hash  text        NOT NULL CHECK (artefact_hash ~ '^[0-9a-f]{64}$'),
    model_id       text        NOT NULL REFERENCES models,  -- whose walk-forward decisions it was trained on
    dataset_hash   text        NOT NULL CHECK (dataset_hash ~ '^[0-9a-f]{64}$'),
    manifest       json        NOT NULL,            -- json, not jsonb: its text is what manifest_hash is over
    manifest_hash  text        NOT NULL,
    created_at     timestamptz NOT NULL,            -- wire clock
    UNIQUE (symbol, version),                       -- over all venues, so that an id names one policy
    UNIQUE (venue, symbol, artefact_hash, dataset_hash)
);

CREATE TABLE policy_verdicts (
    verdict_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy_id   text        NOT NULL REFERENCES policies,
    approved    boolean     NOT NULL,
    winner      text        NOT NULL,
    reason      text        NOT NULL,
    days        integer     NOT NULL CHECK (days >= 0),     -- held out
    contenders  jsonb       NOT NULL,   -- name, score, log growth, drawdown, trades, scores by seed, interval of the lead
    judged_at   timestamptz NOT NULL    -- wire clock
);
CREATE INDEX policy_verdicts_newest ON policy_verdicts (policy_id, verdict_id DESC);

CREATE FUNCTION refuse_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: rows are inserted and read, never changed (tried %)', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_policy_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_verdicts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_policy_change();
