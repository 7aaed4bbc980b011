-- What recorders last said of themselves, and the days of liquidations that were moved out of the library into files.

-- One row for each source and dataset; how long it was there before is told by recordings.
CREATE TABLE recorders (
    source   text        NOT NULL,
    dataset  text        NOT NULL,
    pid      integer     NOT NULL,
    began_at timestamptz NOT NULL,                  -- wire clock, when this process began
    beat_at  timestamptz NOT NULL,                  -- wire clock, its last sign of life
    heard_at timestamptz,                           -- market clock, its last frame
    frames   bigint      NOT NULL,                  -- that this process has heard
    state    text        NOT NULL,
    said     text        NOT NULL,                  -- its last trouble, empty without one
    PRIMARY KEY (source, dataset)
);

-- A day that is in this table is not in the library: reads over it say so.
CREATE TABLE detached_days (
    dataset     text        NOT NULL,
    day         date        NOT NULL,
    rows        bigint      NOT NULL,
    file        text        NOT NULL,               -- where it was written to
    sha256      text        NOT NULL,               -- of the file
    detached_at timestamptz NOT NULL,               -- wire clock
    PRIMARY KEY (dataset, day)
);
