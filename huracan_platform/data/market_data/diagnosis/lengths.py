"""Bars of another length under minutes: an hour's or five minutes', as they came or spread over the minutes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span_text
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Lengths of bars that venues give, in minutes.
LENGTHS = (60, 30, 15, 10, 5, 3, 2)
# Nearly all, for one odd row in a file is no reason to call it sound.
NEARLY = 0.9
# Longer bars go on from each other: they open nearer to the close before than this part of what they move.
GOES_ON = 0.5


def other_length(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether bars are longer than a minute.

    Their hours equal the venue's own all the same, so these cannot vouch for them.
    """
    return _apart(candles, settings) or _spread(candles, settings) or _with_empty_minutes(candles, settings)


def _apart(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Times as far apart as the bars are long. Every fifth one of minutes would not go on from the one before."""
    steps = np.diff(candles.ts_ms) // MINUTE_MS
    if len(steps) < settings.fewest_bars:
        return None
    length = int(np.median(steps))
    regular = steps == length
    if length < 2 or regular.mean() < NEARLY:
        return None
    onward = np.abs(np.log(candles.open[1:] / candles.close[:-1]))[regular].mean()
    moved = np.abs(np.log(candles.close / candles.open)).mean()
    if onward > GOES_ON * moved:
        return None
    return _told(candles.ts_ms, length, f"got {len(candles)} bars {_length(length)} apart, each opens at the close before")


def _spread(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """One bar's numbers under each of its minutes, the volume whole, in equal parts, or all in the first."""
    prices = np.stack([getattr(candles, name) for name in CANDLE_COLUMNS[:4]], axis=1)
    for length in LENGTHS:
        first = _blocks(candles.ts_ms, length)
        if len(first) < settings.fewest_bars:
            continue
        rows = first[:, None] + np.arange(length)
        block, volume = prices[rows], candles.volume[rows]
        alike = (block == block[:, :1]).all(axis=(1, 2)) & (block[:, 0, 1] > block[:, 0, 2]) & _one_bar_s(volume)
        # A shorter length fits too, but for blocks that equal the one before.
        onward = (block[1:, 0] == block[:-1, 0]).all(axis=1) & alike[1:] & alike[:-1]
        if alike.sum() < settings.repeated_bars or onward.sum() > alike.sum() * (1 - NEARLY):
            continue
        minutes = candles.ts_ms[rows[alike]].ravel()
        return _told(minutes, length, f"got {int(alike.sum())} bars of {_length(length)}, each under all of its minutes")
    return None


def _one_bar_s(volume: Float64) -> npt.NDArray[np.bool_]:
    """Blocks (n, length) whose volumes are all the same, or nothing after the first."""
    found: npt.NDArray[np.bool_] = (volume == volume[:, :1]).all(axis=1) | (volume[:, 1:] == 0).all(axis=1)
    return found & (volume[:, 0] > 0)


def _with_empty_minutes(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Trading in the first minute of every bar only, the others filled in with its close."""
    minute = candles.ts_ms // MINUTE_MS
    for length in LENGTHS:
        bad = np.zeros(len(candles), bool)
        for day in np.unique(candles.ts_ms // DAY_MS):
            at = np.flatnonzero(candles.ts_ms // DAY_MS == day)
            trades, place = candles.volume[at] > 0, minute[at] % length
            if trades.sum() < settings.repeated_bars or len(np.unique(place)) < length:
                continue
            in_first = place == place[trades][0]
            if (in_first[trades]).all() and trades[in_first].mean() >= NEARLY:
                bad[at] = True
        if bad.any():
            return _told(candles.ts_ms[bad], length, f"got trading in one of {length} minutes only, the others filled in")
    return None


def _blocks(ts: Int64, length: int) -> Int64:
    """Positions of the first minutes of blocks of `length` that are all there, on that grid."""
    first = np.flatnonzero((ts // MINUTE_MS) % length == 0)
    first = first[first + length <= len(ts)]
    whole: Int64 = first[ts[first + length - 1] - ts[first] == (length - 1) * MINUTE_MS]
    return whole


def _told(ts: Int64, length: int, got: str) -> Diagnosis:
    bad = ranges(ts, length * MINUTE_MS if len(ts) > 1 and ts[1] - ts[0] > MINUTE_MS else MINUTE_MS)
    return Diagnosis(Fault.BAR_LENGTH, f"expected bars of a minute, {got} ({in_words(bad)})", True, bad)


def _length(minutes: int) -> str:
    return span_text(minutes).removeprefix("+")
