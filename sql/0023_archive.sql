-- Which files of an archive were taken: what lies in one with the same content need not be read again.
CREATE TABLE archive_files (
    venue        text        NOT NULL,
    file         text        NOT NULL,              -- its name
    sha256       text        NOT NULL,              -- of the file as it lies there
    kind         text        NOT NULL,              -- the archive's own name
    symbol       text        NOT NULL,              -- unified; the venue's own where it could not be told
    "interval"   text,                              -- of klines
    state        text        NOT NULL CHECK (state IN ('taken', 'quarantined', 'refused')),
    reason       text,                              -- why not taken as it is
    row_count    bigint      NOT NULL,              -- rows in the file, those that say the same again left out
    duplicates   bigint      NOT NULL,              -- rows that said the same as another
    first_ts     timestamptz,
    last_ts      timestamptz,
    recorded_at  timestamptz NOT NULL,              -- wire clock, newest time it was read
    PRIMARY KEY (venue, sha256, file)
);
