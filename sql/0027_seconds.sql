-- Trades and books per second of market time, partitioned by UTC day; the writer makes a day's partition when it needs it.

-- Virtual columns cost no room: they are reckoned when they are read.
CREATE TABLE trade_seconds (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,               -- begin of the second
    known_at    timestamptz NOT NULL,               -- market clock, when the frame came that made it final
    recorded_at timestamptz NOT NULL,               -- wire clock
    buy_base    double precision NOT NULL,          -- the aggressor's side
    sell_base   double precision NOT NULL,
    buy_usd     double precision NOT NULL,
    sell_usd    double precision NOT NULL,
    trades      double precision NOT NULL,
    signed_base double precision GENERATED ALWAYS AS (buy_base - sell_base) VIRTUAL,
    vwap        double precision GENERATED ALWAYS AS ((buy_usd + sell_usd) / nullif(buy_base + sell_base, 0)) VIRTUAL,
    PRIMARY KEY (series_id, ts)
) PARTITION BY RANGE (ts);

CREATE TABLE trade_seconds_history (
    LIKE trade_seconds INCLUDING GENERATED,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

CREATE TABLE book_seconds (
    series_id         integer     NOT NULL,
    version           integer     NOT NULL,
    ts                timestamptz NOT NULL,
    known_at          timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    bid               double precision NOT NULL,    -- best prices at the second's end, and what stood there
    ask               double precision NOT NULL,
    bid_base          double precision NOT NULL,
    ask_base          double precision NOT NULL,
    ofi_base          double precision NOT NULL,    -- order-flow imbalance over the second's updates of the best prices
    updates           double precision NOT NULL,
    bid_usd_5bps      double precision NOT NULL,    -- worth of the levels within so much of the mid
    bid_usd_10bps     double precision NOT NULL,
    bid_usd_25bps     double precision NOT NULL,
    ask_usd_5bps      double precision NOT NULL,
    ask_usd_10bps     double precision NOT NULL,
    ask_usd_25bps     double precision NOT NULL,
    bid_usd_10_levels double precision NOT NULL,    -- worth of the best ten levels
    ask_usd_10_levels double precision NOT NULL,
    reach_bps         double precision NOT NULL,    -- so far from the mid every level is known; beyond, depth is a lower bound
    mid               double precision GENERATED ALWAYS AS ((bid + ask) / 2) VIRTUAL,
    spread_bps        double precision GENERATED ALWAYS AS ((ask - bid) / (bid + ask) * 20000) VIRTUAL,
    PRIMARY KEY (series_id, ts)
) PARTITION BY RANGE (ts);

CREATE TABLE book_seconds_history (
    LIKE book_seconds INCLUDING GENERATED,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

-- A recorder of many symbols may lose one of them; NULL: the recording is of all.
ALTER TABLE recordings ADD COLUMN symbol text;

-- Only a table's owner can add a partition to it; this makes the one of a UTC day, of these tables and of no other.
CREATE FUNCTION make_seconds_day(seconds text, day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
    IF seconds NOT IN ('trade_seconds', 'book_seconds') THEN
        RAISE EXCEPTION 'make_seconds_day: expected trade_seconds or book_seconds, got %', seconds;
    END IF;
    PERFORM pg_advisory_xact_lock(7316004);         -- two writers at a day's beginning
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        seconds || '_' || to_char(day, 'YYYYMMDD'), seconds, day::timestamptz, (day + 1)::timestamptz
    );
END
$$;
REVOKE EXECUTE ON FUNCTION make_seconds_day(text, date) FROM PUBLIC;
