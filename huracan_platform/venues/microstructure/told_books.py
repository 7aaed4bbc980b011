"""Books that their own streams begin with, whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huracan_platform.contracts.microstructure import DepthUpdate
from huracan_platform.venues.microstructure.streams import Dataset


class ToldBooks:
    """The best levels at any time, begun anew by leaving a book's stream and joining it again.

    Parameters
    ----------
    topics
        By our symbol, what the exchange calls the stream of its book.
    """

    windowed, aligned, tells_books = True, False, True

    def __init__(self, topics: Mapping[str, Any]) -> None:
        self._topics = topics
        self._asked: list[dict[str, Any]] = []

    def rejoin(self, symbol: str) -> None:
        """Leave the book's stream and join it again, with the next frame that comes."""
        self._asked += [{"op": op, "args": [self._topics[symbol]]} for op in ("unsubscribe", "subscribe")]

    def requests(self, dataset: Dataset) -> Sequence[dict[str, Any]]:
        """What `rejoin` asks for, on the connection of books."""
        if dataset != "book":
            return ()
        asked, self._asked = self._asked, []
        return asked

    async def snapshot(self, symbol: str) -> DepthUpdate | None:
        """None: the stream tells it when it begins."""
        return None
