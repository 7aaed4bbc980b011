"""What a market's own book can be asked, wherever it comes from. A side is told by its sign, +1 the bids and -1 the asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from huracan_platform.simulator.market.bars import I64


class BookState(Protocol):
    """The book at one moment: prices in ticks, quantities in lots. A side begins behind `beyond`, NOWHERE for all of it."""

    @property
    def number(self) -> int:
        """Number of the state, greater for a later one."""
        ...

    @property
    def last(self) -> int:
        """Price of the last trade."""
        ...

    @property
    def bid(self) -> int:
        """Best bid."""
        ...

    @property
    def ask(self) -> int:
        """Best ask."""
        ...

    def first(self, sign: int, beyond: int) -> int:
        """Best price of a side that begins behind `beyond`."""
        ...

    def levels(self, sign: int, beyond: int) -> Iterator[tuple[int, int]]:
        """Price and lots of one level after the other, as far as they are asked for."""
        ...

    def standing(self, sign: int, price: int) -> int:
        """Lots at a price of a side; 0 where it is no level."""
        ...

    def ladder(self, sign: int, beyond: int, levels: int) -> tuple[I64, I64]:
        """Prices and lots of the levels of a side, best first."""
        ...


# Row of the minute, index of the last trade in it, number of the state.
Place = tuple[int, int, int]


class BookStates(Protocol):
    """Books of one symbol at any of its trades."""

    def after_trade(self, row: int, index: int) -> BookState:
        """The book just after trade `index` of minute `row` (-1: before its first)."""
        ...

    def at(self, market_ms: int) -> BookState:
        """The book at a market time; before the first bar that of its open."""
        ...

    def passed(self, since: Place, until: Place, sign: int, reached: int | None) -> set[int]:
        """Prices of a side at which a level may have come, changed or gone between two places, both included.

        `reached`: how far orders of the other side have meanwhile gone into this one, None for not at all.
        """
        ...
