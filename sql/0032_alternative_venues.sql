-- Under which name the facts of an alternative venue are kept, as it said when it was last asked.

CREATE TABLE alternative_venues (
    address     text        NOT NULL PRIMARY KEY,   -- exchange and URL, as the settings have them
    venue       text        NOT NULL,
    recorded_at timestamptz NOT NULL                -- wire clock
);
