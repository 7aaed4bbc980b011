"""Rows that are there a second time: bars copied forward, pages stored twice, another time's or symbol's rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span_text
from huracan_platform.data.market_data.diagnosis.order import ZONE_STEP_MIN
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings


def stale(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """The same bar again and again, as where a feed's last value is copied forward.

    Certain where the volume is copied too: minutes without a trade have none.
    """
    values = np.stack([getattr(candles, name) for name in CANDLE_COLUMNS])
    flat = (np.diff(values[:4]) == 0).all(axis=0) & (np.diff(candles.ts_ms) == MINUTE_MS)
    runs = _runs(flat, settings.stale_bars)
    copied = _runs(flat & (np.diff(values[4]) == 0) & (values[4, 1:] > 0), settings.fewest_bars)
    found, certain = (copied, True) if copied else (runs, False)
    if not found:
        return None
    bad = tuple((int(candles.ts_ms[a]), int(candles.ts_ms[b])) for a, b in found)
    bars = sum(b - a + 1 for a, b in found)
    first = int(found[0][0])
    return Diagnosis(
        Fault.STALE, f"expected bars that trade, got {bars} at {candles.close[first]:g} with volume {candles.volume[first]:g} "
        f"({in_words(bad)}), {'copied forward' if certain else 'no trade or copied forward'}", certain, bad,
    )


def repeated_pages(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """A run of bars whose five numbers are all there a second time, later."""
    keys = row_keys(candles)
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    if len(same) < settings.repeated_bars:
        return None
    traded = _telling(candles)
    first, second = order[same], order[same + 1]
    keep = traded[second]
    away = Counter((candles.ts_ms[second] - candles.ts_ms[first])[keep].tolist())
    if not away:
        return None
    lag, count = away.most_common(1)[0]
    if count < settings.repeated_bars or lag < settings.repeated_bars * MINUTE_MS:
        return None
    at = np.sort(second[keep & ((candles.ts_ms[second] - candles.ts_ms[first]) == lag)])
    bad = ranges(candles.ts_ms[at])
    return Diagnosis(
        Fault.DUPLICATED_PAGE, f"expected bars of their own in {in_words(bad)}, got {count} that are those of "
        f"{span_text(-lag // MINUTE_MS)} before again, number for number", True, bad,
    )


def rows_of_another_time(candles: Candles, stored: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether bars are the library's own of another time: the file's times are shifted by so much."""
    ours, theirs = _shared(candles, stored)
    late = candles.ts_ms[ours] - stored.ts_ms[theirs]
    moved = Counter(late[late != 0].tolist())
    if not moved:
        return None
    shift, count = moved.most_common(1)[0]
    # A shift by a few minutes brings only so many bars of the days beside along.
    if count < min(settings.repeated_bars, abs(shift) // MINUTE_MS):
        return None
    bad = ranges(np.sort(candles.ts_ms[ours[late == shift]]))
    return Diagnosis(
        shift_fault(shift // MINUTE_MS), f"expected bars of their own time, got {count} that the library has "
        f"{span_text(-shift // MINUTE_MS)} off, number for number ({in_words(bad)}): times are "
        f"{span_text(shift // MINUTE_MS)} late", True, bad,
    )


def rows_of_another_symbol(candles: Candles, other: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether bars are those of `other`, number for number, at the same times or others."""
    ours, theirs = _shared(candles, other)
    if len(ours) < settings.repeated_bars:
        return None
    bad = ranges(np.unique(candles.ts_ms[ours]))
    late = Counter((candles.ts_ms[ours] - other.ts_ms[theirs]).tolist()).most_common(1)[0][0] // MINUTE_MS
    away = f", {span_text(late)} late" if late else ""
    return Diagnosis(
        Fault.OTHER_SYMBOL, f"expected bars of {candles.symbol}, got {len(ours)} that are {other.symbol}'s{away}, number for "
        f"number ({in_words(bad)})", True, bad,
    )


def shift_fault(minutes: int) -> Fault:
    """What a shift by so many minutes is called."""
    if minutes == 1:
        return Fault.CLOSE_STAMPED
    whole = minutes % ZONE_STEP_MIN == 0 and abs(minutes) < DAY_MS // MINUTE_MS
    return Fault.TIME_ZONE if whole else Fault.SHIFTED


def row_keys(candles: Candles) -> npt.NDArray[np.uint64]:
    """A 64-bit key of the five numbers of each bar; equal bars have equal keys."""
    mixed = np.zeros(len(candles), np.uint64)
    for name in CANDLE_COLUMNS:
        bits = np.ascontiguousarray(getattr(candles, name)).view(np.uint64)
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _shared(candles: Candles, other: Candles) -> tuple[Int64, Int64]:
    """Positions of telling bars that both have."""
    mine, its = np.flatnonzero(_telling(candles)), np.flatnonzero(_telling(other))
    _, a, b = np.intersect1d(row_keys(candles)[mine], row_keys(other)[its], return_indices=True)
    return mine[a], its[b]


def _telling(candles: Candles) -> npt.NDArray[np.bool_]:
    """Bars that no other could equal by chance: they moved and traded."""
    telling: npt.NDArray[np.bool_] = (candles.high > candles.low) & (candles.volume > 0)
    return telling


def _runs(flags: npt.NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """First and last position of runs of at least `least` true flags between neighbours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= least]


def minute_text(ms: int) -> str:
    """`2025-05-04 15:33`."""
    return f"{to_datetime(ms):%Y-%m-%d %H:%M}"
