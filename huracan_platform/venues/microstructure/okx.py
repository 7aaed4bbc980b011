"""OKX v5, linear swaps: the best 400 levels every 100 ms, the best ones every 10 ms, and trades by taker order and price.

A book's differences say which one they follow on (`prevSeqId`). Its checksum is deprecated: 0 in every frame since June 2026.
A trade tells the last of the trades that it sums up (`tradeId`) and how many (`count`): what is between two of them is missing.
Sizes are contracts. Unrecorded: frames of these channels are those of the vendor's documentation and of ccxt's parsers.
https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel, …-ws-trades-channel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from huracan_platform.contracts.microstructure import DepthUpdate, Message, Pulse, Quote, Trade
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.venues.listed import Contract
from huracan_platform.venues.microstructure.levels import levels
from huracan_platform.venues.microstructure.streams import Dataset
from huracan_platform.venues.microstructure.told_books import ToldBooks

LEVELS = 400
BOOK, BEST, TRADES, PULSE = "books", "bbo-tbt", "trades", "mark-price"
CHANNELS: Mapping[Dataset, tuple[str, ...]] = {"book": (BOOK, BEST, PULSE), "trades": (TRADES, PULSE)}
_BOUGHT = {"buy": True, "sell": False}


class OkxStreams(ToldBooks):
    """Streams of contracts, given by the venue's names."""

    snapshot_levels = LEVELS
    beat: str | None = "ping"

    def __init__(self, client: Any, contracts: Mapping[str, Contract]) -> None:
        super().__init__({contract.symbol: {"channel": BOOK, "instId": name} for name, contract in contracts.items()})
        self._client, self._contracts = client, dict(contracts)
        self._readers = {BOOK: _depth, BEST: _quote, TRADES: _trade, PULSE: _pulse}

    def url(self, dataset: Dataset) -> str:
        """Of all that needs no sign-on."""
        return f"{self._client.urls['api']['ws']}/public"

    def hello(self, dataset: Dataset) -> dict[str, Any] | None:
        """Every channel of every contract."""
        self.requests(dataset)  # of the connection before
        asked = [(channel, name) for channel in CHANNELS[dataset] for name in sorted(self._contracts)]
        return {"op": "subscribe", "args": [{"channel": channel, "instId": name} for channel, name in asked]}

    def read(self, text: str) -> Sequence[Message]:
        """The messages of a channel's frame; none of an answer."""
        if text == "pong":
            return ()
        try:
            message = orjson.loads(text)
            if "event" in message:
                if message["event"] == "error":
                    raise TransientError(f"expected to hear {', '.join(sorted(self._contracts))}, got {message.get('msg')}")
                return ()
            read, contract = self._readers[message["arg"]["channel"]], self._contracts[message["arg"]["instId"]]
            return [read(contract, row, message) for row in message["data"]]
        except (LookupError, TypeError, ValueError) as error:
            raise DataContractError(f"expected a frame of {', '.join(self._readers)}, got {error!r}") from None


def _depth(contract: Contract, row: Mapping[str, Any], message: Mapping[str, Any]) -> Message:
    """A book that has not changed for a minute is told as a difference on itself."""
    at, number, previous = int(row["ts"]), int(row["seqId"]), int(row["prevSeqId"])
    if number == previous:
        return Pulse(contract.symbol, at)
    bids, asks = (levels(row[side], contract.base_per_contract) for side in ("bids", "asks"))
    return DepthUpdate(contract.symbol, at, previous + 1, number, previous, bids, asks, snapshot=message["action"] == "snapshot")


def _quote(contract: Contract, row: Mapping[str, Any], message: Mapping[str, Any]) -> Message:
    (bid,), (ask,) = (levels(row[side], contract.base_per_contract) for side in ("bids", "asks"))
    return Quote(contract.symbol, int(row["ts"]), int(row["seqId"]), *bid, *ask)


def _trade(contract: Contract, row: Mapping[str, Any], message: Mapping[str, Any]) -> Message:
    number, count = int(row["tradeId"]), int(row["count"])
    price, base = float(row["px"]), float(row["sz"]) * contract.base_per_contract
    return Trade(
        contract.symbol, int(row["ts"]), number, price, base, _BOUGHT[row["side"]], number - count + 1, number, step=count
    )


def _pulse(contract: Contract, row: Mapping[str, Any], message: Mapping[str, Any]) -> Message:
    return Pulse(contract.symbol, int(row["ts"]))
