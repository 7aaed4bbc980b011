"""Trades, best prices and books as venues stream them: one exchange per file behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from huracan_platform.errors import ConfigurationError
from huracan_platform.venues.microstructure.binance import BinanceStreams
from huracan_platform.venues.microstructure.streams import Dataset, Streams

__all__ = ["EXCHANGES", "Dataset", "Streams", "streams_of"]

EXCHANGES: Mapping[str, Callable[[Any, Mapping[str, str], int], Streams]] = MappingProxyType({"binanceusdm": BinanceStreams})


def streams_of(ccxt_id: str, client: Any, names: Mapping[str, str], snapshot_levels: int) -> Streams:
    """Streams of an exchange for symbols by its own names.

    Raises
    ------
    ConfigurationError
        They are not known here.
    """
    exchange = EXCHANGES.get(ccxt_id)
    if exchange is None:
        known = " or ".join(EXCHANGES)
        raise ConfigurationError(f"HURACAN_VENUE__CCXT_ID: expected {known} for trades and books, got {ccxt_id!r}")
    return exchange(client, names, snapshot_levels)
