"""Binance USD-M: differences of the book every 100 ms with a whole book by REST, best prices, aggregates of trades.

Two connections, since the venue serves books under `/public` and the rest under `/market`. The newest trade's number comes
with the running minute (`k.L`), every 250 ms; the mark price beats each second, traded or not.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from huracan_platform.contracts.microstructure import DepthUpdate, Message, Pulse, Quote, Trade
from huracan_platform.errors import DataContractError
from huracan_platform.venues.client import acall
from huracan_platform.venues.microstructure.levels import levels
from huracan_platform.venues.microstructure.streams import Dataset

ROUTES: Mapping[Dataset, tuple[str, tuple[str, ...]]] = {
    "book": ("public", ("depth@100ms", "bookTicker")),
    "trades": ("market", ("aggTrade", "kline_1m", "markPrice@1s")),
}


class BinanceStreams:
    """Streams of symbols, given by the venue's names."""

    windowed, aligned, tells_books = False, True, False
    beat: str | None = None

    def __init__(self, client: Any, names: Mapping[str, str], snapshot_levels: int) -> None:
        self._client, self._names, self.snapshot_levels = client, dict(names), snapshot_levels
        self._ids = {symbol: name for name, symbol in names.items()}
        self._readers: Mapping[str, Callable[[str, dict[str, Any]], Message]] = {
            "depthUpdate": _depth, "bookTicker": _quote, "aggTrade": _trade, "kline": _bar, "markPriceUpdate": _pulse,
        }

    def url(self, dataset: Dataset) -> str:
        """All streams of the dataset on one connection."""
        api = self._client.urls["api"]["ws"]
        base = api["linear"] if "linear" in api else api["future"]
        route, kinds = ROUTES[dataset]
        streams = "/".join(f"{name.lower()}@{kind}" for name in sorted(self._names) for kind in kinds)
        return f"{base.removesuffix('/ws')}/{route}/stream?streams={streams}"

    def hello(self, dataset: Dataset) -> dict[str, Any] | None:
        """Nothing: the address says it all."""
        return None

    def read(self, text: str) -> Sequence[Message]:
        """One message of a combined stream's frame."""
        try:
            data = orjson.loads(text)["data"]
            return (self._readers[data["e"]](self._names[data["s"]], data),)
        except (orjson.JSONDecodeError, LookupError, TypeError, ValueError) as error:
            raise DataContractError(f"expected a frame of {', '.join(self._readers)}, got {error!r}") from None

    def rejoin(self, symbol: str) -> None:
        """Nothing: a whole book is had by request."""

    def requests(self, dataset: Dataset) -> Sequence[dict[str, Any]]:
        """Nothing, ever."""
        return ()

    async def snapshot(self, symbol: str) -> DepthUpdate | None:
        """GET /fapi/v1/depth"""
        asked = {"symbol": self._ids[symbol], "limit": self.snapshot_levels}
        told = await acall(self._client, "fapiPublicGetDepth", asked)
        try:
            number = int(told["lastUpdateId"])
            return DepthUpdate(
                symbol, int(told["T"]), number, number, number - 1, levels(told["bids"]), levels(told["asks"]), snapshot=True
            )
        except (LookupError, TypeError, ValueError) as error:
            raise DataContractError(f"book {symbol}: expected lastUpdateId, T, bids and asks, got {error!r}") from None


def _depth(symbol: str, data: dict[str, Any]) -> DepthUpdate:
    return DepthUpdate(symbol, data["T"], data["U"], data["u"], data["pu"], levels(data["b"]), levels(data["a"]))


def _quote(symbol: str, data: dict[str, Any]) -> Quote:
    return Quote(symbol, data["T"], data["u"], float(data["b"]), float(data["B"]), float(data["a"]), float(data["A"]))


def _trade(symbol: str, data: dict[str, Any]) -> Trade:
    return Trade(symbol, data["T"], data["a"], float(data["p"]), float(data["q"]), not data["m"], data["f"], data["l"])


def _bar(symbol: str, data: dict[str, Any]) -> Pulse:
    """A minute without trades tells −1; that there was none since is told by the minute before."""
    bar = data["k"]
    return Pulse(symbol, min(data["E"], bar["T"] + 1), max(bar["L"], 0))


def _pulse(symbol: str, data: dict[str, Any]) -> Pulse:
    return Pulse(symbol, data["E"])
