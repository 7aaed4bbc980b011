"""What a channel to people is, and what can become of one message sent to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from huracan_platform.brain.operations.outbox import Message


@dataclass(frozen=True)
class Delivered:
    """Posted, under the channel's own id."""

    remote_id: str


@dataclass(frozen=True)
class Later:
    """Not now: limited, out of order or out of reach. `after_s` as the channel asks, None: as the sender sees fit."""

    why: str
    after_s: float | None = None


@dataclass(frozen=True)
class Refused:
    """The channel is not ours to use as it is configured; a person has to change something."""

    why: str


Outcome = Delivered | Later | Refused


class Channel(Protocol):
    """A way to people."""

    name: str

    def post(self, messages: Sequence[Message]) -> Outcome:
        """Post one message, or several of a storm as one."""
        ...

    def find(self, messages: Sequence[Message]) -> Delivered | None:
        """The post of an earlier attempt whose answer never came; None where there is none or the channel cannot tell."""
        ...
