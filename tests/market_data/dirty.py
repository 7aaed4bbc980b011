"""Faults planted in sound candles and funding, each as real ones are made, and genuine recordings to plant them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.contract import Neighbours, frame_of
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.diagnosis.ticks import decimals
from huracan_platform.data.market_data.judge import Judgement, judge
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.settings import QualitySettings
from huracan_platform.venues.market import Listing
from tests.recorded import recording

QUALITY = QualitySettings()
Rng = np.random.Generator
Plant = Callable[[Candles, Rng], Candles]
PRICES = CANDLE_COLUMNS[:4]


def recorded_candles(symbol: str) -> Candles:
    """A month of genuine minutes of a Binance USD-M perpetual, `BTCUSDT`."""
    frame = pd.read_parquet(recording("binance_perp_1m_2025_05") / f"{symbol}_1m_ohlcv.parquet")
    ts = frame["ts"].to_numpy("M8[ms]").astype(np.int64)
    name = f"{symbol.removesuffix('USDT')}/USDT:USDT"
    return Candles(name, ts, *(frame[column].to_numpy(np.float64) for column in CANDLE_COLUMNS))


def around(candles: Candles, day: date) -> Candles:
    """A day with the one before and the one after."""
    start = day_start_ms(day)
    return candles.at((candles.ts_ms >= start - DAY_MS) & (candles.ts_ms < start + 2 * DAY_MS))


def of_day(candles: Candles, day: date) -> Candles:
    """Rows of a day in the order in which they come."""
    return candles.at((candles.ts_ms >= day_start_ms(day)) & (candles.ts_ms < day_start_ms(day) + DAY_MS))


def judged(
    dirty: Candles, day: date, *, hours: Candles | None = None, genuine: Candles | None = None,
    sources: SecondSources | None = None,
) -> Judgement:
    """What ingest makes of a day's rows: `hours` the venue's own, `genuine` the library's rows of the days beside."""
    start = day_start_ms(day)
    delivery = Delivery(dirty.symbol, (day,), frame_of(dirty), start + 9 * DAY_MS, Listing(0, None), hours, source="dirty.csv")
    beside = Neighbours(frozenset({dirty.symbol}), sources=sources)
    if genuine is not None:
        earlier, later = genuine.at(genuine.ts_ms < start), genuine.at(genuine.ts_ms >= start + DAY_MS)
        beside = replace(
            beside, earlier=earlier, later=later, before=float(earlier.close[-1]) if len(earlier) else None,
            after=float(later.close[0]) if len(later) else None,
        )
    return judge(CandleKind(QUALITY), delivery, beside, ())


def hours_of(genuine: Candles) -> Candles:
    """The hours that the venue gives."""
    return roll_up(genuine, HOUR_MS).candles


def shifted(minutes: int) -> Plant:
    """Times that many minutes late; the file is cut to days by those times."""
    return lambda candles, rng: replace(candles, ts_ms=candles.ts_ms + minutes * MINUTE_MS)


def shifted_from(minutes: int) -> Plant:
    """Times that are late from a random minute of the middle day on; where clocks went back, the later rows win."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        at = _a_time(candles, rng)
        ts = np.where(candles.ts_ms >= at, candles.ts_ms + minutes * MINUTE_MS, candles.ts_ms)
        kept = (candles.ts_ms >= at) | ~np.isin(ts, ts[candles.ts_ms >= at])
        return replace(candles, ts_ms=ts).at(kept)

    return plant


def spot(bps: float, noise: float = 0.3) -> Plant:
    """Another market of the same asset: a basis that wanders, small differences of every price, volumes of its own."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        wander = np.cumsum(rng.normal(0, 0.05, len(candles)))
        off = 1 + (bps + wander - wander.mean() + rng.normal(0, noise, len(candles))) * 1e-4
        digits = 6 - int(np.ceil(np.log10(candles.close[0])))  # a finer tick than the perpetual's
        closes = np.round(candles.close * off, digits)
        opened = np.concatenate([np.round(candles.open[:1] * off[:1], digits), closes[:-1]])
        high = np.maximum(np.round(candles.high * off, digits), np.maximum(opened, closes))
        low = np.minimum(np.round(candles.low * off, digits), np.minimum(opened, closes))
        volume = np.round(candles.volume * rng.lognormal(-1, 0.5, len(candles)), 5)
        return replace(candles, open=opened, high=high, low=low, close=closes, volume=volume)

    return plant


def from_a_time(plant: Plant, least_min: int = 240) -> Plant:
    """A fault of a part of the middle day only, from a random minute on, at least that long."""
    def planted(candles: Candles, rng: Rng) -> Candles:
        day = _middle(candles)
        start = day + int(rng.integers(60, 1440 - least_min)) * MINUTE_MS
        inside = (candles.ts_ms >= start) & (candles.ts_ms < day + DAY_MS)
        there = plant(candles, rng)
        return replace(candles, **{n: np.where(inside, getattr(there, n), getattr(candles, n)) for n in CANDLE_COLUMNS})

    return planted


