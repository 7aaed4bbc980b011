"""Market data in the words of each exchange, by ccxt's id of it."""

from __future__ import annotations

from collections.abc import Mapping

from huracan_platform.venues.wires.binance import BinanceWire
from huracan_platform.venues.wires.bybit import BybitWire
from huracan_platform.venues.wires.okx import OkxWire
from huracan_platform.venues.wires.wire import Wire

WIRES: Mapping[str, type[Wire]] = {"binanceusdm": BinanceWire, "bybit": BybitWire, "okx": OkxWire}

__all__ = ["WIRES", "Wire"]
