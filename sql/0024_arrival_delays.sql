-- How late a source's events arrived, as those who listened measured it: market clock at arrival minus end of the event. A
-- histogram per hour of recording, so that a pin sees the hours that were over by then, which never change again.
CREATE TABLE arrival_delays (
    source    text        NOT NULL,                 -- a venue, or the name of a feed
    dataset   text        NOT NULL,
    hour      timestamptz NOT NULL,                 -- wire clock: begin of the hour in which it was recorded
    bucket    smallint    NOT NULL,                 -- delays up to 1.05 ^ bucket ms, 5 % apart
    count     bigint      NOT NULL CHECK (count > 0),
    PRIMARY KEY (source, dataset, hour, bucket)
);
