-- Drift of live rows against what versions were trained on, and the trainings that it and others ask for.

CREATE TABLE drift_measurements (
    measurement_id  bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id        text             NOT NULL REFERENCES models,
    column_name     text             NOT NULL,       -- a feature, or "prediction"
    psi             double precision,                -- null: nothing to compare
    critical_psi    double precision NOT NULL,
    ks              double precision,
    ks_p            double precision,
    observations    integer          NOT NULL,
    effective       double precision NOT NULL,       -- independent observations
    level           text             NOT NULL CHECK (level IN ('none', 'warning', 'critical', 'unmeasured')),
    first_at        timestamptz      NOT NULL,       -- of the live rows, market clock
    last_at         timestamptz      NOT NULL,
    measured_at     timestamptz      NOT NULL        -- wire clock
);
CREATE INDEX drift_measurements_by_model ON drift_measurements (model_id, measurement_id DESC);

-- At most one open request per symbol: what asks again meanwhile is served by the same training.
CREATE TABLE retraining_requests (
    request_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue         text        NOT NULL,
    symbol        text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('schedule', 'drift', 'new_data', 'operator')),
    reason        text        NOT NULL,
    requested_by  text        NOT NULL,
    requested_at  timestamptz NOT NULL,              -- wire clock
    finished_at   timestamptz,
    run_id        text,
    model_ids     text[]
);
CREATE UNIQUE INDEX retraining_requests_open ON retraining_requests (venue, symbol) WHERE finished_at IS NULL;
