"""A seeded synthetic market with a documented predictable part. Equations and sources: docs/synthetic_market.md.

Every random stream has its own generator, keyed by seed, symbol and purpose, and is drawn in time order. So more
days keep the earlier ones as they are, and another symbol changes none of the others.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.instruments import Instrument, base_of
from huracan_platform.simulator.market.bars import F64, FundingHistory, ListedSymbol, Market, MinuteBars
from huracan_platform.simulator.market.kernels import FUNDING_MINUTES, ornstein_uhlenbeck, quantise, simulate
from huracan_platform.simulator.market.positioning import generate_positioning

MINUTES_PER_YEAR = 525_600
MINUTES_PER_DAY = 1_440
LIVE_HORIZON_DAYS = 30
DEFAULT_START = "2025-01-01"
VOLATILITY_SD = (0.25, 0.15, 0.15)  # log volatility: shared slow, own slow, own fast
VOLATILITY_HALF_LIFE = (1_440.0, 1_440.0, 60.0)
VOLUME_SD = 0.55
VOLUME_HALF_LIFE = 180.0
VOLUME_NOISE = 0.35
VOLUME_FOLLOWS_VOLATILITY = 0.5
VOLUME_SEASON = 0.10


@dataclass(frozen=True)
class Character:
    """What makes a symbol: its instrument, long-run price level in USDT, annual volatility, base units per minute, and
    the correlation of its shock with the common factor."""

    instrument: Instrument
    level: float
    volatility: float
    volume: float
    beta: float


CHARACTERS = {
    "BTC": Character(Instrument("BTC", 1, 3, min_notional=Decimal(100)), 95_000.0, 0.70, 90.0, 0.90),
    "ETH": Character(Instrument("ETH", 2, 3, min_notional=Decimal(20)), 3_300.0, 0.85, 1_500.0, 0.85),
    "SOL": Character(Instrument("SOL", 2, 2), 190.0, 1.00, 12_000.0, 0.80),
}


@dataclass(frozen=True)
class Oracle:
    """What the generator knows and the venue never tells.

    `drift` (n, 3) of trend, participation and crowding in sigmas per minute; `sigma` (n,) of each minute's log return.
    """

    drift: F64
    sigma: F64


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


def symbol_key(seed: int, symbol: str) -> int:
    """Non-negative 62-bit key of a symbol's tape and book."""
    return int(np.random.SeedSequence([seed, zlib.crc32(symbol.encode())]).generate_state(1, np.uint64)[0] >> np.uint64(2))


def character_of(base: str) -> Character:
    """The symbol's character; one that is not in the table gets a plain one whose level is drawn from its name."""
    if base in CHARACTERS:
        return CHARACTERS[base]
    level = float(10 ** (zlib.crc32(base.encode()) % 3))
    return Character(Instrument(base, 4, 1), level, 0.95, 150_000.0 / level, 0.75)


def generate_symbol(base: str, seed: int, start_ms: int, minutes: int) -> tuple[ListedSymbol, Oracle]:
    """`minutes` bars of one symbol from `start_ms` (a UTC midnight), with the generator's own knowledge of them."""
    character = character_of(base)
    instrument = character.instrument
    common, own = _stream(seed, "common/shock"), _stream(seed, f"{base}/shock")
    shock = character.beta * common.standard_normal(minutes)
    shock += math.sqrt(1 - character.beta**2) * own.standard_normal(minutes)
    log_sigma = _log_volatility(base, seed, minutes)
    log_volume = _log_volume(base, seed, minutes) + VOLUME_FOLLOWS_VOLATILITY * log_sigma
    volume = character.volume * np.exp(log_volume)
    returns, sigma, drift, rates = simulate(
        shock, log_sigma, _stream(seed, f"{base}/trend").standard_normal(minutes),
        _stream(seed, f"{base}/premium").standard_normal(minutes), character.level,
        character.volatility / math.sqrt(MINUTES_PER_YEAR), volume,
    )
    open_, high, low, close, lots, bought = quantise(
        returns, sigma, volume, 1.0 - _stream(seed, f"{base}/extremes").random((minutes, 3)), character.level,
        float(10**instrument.price_decimals), float(10**instrument.quantity_decimals),
    )
    ts_ms = start_ms + MINUTE_MS * np.arange(minutes, dtype=np.int64)
    settled = np.arange(FUNDING_MINUTES, minutes, FUNDING_MINUTES)
    funding = FundingHistory(ts_ms[settled], ts_ms[settled], rates[settled // FUNDING_MINUTES], open_[settled])
    bars = MinuteBars(ts_ms, open_, high, low, close, lots, bought)
    usual_lots = character.volume * 10**instrument.quantity_decimals
    positioning = generate_positioning(bars, usual_lots, lambda purpose: _stream(seed, f"{base}/{purpose}"))
    return ListedSymbol(instrument, bars, funding, symbol_key(seed, instrument.symbol), positioning), Oracle(drift, sigma)


def _log_volatility(base: str, seed: int, minutes: int) -> F64:
    names = ("common/volatility", f"{base}/volatility", f"{base}/volatility-fast")
    parts = [
        ornstein_uhlenbeck(_stream(seed, name).standard_normal(minutes), half_life, sd)
        for name, half_life, sd in zip(names, VOLATILITY_HALF_LIFE, VOLATILITY_SD, strict=True)
    ]
    # E[exp(2x)] = exp(2 var x): subtracting the variance keeps the mean square at its level.
    return np.asarray(sum(parts) - sum(sd**2 for sd in VOLATILITY_SD), dtype=np.float64)


def _log_volume(base: str, seed: int, minutes: int) -> F64:
    slow = ornstein_uhlenbeck(_stream(seed, f"{base}/volume").standard_normal(minutes), VOLUME_HALF_LIFE, VOLUME_SD)
    noise = VOLUME_NOISE * _stream(seed, f"{base}/volume-noise").standard_normal(minutes)
    hour = (np.arange(minutes) % MINUTES_PER_DAY) / 60.0
    season = VOLUME_SEASON * np.cos(2 * np.pi * (hour - 15.0) / 24.0)
    return np.asarray(slow + noise + season - 0.5 * (VOLUME_SD**2 + VOLUME_NOISE**2), dtype=np.float64)


def generate_market(symbols: tuple[str, ...], seed: int, days: int, start: str = DEFAULT_START) -> Market:
    """The whole synthetic market: `days` of history from `start`, then a live horizon of 30 more days.

    Raises
    ------
    ConfigurationError
        Malformed start day or symbol, or the same symbol twice.
    """
    try:
        start_ms = day_start_ms(date.fromisoformat(start))
    except ValueError:
        raise ConfigurationError(f"start: expected a day like 2025-01-01, got {start!r}") from None
    bases = [base_of(s) for s in symbols]
    if not bases or len(set(bases)) != len(bases):
        raise ConfigurationError(f"symbols: expected one or more different ones, got {list(symbols)}")
    minutes = (days + LIVE_HORIZON_DAYS) * MINUTES_PER_DAY
    listed = {s.instrument.symbol: s for s in (generate_symbol(b, seed, start_ms, minutes)[0] for b in bases)}
    identity = f"sim-s{seed}" if start == DEFAULT_START else f"sim-s{seed}-{start.replace('-', '')}"
    now_ms = start_ms + days * DAY_MS
    return Market(identity, listed, start_ms, now_ms, start_ms + minutes * MINUTE_MS)
