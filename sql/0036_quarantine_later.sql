-- Since when rows of a batch are known where they rest on something that came later than they did: ms UTC by ts, ms UTC. Empty of
-- batches from before this was noted.
ALTER TABLE quarantine_batches ADD COLUMN later_ms jsonb NOT NULL DEFAULT '{}';
