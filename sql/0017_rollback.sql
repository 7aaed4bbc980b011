-- Which authorised versions were put in charge and which were not, what they earned unseen, and the ways back.
-- All but the returns is a journal of its own: rows are inserted and read, never changed.

-- A grant that was taken back before its end. Withdrawn once, for good: what trades again has a new grant.
CREATE TABLE authorisation_withdrawals (
    authorisation_id  bigint      PRIMARY KEY REFERENCES model_authorisations,
    withdrawn_by      text        NOT NULL,
    reason            text        NOT NULL,
    withdrawn_at      timestamptz NOT NULL          -- wire clock
);

-- What came of handing a version to the executor. A grant is judged once.
CREATE TABLE activations (
    activation_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authorisation_id  bigint      UNIQUE REFERENCES model_authorisations,  -- null: refused before anything was granted
    model_id          text        NOT NULL REFERENCES models,
    incumbent_id      text        REFERENCES models,                       -- the version in charge then; null: none was
    gateway           text        NOT NULL,
    verdict           text        NOT NULL CHECK (verdict IN ('activated', 'refused', 'overridden', 'rolled_back_to')),
    reason            text        NOT NULL,
    figures           jsonb       NOT NULL,
    decided_by        text        NOT NULL,
    decided_at        timestamptz NOT NULL,                                -- wire clock
    CHECK (verdict = 'refused' OR authorisation_id IS NOT NULL)
);
CREATE INDEX activations_by_model ON activations (model_id, activation_id DESC);

-- Net return per hour of a version's decisions, filled by the backtest over bars that came in after its data set.
CREATE TABLE shadow_returns (
    shadow_id    bigint           GENERATED ALWAYS AS IDENTITY UNIQUE,
    model_id     text             NOT NULL REFERENCES models,
    ts           timestamptz      NOT NULL,         -- beginning of the hour, market clock
    net_return   double precision NOT NULL,
    recorded_at  timestamptz      NOT NULL,         -- wire clock
    PRIMARY KEY (model_id, ts)
);

CREATE TABLE rollback_logs (
    rollback_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue           text        NOT NULL,
    symbol          text        NOT NULL,
    gateway         text        NOT NULL,
    from_model      text        NOT NULL REFERENCES models,
    to_model        text        NOT NULL REFERENCES models CHECK (to_model <> from_model),
    kind            text        NOT NULL CHECK (kind IN ('sequential', 'loss_limit', 'drift', 'operator')),
    reason          text        NOT NULL,
    figures         jsonb       NOT NULL,
    rolled_back_by  text        NOT NULL,
    rolled_back_at  timestamptz NOT NULL            -- wire clock
);
CREATE INDEX rollback_logs_newest ON rollback_logs (venue, symbol, rollback_id DESC);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authorisation_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rollback_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_model_change();
