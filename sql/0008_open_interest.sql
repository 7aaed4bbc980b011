-- Open interest as facts, and a state for days that a venue does not keep.

CREATE TABLE open_interest (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,               -- of the snapshot, whole 5 minutes
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    contracts   double precision NOT NULL,
    value_usd   double precision NOT NULL,
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE open_interest_history (
    LIKE open_interest,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

ALTER TABLE dataset_days DROP CONSTRAINT dataset_days_state_check;
ALTER TABLE dataset_days ADD CONSTRAINT dataset_days_state_check
    CHECK (state IN ('good', 'open', 'degraded', 'quarantined', 'unavailable'));
