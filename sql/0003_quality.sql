-- What the checks said, which days may be read, which batches were refused, which gaps are explained.

-- Every result of every check. A failure is one open row per symbol, day and issue until the repaired data passes;
-- passes are one row per symbol, check and run (severity ok, resolved from the start).
CREATE TABLE data_quality_logs (
    log_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "timestamp"  timestamptz NOT NULL,              -- wire clock, newest time it was seen
    venue        text        NOT NULL,
    dataset      text        NOT NULL,
    symbol       text        NOT NULL,
    day          date        NOT NULL,              -- of a pass: the run's first day
    issue_type   text        NOT NULL,              -- the check's name, or contract, or fetch
    severity     text        NOT NULL CHECK (severity IN ('ok', 'warning', 'error')),
    details      jsonb       NOT NULL,
    resolved     boolean     NOT NULL DEFAULT false,
    resolved_at  timestamptz
);
CREATE UNIQUE INDEX data_quality_logs_open ON data_quality_logs (venue, dataset, symbol, day, issue_type) WHERE NOT resolved;
CREATE INDEX data_quality_logs_by_time ON data_quality_logs ("timestamp");

CREATE TABLE dataset_days (
    venue          text        NOT NULL,
    dataset        text        NOT NULL,
    symbol         text        NOT NULL,
    day            date        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('good', 'open', 'degraded', 'quarantined')),
    row_count      integer     NOT NULL,
    expected_rows  integer     NOT NULL,
    content_hash   text,                            -- of the library's rows of that day
    reasons        text[]      NOT NULL DEFAULT '{}',
    updated_at     timestamptz NOT NULL,            -- wire clock, last change
    PRIMARY KEY (venue, dataset, symbol, day)
);

-- Refused rows are kept as they came and never deleted. released_at: the day was repaired since.
CREATE TABLE quarantine_batches (
    batch_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue         text        NOT NULL,
    dataset       text        NOT NULL,
    symbol        text        NOT NULL,
    day           date,
    source        text        NOT NULL,             -- venue, or the name of a file
    reason        text        NOT NULL,
    row_count     integer     NOT NULL,
    content_hash  text        NOT NULL,             -- of rows
    rows          bytea       NOT NULL,             -- parquet
    recorded_at   timestamptz NOT NULL,             -- wire clock
    released_at   timestamptz,
    UNIQUE NULLS NOT DISTINCT (venue, dataset, symbol, day, content_hash)
);

CREATE TABLE explained_gaps (
    venue        text        NOT NULL,
    dataset      text        NOT NULL,
    symbol       text        NOT NULL,
    start_ts     timestamptz NOT NULL,
    end_ts       timestamptz NOT NULL CHECK (end_ts > start_ts),
    reason       text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (venue, dataset, symbol, start_ts, end_ts)
);
