"""From the outbox to people: each message once per channel, in order, whatever happens in between."""
