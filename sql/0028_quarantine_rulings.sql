-- What people decided about refused batches, and the daily summary as it was told. Both only grow.

-- One ruling per batch. Released: the rows were taken although checks failed; the same rows pass when they come again.
-- Discarded: looked at and left out; the batch is kept and off the list of those that wait.
CREATE TABLE quarantine_rulings (
    batch_id     bigint      PRIMARY KEY REFERENCES quarantine_batches,
    ruling       text        NOT NULL CHECK (ruling IN ('released', 'discarded')),
    by_whom      text        NOT NULL CHECK (by_whom <> ''),
    reason       text        NOT NULL CHECK (reason <> ''),
    recorded_at  timestamptz NOT NULL               -- wire clock
);

CREATE TABLE data_summaries (
    summary_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue        text        NOT NULL,
    day          date        NOT NULL,              -- market day that it closes
    sentences    text[]      NOT NULL,              -- what is to be done, worst first; empty: nothing
    recorded_at  timestamptz NOT NULL               -- wire clock
);
CREATE INDEX data_summaries_by_day ON data_summaries (venue, day, summary_id);