def reordered(order: tuple[int, ...]) -> Plant:
    """Column k holds what belongs into column order[k]."""
    return lambda candles, rng: replace(
        candles, **{CANDLE_COLUMNS[k]: getattr(candles, CANDLE_COLUMNS[at]) for k, at in enumerate(order)}
    )


def scaled(factor: float, names: tuple[str, ...] = PRICES) -> Plant:
    """Columns times a factor."""
    return lambda candles, rng: replace(candles, **{name: getattr(candles, name) * factor for name in names})


def quote_volume(candles: Candles, rng: Rng) -> Candles:
    """Volume in quote instead of base."""
    return replace(candles, volume=candles.volume * (candles.high + candles.low + candles.close) / 3)


def newest_first(candles: Candles, rng: Rng) -> Candles:
    """Rows turned round."""
    return candles.at(slice(None, None, -1))


def newest_page_first(candles: Candles, rng: Rng) -> Candles:
    """Pages turned round, rows of each in time order."""
    size = int(rng.choice([100, 200, 500]))
    starts = range(0, len(candles), size)
    return candles.at(np.concatenate([np.arange(a, min(a + size, len(candles))) for a in reversed(starts)]))


def shuffled(candles: Candles, rng: Rng) -> Candles:
    """Rows in no order."""
    return candles.at(rng.permutation(len(candles)))


def page_missing(candles: Candles, rng: Rng) -> Candles:
    """A page of the middle day was never stored."""
    size = int(rng.choice([1000, 500, 300, 200]))
    first = int(np.searchsorted(candles.ts_ms, _middle(candles))) + int(rng.integers(0, 1440 - size))
    return candles.at(np.delete(np.arange(len(candles)), np.arange(first, first + size)))


def page_twice(candles: Candles, rng: Rng) -> Candles:
    """A page of the middle day was stored twice."""
    size = int(rng.choice([100, 200, 500]))
    first = int(np.searchsorted(candles.ts_ms, _middle(candles))) + int(rng.integers(0, 1440 - size))
    return candles.at(np.concatenate([np.arange(first + size), np.arange(first, len(candles))]))


def page_repeated(candles: Candles, rng: Rng) -> Candles:
    """The numbers of one page stand under the times of the next as well."""
    size = int(rng.choice([100, 200, 500]))
    first = int(np.searchsorted(candles.ts_ms, _middle(candles))) + int(rng.integers(0, 1440 - 2 * size))
    at = np.arange(len(candles))
    at[first + size:first + 2 * size] = np.arange(first, first + size)
    return replace(candles, **{name: getattr(candles, name)[at] for name in CANDLE_COLUMNS})


def forward_filled(candles: Candles, rng: Rng) -> Candles:
    """One bar stands for an hour or more."""
    size = int(rng.integers(60, 400))
    first = int(np.searchsorted(candles.ts_ms, _middle(candles))) + int(rng.integers(1, 1440 - size))
    at = np.arange(len(candles))
    at[first:first + size] = first - 1
    return replace(candles, **{name: getattr(candles, name)[at] for name in CANDLE_COLUMNS})


def longer(minutes: int) -> Plant:
    """Bars of so many minutes, as they come."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        first = np.arange(0, len(candles), minutes)
        last = np.minimum(first + minutes, len(candles)) - 1
        return Candles(
            candles.symbol, candles.ts_ms[first], candles.open[first], np.maximum.reduceat(candles.high, first),
            np.minimum.reduceat(candles.low, first), candles.close[last], np.add.reduceat(candles.volume, first),
        )

    return plant


def spread(minutes: int, volume: str) -> Plant:
    """Bars of so many minutes under each of theirs: the volume `whole`, in equal `parts`, or `none` after the first."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        bars = longer(minutes)(candles, rng)
        at = np.arange(len(candles)) // minutes
        filled = bars.at(at)
        after = (np.arange(len(candles)) % minutes > 0) & (volume == "none")
        parts = filled.volume / (minutes if volume == "parts" else 1)
        prices = {name: np.where(after, filled.close, getattr(filled, name)) for name in PRICES}
        return replace(filled, ts_ms=candles.ts_ms, volume=np.where(after, 0.0, parts), **prices)

    return plant


def untraded(candles: Candles, rng: Rng) -> Candles:
    """No volume in any bar, as in those of a mark or index price."""
    return replace(candles, volume=np.zeros(len(candles)))


def interpolated(candles: Candles, rng: Rng) -> Candles:
    """A hole of an hour or more that was closed by a straight line."""
    size = int(rng.integers(60, 400))
    first = int(np.searchsorted(candles.ts_ms, _middle(candles))) + int(rng.integers(1, 1440 - size))
    places, hole = decimals(candles.close), slice(first, first + size)
    line = np.round(np.linspace(candles.close[first - 1], candles.open[first + size] * 1.002, size + 1), places)
    closes, opened = line[1:], line[:-1]
    made = {"open": opened, "high": np.maximum(opened, closes), "low": np.minimum(opened, closes), "close": closes}
    filled = {name: getattr(candles, name).copy() for name in CANDLE_COLUMNS}
    for name, values in {**made, "volume": np.zeros(size)}.items():
        filled[name][hole] = values
    return replace(candles, **filled)


