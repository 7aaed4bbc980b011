"""Takes what is in the outbox to the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.outbox import Message, Outbox
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.incident import IncidentSeverity
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.operations.broadcast.channel import Channel, Delivered, Later, Refused

log = get_logger("broadcast")

MOST_AT_ONCE = 1_000
# So many of one kind that wait together are one storm and one post.
STORM_FROM = 5
# What has just happened waits this long, so that a storm is seen as one.
SETTLE = timedelta(seconds=3)
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
REFUSED_WAIT_S = 900.0


@dataclass
class Broadcaster:
    """Delivers to the first channel; to the others in turn what the ones before have not taken for
    `fallback_after_s`.

    A channel gets its messages in the order in which things happened: one that does not go through holds up those behind.
    What a fallback has told is told on the first channel too, when that is back. Incidents below `tell_from` stay on
    record. One process delivers at a time.
    """

    brain: Brain
    channels: Sequence[Channel]
    clock: Clock
    fallback_after_s: float = 120.0
    tell_from: IncidentSeverity = IncidentSeverity.WARNING
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.brain)

    def step(self) -> int:
        """Send all that is due; returns how many messages were delivered."""
        with self.outbox.alone() as alone:
            return sum(self._serve(place, channel) for place, channel in enumerate(self.channels)) if alone else 0

    def _serve(self, place: int, channel: Channel) -> int:
        now, told = to_datetime(self.clock.wire_ms()), 0
        since = now - (SETTLE if place == 0 else timedelta(seconds=self.fallback_after_s))
        pending = self._pending(channel, since)
        if place:
            waiting = {m.message_id for m in self._pending(self.channels[place - 1], since)}
            pending = [m for m in pending if m.message_id in waiting]
        for batch in grouped(pending):
            if batch[0].next_at is not None and batch[0].next_at > now:
                break
            if not self._deliver(channel, batch, now):
                break
            told += len(batch)
        return told

    def _pending(self, channel: Channel, since: datetime) -> list[Message]:
        levels = list(IncidentSeverity)
        return self.outbox.pending(channel.name, levels[levels.index(self.tell_from) :], since, MOST_AT_ONCE)

    def _deliver(self, channel: Channel, batch: Sequence[Message], now: datetime) -> bool:
        found = channel.find(batch) if batch[0].attempts else None
        if found is None:
            self.outbox.begin(batch, channel.name, now)
            reach(Failpoint.AFTER_DELIVERY_BEGUN)
            outcome = channel.post(batch)
            reach(Failpoint.AFTER_POST_BEFORE_MARK)
        else:
            outcome = found
        if isinstance(outcome, Delivered):
            self.outbox.delivered(batch, channel.name, now, outcome.remote_id)
            return True
        wait = REFUSED_WAIT_S if isinstance(outcome, Refused) else _wait(outcome, batch[0].attempts)
        self.outbox.failed(batch, channel.name, now + timedelta(seconds=wait), outcome.why)
        log.warning("message_not_delivered", channel=channel.name, messages=len(batch), why=outcome.why, again_in_s=wait)
        return False


def _wait(outcome: Later, attempts: int) -> float:
    return outcome.after_s if outcome.after_s is not None else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**attempts)


def grouped(pending: Sequence[Message]) -> list[list[Message]]:
    """Messages in order, the openings of a storm drawn together at the place of their first; what was begun stays as it was."""
    begun: dict[int, list[Message]] = {}
    fresh: dict[str, list[Message]] = {}
    for message in pending:
        if message.batch_id is not None:
            begun.setdefault(message.batch_id, []).append(message)
        else:
            kind = message.incident.kind if message.kind == "opened" else f"#{message.message_id}"
            fresh.setdefault(kind, []).append(message)
    batches = list(begun.values())
    for found in fresh.values():
        batches += [found] if len(found) >= STORM_FROM else [[m] for m in found]
    return sorted(batches, key=lambda batch: batch[0].message_id)
