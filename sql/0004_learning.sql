-- Model versions, their stages and authorisations, training trials, plain metrics.
-- What a model is and what was decided about it is never changed: those tables take INSERT and SELECT only.

CREATE TABLE models (
    model_id       text        PRIMARY KEY,
    venue          text        NOT NULL,
    symbol         text        NOT NULL,
    architecture   text        NOT NULL,
    version        integer     NOT NULL CHECK (version > 0),
    artefact_hash  text        NOT NULL CHECK (artefact_hash ~ '^[0-9a-f]{64}$'),
    dataset_hash   text        NOT NULL CHECK (dataset_hash ~ '^[0-9a-f]{64}$'),
    parent_id      text        REFERENCES models,
    created_at     timestamptz NOT NULL,            -- wire clock
    manifest       json        NOT NULL,            -- json, not jsonb: its text is what manifest_hash is over
    manifest_hash  text        NOT NULL,
    UNIQUE (symbol, architecture, version),         -- over all venues, so that an id names one model
    UNIQUE (venue, symbol, architecture, artefact_hash, dataset_hash)
);
CREATE INDEX models_by_parent ON models (parent_id) WHERE parent_id IS NOT NULL;

-- One hash chain over all changes: row_hash = SHA-256 of the row as canonical JSON, prev_hash included.
CREATE TABLE model_stages (
    change_id   bigint      PRIMARY KEY CHECK (change_id > 0),
    model_id    text        NOT NULL REFERENCES models,
    from_stage  text,                               -- null: registered
    to_stage    text        NOT NULL CHECK (to_stage IN ('candidate', 'shadow', 'canary', 'champion', 'retired')),
    changed_by  text        NOT NULL,
    reason      text        NOT NULL,
    gates       json        NOT NULL,               -- gate number to status, as they were when they were asked for
    wire_at     timestamptz NOT NULL,
    market_at   timestamptz NOT NULL,
    prev_hash   text        NOT NULL UNIQUE,
    row_hash    text        NOT NULL UNIQUE
);
CREATE INDEX model_stages_by_model ON model_stages (model_id, change_id);

CREATE TABLE model_authorisations (
    authorisation_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id          text        NOT NULL REFERENCES models,
    gateway           text        NOT NULL CHECK (gateway IN ('shadow', 'paper', 'testnet', 'canary', 'live')),
    granted_by        text        NOT NULL,
    reason            text        NOT NULL,
    unproven          boolean     NOT NULL,         -- gates 1 to 6 had not all passed
    granted_at        timestamptz NOT NULL,         -- wire clock
    expires_at        timestamptz NOT NULL,
    CHECK (expires_at > granted_at)
);
CREATE INDEX model_authorisations_newest ON model_authorisations (model_id, gateway, authorisation_id DESC);

-- Every configuration ever evaluated on data, once: what the deflated Sharpe ratio counts.
CREATE TABLE trials (
    trial_id      text             PRIMARY KEY,     -- SHA-256 of venue, symbol, architecture, configuration, dataset_hash
    venue         text             NOT NULL,
    symbol        text             NOT NULL,
    architecture  text             NOT NULL,
    configuration json             NOT NULL,
    dataset_hash  text             NOT NULL,
    first_at      timestamptz      NOT NULL,        -- wire clock
    daily_sharpe  double precision,                 -- out of sample, per day, not annualised
    days          integer          CHECK (days > 0)
);

CREATE TABLE model_metrics (
    model_id       text             NOT NULL REFERENCES models,
    asset          text             NOT NULL,
    split          text             NOT NULL,
    metric         text             NOT NULL,
    "timestamp"    timestamptz      NOT NULL,       -- wire clock
    value          double precision NOT NULL,
    interval_low   double precision,
    interval_high  double precision,
    PRIMARY KEY (model_id, asset, split, metric)
);

CREATE FUNCTION refuse_model_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: rows are inserted and read, never changed (tried %)', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_stages FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_authorisations FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
