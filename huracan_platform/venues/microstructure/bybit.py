"""Bybit v5, linear contracts: the best 200 levels every 100 ms, the best ones every 10 ms, and each trade.

A book begins with a snapshot and goes on by differences numbered one by one (`u`); a snapshot in between, or number 1 after the
service was restarted, begins it anew. Trades bear no numbers but UUIDs: one that the venue left out is not noticed. Block trades
have no aggressor and are left out. Unrecorded: frames are those of the vendor's documentation and of the simulated venue.
https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook, …/trade, …/ticker
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from huracan_platform.contracts.microstructure import DepthUpdate, Message, Pulse, Quote, Trade
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.venues.listed import Contract
from huracan_platform.venues.microstructure.levels import levels
from huracan_platform.venues.microstructure.streams import Dataset
from huracan_platform.venues.microstructure.told_books import ToldBooks

LEVELS = 200
BOOK, BEST, TRADES, PULSE = f"orderbook.{LEVELS}", "orderbook.1", "publicTrade", "tickers"
TOPICS: Mapping[Dataset, tuple[str, ...]] = {"book": (BOOK, BEST, PULSE), "trades": (TRADES, PULSE)}
_BOUGHT = {"Buy": True, "Sell": False}
_INT64 = (1 << 63) - 1


@dataclass
class _Best:
    """The best level of each side, kept from differences as a book is."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)

    def apply(self, data: Mapping[str, Any], *, whole: bool) -> None:
        """Take a snapshot, or the levels that changed."""
        for side, rows in ((self.bids, data["b"]), (self.asks, data["a"])):
            if whole:
                side.clear()
            for price, base in levels(rows):
                if base > 0:
                    side[price] = base
                else:
                    side.pop(price, None)


class BybitStreams(ToldBooks):
    """Streams of contracts, given by the venue's names."""

    snapshot_levels = LEVELS
    beat: str | None = '{"op":"ping"}'

    def __init__(self, client: Any, contracts: Mapping[str, Contract]) -> None:
        super().__init__({contract.symbol: f"{BOOK}.{name}" for name, contract in contracts.items()})
        self._client, self._symbols = client, {name: contract.symbol for name, contract in contracts.items()}
        self._best: dict[str, _Best] = {}
        self._readers = {BOOK: self._depth, BEST: self._quote, TRADES: self._trades, PULSE: _pulse}

    def url(self, dataset: Dataset) -> str:
        """Of linear contracts, whatever is asked for."""
        return str(self._client.implode_hostname(self._client.urls["api"]["ws"]["public"]["linear"]))

    def hello(self, dataset: Dataset) -> dict[str, Any] | None:
        """Every topic of every contract."""
        self.requests(dataset)  # of the connection before
        return {"op": "subscribe", "args": [f"{topic}.{name}" for topic in TOPICS[dataset] for name in sorted(self._symbols)]}

    def read(self, text: str) -> Sequence[Message]:
        """The messages of a topic's frame; none of an answer."""
        try:
            message = orjson.loads(text)
            if "topic" not in message:
                if message.get("success") is False:
                    raise TransientError(f"expected to hear {', '.join(sorted(self._symbols))}, got {message.get('ret_msg')}")
                return ()
            topic, _, name = message["topic"].rpartition(".")
            return self._readers[topic](self._symbols[name], message)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataContractError(f"expected a frame of {', '.join(self._readers)}, got {error!r}") from None

    def _depth(self, symbol: str, message: Mapping[str, Any]) -> Sequence[Message]:
        data, at = message["data"], message["cts"]
        number, bids, asks = data["u"], levels(data["b"]), levels(data["a"])
        return (DepthUpdate(symbol, at, number, number, number - 1, bids, asks, snapshot=_whole(message)),)

    def _quote(self, symbol: str, message: Mapping[str, Any]) -> Sequence[Message]:
        """Numbered by `seq`, which grows whatever the topic; what stands still for 3 s is told again."""
        data, best = message["data"], self._best.setdefault(symbol, _Best())
        best.apply(data, whole=_whole(message))
        bid, ask = max(best.bids), min(best.asks)
        return (Quote(symbol, message["cts"], data["seq"], bid, best.bids[bid], ask, best.asks[ask]),)

    def _trades(self, symbol: str, message: Mapping[str, Any]) -> Sequence[Message]:
        return [
            Trade(symbol, row["T"], _identity(row["i"]), float(row["p"]), float(row["v"]), _BOUGHT[row["S"]], 0, 0, step=None)
            for row in message["data"] if not row["BT"]
        ]


def _whole(message: Mapping[str, Any]) -> bool:
    """Whether a frame of a book is all there is."""
    return bool(message["type"] == "snapshot" or message["data"]["u"] == 1)


def _identity(text: str) -> int:
    """A trade's UUID folded into 63 bits."""
    number = UUID(text).int
    return (number >> 64 ^ number) & _INT64


def _pulse(symbol: str, message: Mapping[str, Any]) -> Sequence[Message]:
    return (Pulse(symbol, message["ts"]),)
