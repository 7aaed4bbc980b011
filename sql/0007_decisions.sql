-- Sessions, the commands they obey, and every decision they made with all it was made from.

CREATE TABLE sessions (
    session_id     text PRIMARY KEY,
    name           text        NOT NULL,
    gateway        text        NOT NULL,
    venue          text        NOT NULL,
    account        text        NOT NULL,
    epoch          bigint      NOT NULL,            -- the lease's fencing epoch
    code_revision  text        NOT NULL,
    settings_hash  text        NOT NULL,
    run_id         text,                            -- Dagster run, null for a plain service
    started_at     timestamptz NOT NULL,            -- wire clock
    ended_at       timestamptz,
    end_reason     text,
    report         jsonb
);

CREATE TABLE session_commands (
    command_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind              text        NOT NULL CHECK (kind IN ('model_authorised', 'activate', 'reduce', 'halt', 'stop')),
    payload           jsonb       NOT NULL DEFAULT '{}',
    source            text        NOT NULL,         -- who asked: a sensor's or an operator's name
    created_at        timestamptz NOT NULL DEFAULT now(),
    claimed_by_epoch  bigint,
    applied_at        timestamptz,
    outcome           text
);
CREATE INDEX session_commands_open ON session_commands (command_id) WHERE claimed_by_epoch IS NULL;

CREATE TABLE decisions (
    decision_id          text PRIMARY KEY,
    session_id           text             NOT NULL REFERENCES sessions,
    epoch                bigint           NOT NULL,
    strategy             text             NOT NULL,
    gateway              text             NOT NULL,
    venue                text             NOT NULL,
    symbol               text             NOT NULL,
    bar_ts               timestamptz      NOT NULL,  -- open of the bar whose close was decided on
    decided_at           timestamptz      NOT NULL,  -- wire clock
    -- what the library had to show: versions known by as_of (market clock), recorded by recorded_before (wire clock)
    pin_as_of            timestamptz      NOT NULL,
    pin_recorded_before  timestamptz      NOT NULL,
    -- the feature row and where its state came from
    feature_set          text             NOT NULL,
    feature_profile      text             NOT NULL,
    feature_set_hash     text             NOT NULL,
    feature_columns      text[]           NOT NULL,
    feature_values       double precision[] NOT NULL,
    feature_row_hash     text             NOT NULL,
    state_from           timestamptz      NOT NULL,  -- first bar that ran after the restored (or empty) state
    checkpoint_hash      text,                       -- SHA-256 of the restored state, null where history began with state_from
    -- the model
    model_id             text,
    artefact_hash        text,
    -- the inputs of decide(), beside bar and features
    close                double precision NOT NULL,
    model_asked          boolean          NOT NULL,  -- whether this bar asks the model for a probability
    p_up                 double precision NOT NULL,
    sigma                double precision NOT NULL,
    position             double precision NOT NULL,
    entry_price          double precision NOT NULL,
    held_stop_price      double precision NOT NULL,
    held_take_price      double precision NOT NULL,
    bars_held            integer          NOT NULL,
    equity_usd           double precision NOT NULL,
    risk_multiplier      double precision NOT NULL,
    parameters           jsonb            NOT NULL,
    parameters_hash      text             NOT NULL,
    code_revision        text             NOT NULL,
    -- the output
    action               text             NOT NULL,
    reason               text             NOT NULL,
    target               double precision NOT NULL,
    stop_price           double precision NOT NULL,
    take_price           double precision NOT NULL,
    edge                 double precision NOT NULL,
    UNIQUE (session_id, symbol, bar_ts)
);
CREATE INDEX decisions_by_bar ON decisions (symbol, bar_ts);
CREATE INDEX decisions_that_act ON decisions (symbol, bar_ts) WHERE action <> 'HOLD';

-- What became of a decision that wanted an order: the engine's answer, at once or after an UNKNOWN was resolved.
CREATE TABLE decision_outcomes (
    decision_id  text        NOT NULL REFERENCES decisions,
    step         text        NOT NULL,               -- entry, stop, exit
    outcome      text        NOT NULL,
    code         text,                               -- denial code where denied
    detail       text        NOT NULL DEFAULT '',
    latency_ms   double precision,                   -- bar seen closed to order sent, wall
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (decision_id, step)
);

CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON decision_outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
