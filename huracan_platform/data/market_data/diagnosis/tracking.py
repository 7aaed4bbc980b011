"""Minutes held against a series that is near but not equal: the mark price, the index, a second venue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64, Int64, MarkPrices
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span_text
from huracan_platform.data.market_data.diagnosis.repeats import shift_fault
from huracan_platform.data.market_data.diagnosis.scale import is_power_of_ten
from huracan_platform.settings.diagnosis import DiagnosisSettings

MARK_BAR_MS = 5 * MINUTE_MS
FEWEST_POINTS, MANY_POINTS = 24, 96


def against_marks(candles: Candles, marks: MarkPrices, settings: DiagnosisSettings) -> Diagnosis | None:
    """Bars of one symbol against the venue's own mark and index price: shifted, on another scale, or spot's."""
    closed = marks.ts_ms + MARK_BAR_MS - MINUTE_MS
    found = against_closes(candles, closed, marks.mark, "the venue's mark price", settings)
    return found or _spot(candles, closed, marks, settings)


def against_closes(candles: Candles, ts: Int64, closes: Float64, whose: str, settings: DiagnosisSettings) -> Diagnosis | None:
    """Bars against closes of the same asset at the given opens of minutes: shifted in time, or on another level.

    A shift is named where it leaves less than `shift_gain` of the distance between the two series, a level where no shift does.
    """
    usable = np.isfinite(closes) & (closes > 0)
    ts, closes = ts[usable], closes[usable]
    distance = _distances(candles, ts, closes, settings.longest_shift_min)
    if distance is None:
        return None
    here, best = float(distance[settings.longest_shift_min]), int(np.nanargmin(distance))
    shift = best - settings.longest_shift_min
    bad = ((int(candles.ts_ms[0]), int(candles.ts_ms[-1])),)
    # Of a few hours some shift comes near by chance: a quiet day's to 0.56 of the distance.
    gain = settings.shift_gain if len(ts) >= MANY_POINTS else settings.shift_gain / 2
    if shift and distance[best] < gain * here:
        return Diagnosis(
            shift_fault(shift), f"expected closes at the time of {whose}, got times {span_text(shift)} late: moved back they are "
            f"{distance[best] * 1e4:.2f} bps from it, as they came {here * 1e4:.2f}", True, bad,
        )
    return _level(candles, ts, closes, whose, bad)


def _level(candles: Candles, ts: Int64, closes: Float64, whose: str, bad: tuple[tuple[int, int], ...]) -> Diagnosis | None:
    _, mine, theirs = np.intersect1d(candles.ts_ms, ts, return_indices=True)
    if len(mine) < FEWEST_POINTS:
        return None
    ratio = candles.close[mine] / closes[theirs]
    factor = float(np.median(ratio))
    if not is_power_of_ten(factor):
        return None
    return Diagnosis(Fault.PRICE_UNIT, f"expected closes near {whose}, got {factor:.4g} times it", True, bad)


def _spot(candles: Candles, ts: Int64, marks: MarkPrices, settings: DiagnosisSettings) -> Diagnosis | None:
    """Spot trades at the index, a perpetual at its mark."""
    _, mine, theirs = np.intersect1d(candles.ts_ms, ts, return_indices=True)
    if len(mine) < FEWEST_POINTS:
        return None
    close, mark, index = candles.close[mine], marks.mark[theirs], marks.index[theirs]
    basis = float(np.median(np.abs(np.log(mark / index)))) * 1e4
    to_mark = float(np.median(np.abs(np.log(close / mark)))) * 1e4
    to_index = float(np.median(np.abs(np.log(close / index)))) * 1e4
    if basis < settings.least_basis_bps or to_index >= settings.spot_gain * to_mark:
        return None
    return Diagnosis(
        Fault.SPOT, f"expected closes near the mark price, got them {to_mark:.2f} bps from it and {to_index:.2f} bps from the "
        f"index (basis {basis:.2f} bps)", True, ((int(candles.ts_ms[0]), int(candles.ts_ms[-1])),),
    )


def _distances(candles: Candles, ts: Int64, closes: Float64, reach: int) -> npt.NDArray[np.float64] | None:
    """Typical distance, as a fraction, between moved minutes and closes for each shift of -reach … reach minutes.

    The level itself is left out, so that another market's basis is no distance. NaN where too few bars remain.
    """
    if len(ts) < FEWEST_POINTS or len(candles) == 0:
        return None
    origin = int(ts[0]) - reach * MINUTE_MS
    size = (int(ts[-1]) - int(ts[0])) // MINUTE_MS + 2 * reach + 1
    grid = np.full(size, np.nan)
    at = (candles.ts_ms - origin) // MINUTE_MS
    keep = (at >= 0) & (at < size)
    grid[at[keep]] = np.log(candles.close[keep])
    lags = np.arange(-reach, reach + 1)
    off = grid[(ts - origin) // MINUTE_MS + lags[:, None]] - np.log(closes)
    enough = np.isfinite(off).sum(axis=1) >= max(FEWEST_POINTS // 2, len(ts) // 2)
    if not enough[reach]:
        return None
    distance = np.full(len(lags), np.nan)
    part = off[enough]
    middle = np.nanmedian(part, axis=1, keepdims=True)
    distance[enough] = np.nanmedian(np.abs(part - middle), axis=1)
    return distance
