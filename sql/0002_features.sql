-- Feature days: what each stored day of a feature set holds and what it was made from. The rows themselves are in
-- content-addressed files. Nothing is updated: a rebuilt day is a new row, the newest one counts, and a pinned read
-- takes the newest whose inputs were recorded by then.

CREATE TABLE feature_days (
    feature_day_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue             text        NOT NULL,
    day               date        NOT NULL,         -- UTC
    feature_set       text        NOT NULL,
    profile           text        NOT NULL,
    set_hash          text        NOT NULL,         -- definitions, windows and kernel sources
    code_version      text        NOT NULL,         -- SHA-256 of the kernel sources
    recorded_at       timestamptz NOT NULL,         -- wire clock
    row_count         integer     NOT NULL,
    content_hash      text        NOT NULL,         -- of all symbols' rows
    path              text        NOT NULL,         -- under the artefact root
    checkpoints_path  text        NOT NULL
);
CREATE INDEX feature_days_newest ON feature_days (venue, set_hash, day, feature_day_id DESC);

CREATE TABLE feature_day_symbols (
    feature_day_id    bigint      NOT NULL REFERENCES feature_days,
    symbol            text        NOT NULL,
    row_count         integer     NOT NULL,
    rows_hash         text        NOT NULL,
    input_hash        text        NOT NULL,         -- of the candles and the funding beside them
    genesis           timestamptz NOT NULL,         -- first bar that the state goes back to
    start_checkpoint  text,                         -- SHA-256 of the state before the day's first bar, null at the genesis
    end_checkpoint    text        NOT NULL,         -- SHA-256 of the state after its last
    as_of             timestamptz NOT NULL,         -- the pin that the inputs were read at
    recorded_before   timestamptz NOT NULL,
    PRIMARY KEY (feature_day_id, symbol)
);
CREATE INDEX feature_day_symbols_checkpoint ON feature_day_symbols (end_checkpoint);
