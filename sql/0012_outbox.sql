-- Incidents are told: each opening and each recovery is a message, each message is delivered once per channel.

ALTER TABLE incidents ADD COLUMN occurrences integer NOT NULL DEFAULT 1;
ALTER TABLE incidents ADD COLUMN last_at timestamptz;
UPDATE incidents SET last_at = at;
ALTER TABLE incidents ALTER COLUMN last_at SET NOT NULL;
-- Rows of before held only the cause.
UPDATE incidents SET details = jsonb_build_object('title', details->>'cause') WHERE details ? 'cause';

-- Written in the transaction that opens or resolves the incident. A message that was not due before its trouble was over is
-- void: nobody is told of what came and went within the window of an earlier message.
CREATE TABLE outbox (
    message_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id  bigint      NOT NULL REFERENCES incidents,
    kind         text        NOT NULL CHECK (kind IN ('opened', 'resolved')),
    at           timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    void         boolean     NOT NULL DEFAULT false,
    UNIQUE (incident_id, kind)
);

-- One row per message and channel from the first attempt on. `remote_id` is the channel's own id of what was posted;
-- messages of a storm are one batch and share one. An attempt that was begun and not ended is looked up at the channel before it is repeated.
CREATE TABLE deliveries (
    message_id    bigint      NOT NULL REFERENCES outbox,
    channel       text        NOT NULL,
    batch_id      bigint      NOT NULL,
    attempts      integer     NOT NULL DEFAULT 0,
    begun_at      timestamptz NOT NULL,
    next_at       timestamptz NOT NULL,
    delivered_at  timestamptz,
    remote_id     text,
    error         text,
    PRIMARY KEY (message_id, channel)
);
CREATE INDEX deliveries_open ON deliveries (channel, message_id) WHERE delivered_at IS NULL;
