"""What a stream is that tells how things stand, no faster than at its pace."""

from __future__ import annotations

from collections.abc import Iterable


class Thinned:
    """One stream that somebody hears. `pace_ms` is the least wall time between two looks at it, 0 for none.

    `in_stages`: what has piled up of a fast market grows too large to be told at once, so that it is looked at more often.
    """

    in_stages = False

    def __init__(self, pace_ms: int) -> None:
        self.pace_ms = pace_ms
        self.due_ms = 0

    def present(self, now_ms: int, wire_ms: int) -> Iterable[bytes]:
        """What there is to tell at a market and a wall time."""
        raise NotImplementedError

    def joined(self) -> None:
        """Somebody more listens: tell how things stand once, though they may be unchanged."""

    def due(self, now_ms: int, wire_ms: int) -> Iterable[bytes]:
        """What there is to tell, unless the stream was looked at within its pace."""
        if wire_ms < self.due_ms:
            return ()
        self.due_ms = wire_ms + self.pace_ms
        return self.present(now_ms, wire_ms)
