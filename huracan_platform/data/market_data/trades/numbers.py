"""Up to which number trades were heard without a hole: each says how far below its own the number of the trade before it lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hole:
    """Trades between two neighbours that were not heard: after number `before` at `from_ms`, before `after` at `until_ms`."""

    before: int
    after: int
    from_ms: int
    until_ms: int


class TradeNumbers:
    """The numbers of one symbol's trades on one connection."""

    def __init__(self) -> None:
        self._whole: tuple[int, int] | None = None  # number and time up to which nothing is missing
        self._ahead: dict[int, tuple[int, int]] = {}  # number and time of those heard beyond a hole, by the number before each

    @property
    def begun(self) -> bool:
        """A number was heard, so that the next one is known."""
        return self._whole is not None

    def hear(self, number: int, ts_ms: int, step: int = 1) -> None:
        """Take a trade; those before the first one are nobody's concern."""
        if self._whole is None:
            self._whole = number, ts_ms
        elif number > self._whole[0]:
            self._ahead[number - step] = number, ts_ms
            self._follow()

    def hole(self) -> Hole | None:
        """The first hole; None where there is none."""
        if self._whole is None or not self._ahead:
            return None
        after, until_ms = self._ahead[min(self._ahead)]
        return Hole(self._whole[0], after, self._whole[1], until_ms)

    def skip(self, hole: Hole) -> None:
        """Give the trades of the first hole up."""
        del self._ahead[min(self._ahead)]
        self._whole = hole.after, max(hole.from_ms, hole.until_ms)
        self._follow()

    def forget(self) -> None:
        """Begin with the next number, whatever it is."""
        self._whole = None
        self._ahead.clear()

    def _follow(self) -> None:
        assert self._whole is not None
        while self._ahead and (before := min(self._ahead)) <= self._whole[0]:
            number, ts_ms = self._ahead.pop(before)
            self._whole = max(self._whole[0], number), max(self._whole[1], ts_ms)
