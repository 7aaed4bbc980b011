"""Made-up bars and rates, sound unless a test spoils them, and stand-ins for a venue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, day_start_ms
from huracan_platform.contracts.market import (
    CANDLE_COLUMNS,
    AccountRatios,
    Candles,
    FundingRates,
    Instrument,
    MarkPrices,
    OpenInterest,
    TakerVolumes,
)
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.gaps import DueWindow, due_window
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.venues.market import Listing
from huracan_platform.venues.wires.wire import Kept

SYMBOL = "BTC/USDT:USDT"
DAY = date(2024, 3, 1)
START = day_start_ms(DAY)


def bars(n: int = 1440, start_ms: int = START, seed: int = 1) -> Candles:
    """`n` sound bars from `start_ms` on."""
    rng = np.random.default_rng(seed)
    close = np.round(60_000 * np.exp(np.cumsum(rng.normal(0, 2e-4, n))), 1)
    opened = np.concatenate([[60_000.0], close[:-1]])
    spread = np.round(rng.uniform(0, 5, (2, n)), 1)
    high, low = np.maximum(opened, close) + spread[0], np.minimum(opened, close) - spread[1]
    ts = start_ms + np.arange(n, dtype=np.int64) * MINUTE_MS
    return Candles(SYMBOL, ts, opened, high, low, close, np.round(rng.uniform(0.1, 9, n), 3))


def pick(candles: Candles, at: Any) -> Candles:
    """The bars at the given positions, in that order."""
    return Candles(candles.symbol, candles.ts_ms[at], *(getattr(candles, name)[at] for name in CANDLE_COLUMNS))


def without(candles: Candles, at: Any) -> Candles:
    """All bars but those at the given positions."""
    return pick(candles, np.setdiff1d(np.arange(len(candles)), at))


def changed(series: Any, name: str, at: Any, value: float) -> Any:
    """One value put in another's place."""
    values = getattr(series, name).copy()
    values[at] = value
    return replace(series, **{name: values})


def hours(candles: Candles) -> Candles:
    """The hours a venue would give for these minutes."""
    return roll_up(candles, HOUR_MS).candles


def window(day: date = DAY, *, observed_ms: int | None = None) -> DueWindow:
    """All of a day due, unless observed earlier."""
    return due_window(day, 0, None, day_start_ms(day) + 2 * DAY_MS if observed_ms is None else observed_ms, 2 * MINUTE_MS)


def rates(n: int = 3, start_ms: int = START, interval_h: int = 8, seed: int = 1) -> FundingRates:
    """`n` settlements from `start_ms` on."""
    rng = np.random.default_rng(seed)
    ts = start_ms + np.arange(n, dtype=np.int64) * interval_h * HOUR_MS
    return FundingRates(SYMBOL, ts, rng.normal(1e-4, 2e-5, n), np.full(n, float(interval_h)))


class SpoiledMarket:
    """A real venue whose answers pass through a test's hands."""

    def __init__(
        self, real: MarketSource, *, candles: Callable[[Candles], Candles] = lambda c: c,
        hourly: Callable[[Candles], Candles] = lambda c: c, funding: Callable[[FundingRates], FundingRates] = lambda f: f,
        interest: Callable[[OpenInterest], OpenInterest] = lambda i: i, clock: Clock | None = None,
    ) -> None:
        self._real, self._candles, self._hourly, self._funding, self._clock = real, candles, hourly, funding, clock
        self._interest = interest

    @property
    def venue(self) -> str:
        return self._real.venue

    def clock(self) -> Clock:
        return self._clock or self._real.clock()

    def listing(self, symbol: str) -> Listing:
        return self._real.listing(symbol)

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        return self._real.instruments(symbols)

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        return self._candles(self._real.candles(symbol, start_ms, end_ms))

    def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        return self._hourly(self._real.hourly(symbol, start_ms, end_ms))

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        return self._funding(self._real.funding(symbol, start_ms, end_ms))

    def open_interest(self, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        return self._interest(self._real.open_interest(symbol, start_ms, end_ms))

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
        return self._real.mark_prices(symbol, start_ms, end_ms)

    def account_ratios(self, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        return self._real.account_ratios(symbol, start_ms, end_ms)

    def taker_volumes(self, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        return self._real.taker_volumes(symbol, start_ms, end_ms)

    def kept_ms(self, dataset: Kept) -> int | None:
        return self._real.kept_ms(dataset)
