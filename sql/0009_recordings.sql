-- What was recorded live, because no source keeps it: when a recorder was there, texts and what they add up to.

-- A gap is the time between recordings. Times are of the market clock; recorded_at is of the wire clock.
CREATE TABLE recordings (
    recording_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,              -- a venue, or the name of a feed
    dataset      text        NOT NULL,
    began_at     timestamptz NOT NULL,
    seen_until   timestamptz NOT NULL CHECK (seen_until >= began_at),
    ended_reason text,                              -- NULL while it goes on, and where its process was killed
    recorded_at  timestamptz NOT NULL               -- last change
);
CREATE INDEX recordings_by_time ON recordings (dataset, source, seen_until);

-- One row per version of a text: a text that was edited comes again under its url with another content_hash.
CREATE TABLE sentiment_scores (
    score_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    url          text        NOT NULL,
    content_hash text        NOT NULL,              -- SHA-256 of the text
    title        text        NOT NULL,
    symbols      text[]      NOT NULL,              -- that the text speaks of
    published_at timestamptz NOT NULL,              -- as the source says
    seen_at      timestamptz NOT NULL,              -- market clock: known since then
    recorded_at  timestamptz NOT NULL,              -- wire clock
    scorer       text        NOT NULL,
    score        double precision NOT NULL CHECK (score BETWEEN -1 AND 1),
    UNIQUE (source, url, content_hash, scorer)
);
CREATE INDEX sentiment_scores_by_time ON sentiment_scores (seen_at);

-- Texts that became known in a window of 15 minutes, per symbol. A row says that the collector was there.
CREATE TABLE sentiment (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,               -- begin of the window
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    score       double precision NOT NULL,          -- mean of the texts, 0 where there were none
    texts       double precision NOT NULL,
    coverage    double precision NOT NULL,          -- share of the window that the collector was there for
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE sentiment_history (
    LIKE sentiment,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);

CREATE TABLE fear_greed (
    series_id   integer     NOT NULL,
    version     integer     NOT NULL,
    ts          timestamptz NOT NULL,               -- the index's day
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    value       double precision NOT NULL,          -- 0 extreme fear, 100 extreme greed
    PRIMARY KEY (series_id, ts)
);

CREATE TABLE fear_greed_history (
    LIKE fear_greed,
    successor_known_at    timestamptz NOT NULL,
    successor_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (series_id, ts, version)
);
