-- Which rows of a venue's series came from another venue because it could not be had there. The rows stand in the series under
-- its own venue; a window is open until the venue's own rows have taken their place, and is kept after that.
CREATE TABLE refetched_windows (
    window_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue        text        NOT NULL,
    dataset      text        NOT NULL,
    symbol       text        NOT NULL,
    start_ts     timestamptz NOT NULL,              -- within one UTC day
    end_ts       timestamptz NOT NULL CHECK (end_ts > start_ts),
    source       text        NOT NULL,              -- name of the other venue in the settings
    recorded_at  timestamptz NOT NULL,              -- wire clock
    replaced_at  timestamptz                        -- wire clock
);
CREATE UNIQUE INDEX refetched_windows_open ON refetched_windows (venue, dataset, symbol, start_ts, end_ts, source)
    WHERE replaced_at IS NULL;
