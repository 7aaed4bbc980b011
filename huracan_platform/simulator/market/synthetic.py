"""A seeded synthetic market with a documented predictable part. Equations and sources: docs/synthetic_market.md.

Every random stream has its own generator, keyed by seed, symbol and purpose, and is drawn in time order. So more
days keep the earlier ones as they are, and another symbol changes none of the others.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.exchange.instruments import base_of
from huracan_platform.simulator.market.bars import F64, I64, FundingHistory, ListedSymbol, Market, MinuteBars
from huracan_platform.simulator.market.characters import Character, character_of
from huracan_platform.simulator.market.drivers import Factors, draw_drivers, draw_factors, stream
from huracan_platform.simulator.market.kernels import FUNDING_MINUTES, IMPACT, Course, simulate
from huracan_platform.simulator.market.liquidations import Levels, list_liquidations
from huracan_platform.simulator.market.positioning import generate_positioning
from huracan_platform.simulator.market.shocks import MINUTES_PER_DAY

# Another generator makes another market of the same seed: facts of the two must never meet under one identity.
GENERATION = 2
LIVE_HORIZON_DAYS = 32
DEFAULT_START = "2025-01-01"
# Open interest stands at this many days of the symbol's usual volume, as that of large perpetuals does.
DAYS_OF_VOLUME = 0.7
# A bar of fewer lots could not be traded through its four prices.
FEWEST_LOTS = 8


@dataclass(frozen=True)
class Oracle:
    """What the generator knows and the venue never tells.

    `drift` (n, 3) of trend, participation and crowding in sigmas per minute; `sigma` (n,) of each minute's log return.
    """

    drift: F64
    sigma: F64


def symbol_key(seed: int, symbol: str) -> int:
    """Non-negative 62-bit key of a symbol's tape and book."""
    return int(np.random.SeedSequence([seed, zlib.crc32(symbol.encode())]).generate_state(1, np.uint64)[0] >> np.uint64(2))


def generate_symbol(
    base: str, seed: int, start_ms: int, minutes: int, impact: float = IMPACT,
) -> tuple[ListedSymbol, Oracle]:
    """`minutes` bars of one symbol from `start_ms` (a UTC midnight), with the generator's own knowledge of them.

    `impact` is that of forced orders on the price; 0 gives the same draws in a market that they do not move.
    """
    return _generate(base, seed, start_ms, draw_factors(seed, minutes), impact)


def _generate(base: str, seed: int, start_ms: int, factors: Factors, impact: float) -> tuple[ListedSymbol, Oracle]:
    minutes, character = len(factors.shock), character_of(base)
    instrument, usual = character.instrument, character.usual_lots
    drivers = draw_drivers(base, character, seed, factors)
    course = simulate(drivers, usual, usual * MINUTES_PER_DAY * DAYS_OF_VOLUME, impact)
    ts_ms = start_ms + MINUTE_MS * np.arange(minutes, dtype=np.int64)
    bars = _bars(ts_ms, course, drivers.sigma, stream(seed, f"{base}/taker").random(minutes), character)
    settled = np.arange(FUNDING_MINUTES, minutes, FUNDING_MINUTES)
    rates = course.funding[settled // FUNDING_MINUTES]
    funding = FundingHistory(ts_ms[settled], ts_ms[settled], rates, bars.open[settled])
    positioning = generate_positioning(bars, course.interest, lambda purpose: stream(seed, f"{base}/{purpose}"))
    key = symbol_key(seed, instrument.symbol)
    levels = Levels(course.liquidated, character.level * 10**instrument.price_decimals, usual)
    liquidations = list_liquidations(bars, levels, key)
    listed = ListedSymbol(instrument, bars, funding, key, positioning, liquidations, course.premium)
    return listed, Oracle(course.drift, drivers.sigma)


def _bars(ts_ms: I64, course: Course, sigma: F64, uniforms: F64, character: Character) -> MinuteBars:
    """Bars in whole ticks and lots; a minute opens at the last close, forced orders are among its aggressors."""
    scale = character.level * 10**character.instrument.price_decimals
    close, high, low = (_whole(np.exp(log_price) * scale, 1) for log_price in course.log_price)
    open_ = np.concatenate([_whole(np.array([scale]), 1), close[:-1]])
    lots = _whole(course.volume, FEWEST_LOTS)
    move = np.diff(course.log_price[0], prepend=0.0) / sigma
    shorts, longs = course.forced[:, 0], course.forced[:, 1]
    share = 0.5 + 0.15 * np.tanh(move) + 0.2 * (uniforms - 0.5)
    bought = shorts + _whole((lots - shorts - longs) * share, 0)
    high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
    return MinuteBars(ts_ms, open_, high, low, close, lots, bought)


def _whole(values: F64, least: int) -> I64:
    return np.maximum(np.rint(values), least).astype(np.int64)


def generate_market(
    symbols: tuple[str, ...], seed: int, days: int, start: str = DEFAULT_START, ahead: int = LIVE_HORIZON_DAYS,
) -> Market:
    """The whole synthetic market: `days` of history from `start`, then a live horizon of `ahead` more days.

    Raises
    ------
    ConfigurationError
        Malformed start day or symbol, or the same symbol twice.
    """
    try:
        start_ms = day_start_ms(date.fromisoformat(start))
    except ValueError:
        raise ConfigurationError(f"start: expected a day like 2025-01-01, got {start!r}") from None
    if seed < 0:
        raise ConfigurationError(f"seed: expected 0 or more, got {seed}")
    if start_ms < 0:
        raise ConfigurationError(f"start: expected a day from 1970-01-01, got {start!r}")
    bases = [base_of(s) for s in symbols]
    if not bases or len(set(bases)) != len(bases):
        raise ConfigurationError(f"symbols: expected one or more different ones, got {list(symbols)}")
    minutes = (days + ahead) * MINUTES_PER_DAY
    factors = draw_factors(seed, minutes)
    listed = {s.instrument.symbol: s for s in (_generate(b, seed, start_ms, factors, IMPACT)[0] for b in bases)}
    identity = f"sim{GENERATION}-s{seed}" + ("" if start == DEFAULT_START else f"-{start.replace('-', '')}")
    now_ms = start_ms + days * DAY_MS
    return Market(identity, listed, start_ms, now_ms, start_ms + minutes * MINUTE_MS)
