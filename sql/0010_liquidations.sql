-- Forced closes of positions as venues tell them live, partitioned by UTC day; the writer makes a day's partition when it needs it.

-- Every version of a liquidation in one table: they are few, and only the type ever changes.
CREATE TABLE liquidations (
    liquidation_id   text        NOT NULL,          -- SHA-256 of what the venue told
    version          integer     NOT NULL,
    "timestamp"      timestamptz NOT NULL,          -- market clock, when it happened
    known_at         timestamptz NOT NULL,          -- market clock; of a cascade's label: when its condition was met
    recorded_at      timestamptz NOT NULL,          -- wire clock
    exchange         text        NOT NULL,
    symbol           text        NOT NULL,
    side             text        NOT NULL CHECK (side IN ('long', 'short')),   -- of the position that was closed
    size_usd         double precision NOT NULL CHECK (size_usd > 0),
    price            double precision NOT NULL CHECK (price > 0),
    liquidation_type text        NOT NULL CHECK (liquidation_type IN ('single', 'cascade')),
    PRIMARY KEY ("timestamp", liquidation_id, version)
) PARTITION BY RANGE ("timestamp");
CREATE INDEX liquidations_by_symbol ON liquidations (symbol, "timestamp");
CREATE INDEX liquidations_by_exchange ON liquidations (exchange, "timestamp");

-- Per minute that the recorder was there for; a minute without a row is a gap.
CREATE TABLE liquidation_minutes (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    long_count  double precision NOT NULL,
    short_count double precision NOT NULL,
    long_usd    double precision NOT NULL,
    short_usd   double precision NOT NULL,
    in_cascade  double precision NOT NULL,          -- 1 where a cascade was on at the minute's end
    clustered   double precision NOT NULL,          -- 1 where the count is beyond the trailing percentile
    coverage    double precision NOT NULL,          -- share of the minute that the recorder was there for
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE liquidation_minutes_history (
    LIKE liquidation_minutes,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);
