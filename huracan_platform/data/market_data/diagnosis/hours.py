"""Minutes held against hours that are known to be right: which change of the minutes would make them equal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, Int64
from huracan_platform.data.market_data.diagnosis.columns import IDENTITY, order_text
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span_text
from huracan_platform.data.market_data.diagnosis.levels import other_level
from huracan_platform.data.market_data.diagnosis.repeats import shift_fault
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

MINUTES = HOUR_MS // MINUTE_MS
# Sums of decimal volumes differ from the venue's own sum in the last bits only.
VOLUME_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Hours:
    """Hours of minutes beside the same hours of the venue, those with all 60 minutes.

    `ts_ms` (n,) are their opens, `venue` (n, 5) the venue's numbers in the order of CANDLE_COLUMNS, and `first`, `greatest`,
    `least`, `last`, `total` (n, 5) those of each column of the minutes.
    """

    ts_ms: Int64
    venue: Float64
    first: Float64
    greatest: Float64
    least: Float64
    last: Float64
    total: Float64

    def under(self, order: tuple[int, ...]) -> Float64:
        """The hours (n, 5) if column `order[k]` held what CANDLE_COLUMNS[k] should."""
        o, h, lo, c, v = order
        return np.stack([self.first[:, o], self.greatest[:, h], self.least[:, lo], self.last[:, c], self.total[:, v]], axis=1)

    def agree(self) -> npt.NDArray[np.bool_]:
        """Which hours equal the venue's."""
        return same(self.under(IDENTITY), self.venue)

    def at(self, rows: npt.NDArray[np.bool_]) -> Hours:
        """Some of the hours."""
        return Hours(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def same(ours: Float64, venue: Float64) -> npt.NDArray[np.bool_]:
    """Which rows (n, 5) are equal, volumes but for rounding."""
    prices = (ours[:, :4] == venue[:, :4]).all(axis=1)
    equal: npt.NDArray[np.bool_] = prices & np.isclose(ours[:, 4], venue[:, 4], rtol=VOLUME_TOLERANCE, atol=VOLUME_TOLERANCE)
    return equal


def beside(candles: Candles, hours: Candles) -> Hours:
    """The whole hours of minutes in time order, beside the venue's."""
    values = np.stack([getattr(candles, name) for name in CANDLE_COLUMNS], axis=1)
    start = candles.ts_ms // HOUR_MS * HOUR_MS
    first = np.flatnonzero(np.concatenate([[len(start) > 0], start[1:] != start[:-1]]))
    size = np.diff(np.append(first, len(start)))
    at = first[size == MINUTES]
    _, mine, theirs = np.intersect1d(start[at], hours.ts_ms, return_indices=True)
    blocks = values[at[mine][:, None] + np.arange(MINUTES)] if len(mine) else np.empty((0, MINUTES, values.shape[1]))
    venue = np.stack([getattr(hours, name)[theirs] for name in CANDLE_COLUMNS], axis=1)
    return Hours(
        start[at[mine]], venue, blocks[:, 0], blocks.max(axis=1, initial=-np.inf), blocks.min(axis=1, initial=np.inf),
        blocks[:, -1], blocks.sum(axis=1),
    )


def against_hours(
    candles: Candles, hours: Candles, differing: Hours, all_differ: bool, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Why hours differ from the venue's: times, columns, units, or another market's rows.

    Parameters
    ----------
    candles
        Minutes of more than the hours in question: a shift brings rows from outside.
    hours
        The venue's own.
    differing
        The hours of one day that differ.
    all_differ
        Whether they are all that can be compared; a fault of some only began or ended within the day.
    """
    if len(differing.ts_ms) == 0:
        return None
    found = _reordered(differing, settings) or _shifted(candles, hours, differing, settings)
    return found or other_level(differing.ts_ms, differing.under(IDENTITY), differing.venue, all_differ, settings)


def _reordered(differing: Hours, settings: DiagnosisSettings) -> Diagnosis | None:
    explained = {
        order: same(differing.under(order), differing.venue) for order in permutations(IDENTITY) if order != IDENTITY
    }
    best = max(explained, key=lambda order: int(explained[order].sum()))
    right = explained[best]
    if right.mean() < settings.explained_share:
        return None
    bad = ranges(differing.ts_ms[right], HOUR_MS)
    return Diagnosis(
        Fault.COLUMNS_SWAPPED, f"{order_text(best)}: so {int(right.sum())} of {len(right)} hours that differ ({in_words(bad)}) "
        "equal the venue's own", True, _to_last_minute(bad),
    )


def _shifted(candles: Candles, hours: Candles, differing: Hours, settings: DiagnosisSettings) -> Diagnosis | None:
    """The shift in whole minutes that makes the minutes' hours the venue's own."""
    reach = settings.longest_shift_min
    origin = int(differing.ts_ms[0]) - reach * MINUTE_MS
    size = (int(differing.ts_ms[-1]) - origin) // MINUTE_MS + MINUTES + reach
    grid = np.full((2, size), np.nan)
    at = (candles.ts_ms - origin) // MINUTE_MS
    keep = (at >= 0) & (at < size)
    grid[0, at[keep]], grid[1, at[keep]] = candles.open[keep], candles.close[keep]
    # Hours whose first minute has no bar of a shift's are compared by their close alone, and the other way round.
    starts, lags = (differing.ts_ms - origin) // MINUTE_MS, np.arange(-reach, reach)
    opens, closes = grid[0][starts + lags[:, None]], grid[1][starts + MINUTES - 1 + lags[:, None]]
    hit = (opens == differing.venue[:, 0]) & (closes == differing.venue[:, 3])
    comparable = np.isfinite(opens) & np.isfinite(closes)
    counts = np.where(lags == 0, 0, hit.sum(axis=1))
    best = int(counts.argmax())
    if counts[best] == 0 or counts[best] < settings.explained_share * max(1, int(comparable[best].sum())):
        return None
    shift, right = int(lags[best]), hit[best]
    if not _confirmed(candles, shift, differing, right):
        return None
    bad = ranges(differing.ts_ms[right], HOUR_MS)
    partly = len(right) < len(_of_days(hours, differing)) - 1
    saving = ", as at a change of daylight saving" if abs(shift) == MINUTES and partly else ""
    return Diagnosis(
        shift_fault(shift), f"expected each bar at its open in UTC, got times {span_text(shift)} late{saving}: moved back, "
        f"{int(right.sum())} of {int(comparable[best].sum())} hours that differ ({in_words(bad)}) equal the venue's own", True,
        _to_last_minute(bad),
    )


def _confirmed(candles: Candles, shift: int, differing: Hours, right: npt.NDArray[np.bool_]) -> bool:
    """Whether also highs, lows and volumes of a moved hour are the venue's."""
    for start, venue in zip(differing.ts_ms[right], differing.venue[right], strict=True):
        first, last = np.searchsorted(candles.ts_ms, [start + shift * MINUTE_MS, start + shift * MINUTE_MS + HOUR_MS])
        if last - first != MINUTES:
            continue
        part = candles.at(slice(int(first), int(last)))
        ours = np.array([[part.open[0], part.high.max(), part.low.min(), part.close[-1], part.volume.sum()]])
        if same(ours, venue[None])[0]:
            return True
    return False


def _of_days(hours: Candles, differing: Hours) -> Int64:
    first, last = differing.ts_ms[0] // DAY_MS * DAY_MS, differing.ts_ms[-1] // DAY_MS * DAY_MS + DAY_MS
    found: Int64 = hours.ts_ms[(hours.ts_ms >= first) & (hours.ts_ms < last)]
    return found


def _to_last_minute(found: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((a, b + HOUR_MS - MINUTE_MS) for a, b in found)
