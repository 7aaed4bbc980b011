-- What venues list: every perpetual that was ever seen in a catalogue, with when its trading began and ended.

CREATE TABLE listings (
    venue         text        NOT NULL,
    symbol        text        NOT NULL,
    listed_at     timestamptz NOT NULL,              -- a symbol that was listed twice has two
    version       integer     NOT NULL,
    known_at      timestamptz NOT NULL,              -- market clock, when the catalogue was read
    recorded_at   timestamptz NOT NULL,              -- wire clock
    status        text        NOT NULL CHECK (status IN ('pending', 'trading', 'halted', 'delisted')),
    delisted_at   timestamptz,                       -- when trading ended, will end, or was noticed to have ended
    in_catalogue  boolean     NOT NULL,              -- false: the venue has dropped it, and the end is when that was noticed
    PRIMARY KEY (venue, symbol, listed_at, version)
);

-- When catalogues were read: before the first time, what had been dropped already is not known.
CREATE TABLE catalogue_reads (
    venue       text        NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    listings    integer     NOT NULL,
    PRIMARY KEY (venue, known_at, recorded_at)
);
