-- Facts with three times: ts (when it happened), known_at (when the platform could have known it),
-- recorded_at (when the library wrote it). The main table holds each key's current version, the history table
-- the superseded ones, each with its successor's times. docs/data_model.md tells how they are written and read.

CREATE TABLE IF NOT EXISTS series (
    series_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue     text NOT NULL,
    symbol    text NOT NULL,
    UNIQUE (venue, symbol)
);

-- No foreign key to series: the only writer resolves the id in the same transaction, no series is ever deleted,
-- and a row trigger would cost a third of the bulk load.
CREATE TABLE IF NOT EXISTS candles (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    open        double precision NOT NULL,
    high        double precision NOT NULL,
    low         double precision NOT NULL,
    close       double precision NOT NULL,
    volume      double precision NOT NULL,
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE IF NOT EXISTS candles_history (
    LIKE candles,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

CREATE TABLE IF NOT EXISTS funding_rates (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    rate        double precision NOT NULL,
    interval_h  double precision NOT NULL,
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE IF NOT EXISTS funding_rates_history (
    LIKE funding_rates,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

-- Few rows, seldom changed: every version in one table.
CREATE TABLE IF NOT EXISTS instruments (
    series_id    integer     NOT NULL REFERENCES series,
    version      integer     NOT NULL,
    known_at     timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    tick_size    numeric     NOT NULL,
    lot_size     numeric     NOT NULL,
    min_quantity numeric     NOT NULL,
    min_notional numeric     NOT NULL,
    max_quantity numeric     NOT NULL,
    PRIMARY KEY (series_id, version)
);
