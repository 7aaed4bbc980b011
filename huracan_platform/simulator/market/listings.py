"""Symbols that begin late or end: a market in which each has only what lies between the two."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from huracan_platform.clock import to_datetime
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.exchange.instruments import base_of
from huracan_platform.simulator.market.bars import (
    I64,
    FundingHistory,
    Liquidations,
    ListedSymbol,
    Market,
    MinuteBars,
    Positioning,
)


@dataclass(frozen=True)
class Listings:
    """When trading of symbols begins and ends, market ms by the venue's own names; what is not named is always there."""

    begins: Mapping[str, int]
    ends: Mapping[str, int]


def read_moments(option: str, text: str) -> dict[str, int]:
    """`ETHUSDT=2025-01-03,SOL/USDT:USDT=2025-01-05T09:00` as market ms, UTC, by symbol; `option` is named in errors.

    Raises
    ------
    ConfigurationError
        Something else than symbols with days or whole minutes.
    """
    found: dict[str, int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        symbol, _, told = part.partition("=")
        name = f"{base_of(symbol)}USDT"
        try:
            moment = datetime.fromisoformat(told)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or moment.second or moment.microsecond or name in found:
            raise ConfigurationError(f"{option}: expected SYMBOL=2025-01-03 or SYMBOL=2025-01-03T09:00 once each, got {part!r}")
        found[name] = int(moment.replace(tzinfo=UTC).timestamp() * 1000)
    return found


def with_listings(market: Market, listings: Listings) -> Market:
    """The market with its symbols cut to their listings, under an identity of its own; as it is where there are none.

    Raises
    ------
    ConfigurationError
        A symbol that the market does not have, or one that would have no minute of it.
    """
    if not listings.begins and not listings.ends:
        return market
    unknown = sorted((listings.begins.keys() | listings.ends.keys()) - market.symbols.keys())
    if unknown:
        raise ConfigurationError(f"listings: expected symbols of the market, {', '.join(market.symbols)}; got {unknown[0]}")
    symbols, told = dict(market.symbols), []
    for name in sorted(listings.begins.keys() | listings.ends.keys()):
        whole = symbols[name]
        begin, end = listings.begins.get(name, whole.listed_ms), listings.ends.get(name)
        until = whole.end_ms if end is None else end
        if not whole.listed_ms <= begin < until <= whole.end_ms:
            raise ConfigurationError(
                f"listings: expected {name} to begin and end, in this order, within {to_datetime(whole.listed_ms):%Y-%m-%d} to "
                f"{to_datetime(whole.end_ms):%Y-%m-%d}, got {to_datetime(begin):%Y-%m-%d %H:%M} to "
                f"{to_datetime(until):%Y-%m-%d %H:%M}"
            )
        symbols[name] = _cut(whole, begin, until, end)
        last = "on" if end is None else f"until {to_datetime(end):%Y-%m-%d %H:%M}"
        told.append(f"{name} trades from {to_datetime(begin):%Y-%m-%d %H:%M} {last} UTC")
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]
    return replace(market, identity=f"{market.identity}-l{digest}", symbols=symbols, notes=(*market.notes, *told))


def _cut(whole: ListedSymbol, begin: int, until: int, end: int | None) -> ListedSymbol:
    bars, funding, known = whole.bars, whole.funding, whole.positioning
    rows = _within(bars.ts_ms, begin, until)
    # Nobody held a position at the very beginning, and at the end all are closed.
    settled = _within(funding.ts_ms, begin + 1, until)
    return replace(
        whole, ends_ms=end,
        bars=MinuteBars(
            bars.ts_ms[rows], bars.open[rows], bars.high[rows], bars.low[rows], bars.close[rows], bars.volume[rows],
            bars.taker_buy[rows],
        ),
        funding=FundingHistory(
            funding.ts_ms[settled], funding.raw_ms[settled], funding.rate[settled], funding.mark_ticks[settled]
        ),
        positioning=None if known is None else _positioning(known, _within(known.ts_ms, begin, until)),
        liquidations=None if whole.liquidations is None else _liquidations(whole.liquidations, begin, until),
        premium=None if whole.premium is None else whole.premium[rows],
    )


def _within(ts_ms: I64, begin: int, until: int) -> slice:
    """Positions of the half-open interval [begin, until)."""
    first, stop = (int(at) for at in np.searchsorted(ts_ms, [begin, until]))
    return slice(first, stop)


def _positioning(known: Positioning, rows: slice) -> Positioning:
    return Positioning(known.ts_ms[rows], known.open_interest[rows], known.long[rows], known.top_long[rows])


def _liquidations(forced: Liquidations, begin: int, until: int) -> Liquidations:
    rows = _within(forced.ts_ms, begin, until)
    return Liquidations(forced.ts_ms[rows], forced.long[rows], forced.lots[rows], forced.price_ticks[rows])
