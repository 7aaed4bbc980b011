"""What the mirrored venue lists: instruments from its exchangeInfo, history from its klines and settlements."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.exchange.instruments import Instrument, base_of
from huracan_platform.simulator.gaps import Gap, Gaps
from huracan_platform.simulator.market.bars import I64, Liquidations, ListedSymbol
from huracan_platform.simulator.mirror.history import LiveHistory, bars_of
from huracan_platform.simulator.mirror.source import Source

_NOBODY = Liquidations(np.empty(0, np.int64), np.empty(0, np.bool_), np.empty(0, np.int64), np.empty(0, np.int64))


def identity_of(url: str) -> str:
    """Name under which facts of the mirror are kept: `mirror-` and the host, with the port where one is given.

    Raises
    ------
    ConfigurationError
        Not an http or https address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"mirror: expected an address like https://fapi.binance.com, got {url!r}")
    return f"mirror-{parts.hostname}" + (f"-{parts.port}" if parts.port else "")


def instruments_of(info: Mapping[str, Any], wanted: tuple[str, ...]) -> list[Instrument]:
    """The wanted symbols from an exchangeInfo answer.

    Raises
    ------
    ConfigurationError
        One is not listed there, or its steps are no powers of ten.
    """
    listed = {s["symbol"]: s for s in info["symbols"] if s["contractType"] == "PERPETUAL" and s["status"] == "TRADING"}
    names = [f"{base_of(symbol)}USDT" for symbol in wanted]
    if not names or len(set(names)) != len(names):
        raise ConfigurationError(f"symbols: expected one or more different ones, got {list(wanted)}")
    missing = [name for name in names if name not in listed]
    if missing:
        raise ConfigurationError(f"mirror: expected some of the {len(listed)} perpetuals that the source lists, got {missing}")
    return [_instrument(listed[name]) for name in names]


def _instrument(told: Mapping[str, Any]) -> Instrument:
    filters = {f["filterType"]: f for f in told["filters"]}
    lots = filters["LOT_SIZE"]
    return Instrument(
        told["baseAsset"], _decimals(told["symbol"], filters["PRICE_FILTER"]["tickSize"]),
        _decimals(told["symbol"], lots["stepSize"]), min_notional=Decimal(filters["MIN_NOTIONAL"]["notional"]),
        max_market_quantity=Decimal(filters["MARKET_LOT_SIZE"]["maxQty"]), max_quantity=Decimal(lots["maxQty"]),
        price_band=Decimal(filters["PERCENT_PRICE"]["multiplierUp"]) - 1, max_orders=int(filters["MAX_NUM_ORDERS"]["limit"]),
        max_conditional_orders=int(filters["MAX_NUM_ALGO_ORDERS"]["limit"]),
    )


def _decimals(symbol: str, step: str) -> int:
    """Decimals of a step that is a power of ten, 1 or less."""
    value = Decimal(step).normalize()
    exponent = value.as_tuple().exponent
    if value.as_tuple().digits != (1,) or not isinstance(exponent, int) or exponent > 0:
        raise ConfigurationError(f"mirror: expected steps of {symbol} like 0.001, got {step}")
    return -exponent


async def fetch_history(source: Source, instrument: Instrument, days: int, gaps: Gaps) -> LiveHistory:
    """So many days of minutes and settlements up to now; minutes that are not there are told."""
    now = await source.get("/fapi/v1/klines", symbol=instrument.symbol, interval="1m", limit=1)
    if not now:
        raise ConfigurationError(f"mirror: expected bars of {instrument.symbol}, got none")
    rows = await source.bars(instrument, now[0][0] // DAY_MS * DAY_MS - days * DAY_MS)
    for at in np.flatnonzero(np.diff(rows[:, 0]) != MINUTE_MS).tolist():
        gaps.add(Gap(instrument.symbol, int(rows[at, 0]) + MINUTE_MS, int(rows[at + 1, 0]), "bars"))
    funding = await source.funding(instrument, int(rows[0, 0]))
    columns: I64 = np.ascontiguousarray(rows.T)
    return LiveHistory(ListedSymbol(instrument, bars_of(columns), funding, 0, None, _NOBODY), rows)
