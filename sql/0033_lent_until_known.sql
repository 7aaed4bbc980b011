-- Since when, on the market clock, the venue's own rows that closed a window are known: a pin before that still reads what was lent.
-- Windows that were closed before this was noted are closed for every pin that was recorded after.
ALTER TABLE refetched_windows ADD COLUMN replaced_known_at timestamptz;
