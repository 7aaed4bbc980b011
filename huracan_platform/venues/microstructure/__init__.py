"""Trades, best prices and books as venues stream them: one exchange per file behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from huracan_platform.errors import ConfigurationError
from huracan_platform.venues.listed import Contract
from huracan_platform.venues.microstructure.binance import BinanceStreams
from huracan_platform.venues.microstructure.bybit import BybitStreams
from huracan_platform.venues.microstructure.okx import OkxStreams
from huracan_platform.venues.microstructure.streams import Dataset, Streams

__all__ = ["EXCHANGES", "Dataset", "Streams", "streams_of"]

Contracts = Mapping[str, Contract]


def _binance(client: Any, contracts: Contracts, snapshot_levels: int) -> Streams:
    return BinanceStreams(client, {name: contract.symbol for name, contract in contracts.items()}, snapshot_levels)


# How many levels a whole book has is asked of Binance only: the others tell so many by themselves.
EXCHANGES: Mapping[str, Callable[[Any, Contracts, int], Streams]] = MappingProxyType({
    "binanceusdm": _binance,
    "bybit": lambda client, contracts, _: BybitStreams(client, contracts),
    "okx": lambda client, contracts, _: OkxStreams(client, contracts),
})


def streams_of(ccxt_id: str, client: Any, contracts: Contracts, snapshot_levels: int) -> Streams:
    """Streams of an exchange for contracts by its own names.

    Raises
    ------
    ConfigurationError
        They are not known here.
    """
    exchange = EXCHANGES.get(ccxt_id)
    if exchange is None:
        known = " or ".join(EXCHANGES)
        raise ConfigurationError(f"HURACAN_VENUE__CCXT_ID: expected {known} for trades and books, got {ccxt_id!r}")
    return exchange(client, contracts, snapshot_levels)