def of_another(other: Candles) -> Plant:
    """The rows of another symbol, or of another time, under this one's times."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        n = len(candles)
        at = int(rng.integers(0, len(other) - n)) if len(other) > n else 0
        return replace(candles, **{name: np.resize(getattr(other, name)[at:at + n], n) for name in CANDLE_COLUMNS})

    return plant


def to_level(other: Candles) -> Plant:
    """Rows of another time, moved to the level where they begin: only the seam is left."""
    def plant(candles: Candles, rng: Rng) -> Candles:
        there = of_another(other)(candles, rng)
        middle = len(candles) // 2
        factor = float(rng.uniform(0.97, 0.995)) * float(candles.close[middle] / there.close[middle])
        places = decimals(candles.close)
        return replace(there, **{name: np.round(getattr(there, name) * factor, places) for name in PRICES})

    return plant


def _middle(candles: Candles) -> int:
    """Midnight of the middle one of three days, of the second of two."""
    return (int(np.median(candles.ts_ms)) + MINUTE_MS) // DAY_MS * DAY_MS


def _a_time(candles: Candles, rng: Rng) -> int:
    return _middle(candles) + int(rng.integers(3, 18)) * HOUR_MS


def some_day(candles: Candles, rng: Rng) -> date:
    """A random day that has a whole one before and after."""
    first, last = day_of(int(candles.ts_ms[0])).toordinal() + 2, day_of(int(candles.ts_ms[-1])).toordinal() - 2
    return date.fromordinal(int(rng.integers(first, last + 1)))


FAULTS: Mapping[str, tuple[Plant, tuple[str, ...]]] = {
    "one hour late (UTC+1)": (shifted(60), ("time-zone shifted",)),
    "eight hours late (UTC+8)": (shifted(480), ("time-zone shifted",)),
    "five hours early (UTC-5)": (shifted(-300), ("time-zone shifted",)),
    "half hours (UTC+5:30)": (shifted(330), ("time-zone shifted",)),
    "stamped at the close": (shifted(1), ("stamped at the close",)),
    "seven minutes late": (shifted(7), ("shifted in time",)),
    "clocks go forward": (shifted_from(60), ("time-zone shifted",)),
    "clocks go back": (shifted_from(-60), ("time-zone shifted",)),
    "spot 5 bps off": (spot(5), ("spot labelled as perpetual",)),
    "spot 20 bps under": (spot(-20), ("spot labelled as perpetual",)),
    "spot 1 bp off": (spot(1, 0.1), ("spot labelled as perpetual",)),
    "spot spliced in": (from_a_time(spot(8)), ("spliced series",)),
    "high and low swapped": (reordered((0, 2, 1, 3, 4)), ("columns swapped",)),
    "open and close swapped": (reordered((3, 1, 2, 0, 4)), ("columns swapped",)),
    "open and close swapped for a while": (from_a_time(reordered((3, 1, 2, 0, 4))), ("columns swapped",)),
    "open, low, high, close": (reordered((0, 2, 1, 3, 4)), ("columns swapped",)),
    "columns rotated": (reordered((4, 0, 1, 2, 3)), ("columns swapped",)),
    "close and volume swapped": (reordered((0, 1, 2, 4, 3)), ("columns swapped",)),
    "prices times 100": (scaled(100), ("prices in a wrong unit",)),
    "prices per thousand": (scaled(1e-3), ("prices in a wrong unit",)),
    "prices times 1000 for a while": (from_a_time(scaled(1000)), ("prices in a wrong unit",)),
    "prices in another quote": (scaled(0.9174), ("prices in a wrong unit",)),
    "volume in quote": (quote_volume, ("volume in a wrong unit",)),
    "volume in contracts": (scaled(1000, ("volume",)), ("volume in a wrong unit",)),
    "newest row first": (newest_first, ("newest-first order",)),
    "newest page first": (newest_page_first, ("newest-first order",)),
    "no order": (shuffled, ("rows out of order",)),
    "a page missing": (page_missing, ("missing page",)),
    "a page twice": (page_twice, ("duplicated page",)),
    "a page's numbers again": (page_repeated, ("duplicated page",)),
    "forward filled": (forward_filled, ("stale bars",)),
    "filled in by a line": (interpolated, ("stale bars",)),
    "no volume": (untraded, ("volume in a wrong unit",)),
    "hours as minutes": (longer(60), ("bars of another length",)),
    "quarters of an hour as minutes": (longer(15), ("bars of another length",)),
    "five minutes under each of theirs": (spread(5, "whole"), ("bars of another length",)),
    "five minutes in equal parts": (spread(5, "parts"), ("bars of another length",)),
    "quarters of an hour filled up": (spread(15, "none"), ("bars of another length",)),
}
