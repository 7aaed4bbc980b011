"""A price that goes on over a hole as if there were none: the rows are there, under other times."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, span_text
from huracan_platform.data.market_data.diagnosis.repeats import shift_fault
from huracan_platform.settings.diagnosis import DiagnosisSettings


def carried_over(
    candles: Candles, earlier: Candles | None, later: Candles | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """Whether bars go on exactly where the library's ended, or end where they go on, with a hole between the two.

    Within a hole of so many minutes a price moves; that it comes back to the tick is chance at times, so this is a hint.
    """
    for before, after, sign in ((earlier, candles, 1), (candles, later, -1)):
        if before is None or after is None or len(before) == 0 or len(after) == 0:
            continue
        hole = int(after.ts_ms[0] - before.ts_ms[-1]) // MINUTE_MS - 1
        closed, opened = float(before.close[-1]), float(after.open[0])
        usual = float(np.median(np.abs(np.diff(np.log(candles.close))))) if len(candles) > 1 else 0.0
        moves = abs(np.log(opened / closed))
        if not settings.carried_min <= hole <= settings.longest_shift_min or moves > settings.carried_part * usual:
            continue
        return Diagnosis(
            shift_fault(sign * hole), f"expected a price that moved in the {hole} minutes without bars "
            f"{'before' if sign > 0 else 'after'} these, got {opened:g} after {closed:g}, as if there were none: times look "
            f"{span_text(sign * hole)} late", False, ((int(candles.ts_ms[0]), int(candles.ts_ms[-1])),),
        )
    return None


def fits_elsewhere(candles: Candles, stored: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Whether bars fill a hole of the library to the minute at another time than theirs, and its prices go on at both ends.

    `stored` are the library's bars around, from `longest_shift_min` before the first to as long after the last.
    """
    if len(candles) < 2 or len(stored) < 2:
        return None
    first, last = int(candles.ts_ms[0]), int(candles.ts_ms[-1])
    near = settings.carried_part * float(np.median(np.abs(np.diff(np.log(candles.close)))))
    for k in np.flatnonzero(np.diff(stored.ts_ms) == last - first + 2 * MINUTE_MS):
        late = (first - int(stored.ts_ms[k])) // MINUTE_MS - 1
        before, after = float(stored.close[k]), float(stored.open[k + 1])
        ends = abs(np.log(candles.open[0] / before)), abs(np.log(after / candles.close[-1]))
        if late == 0 or abs(late) > settings.longest_shift_min or max(ends) > near:
            continue
        return Diagnosis(
            shift_fault(late), f"expected bars of their own time, got {len(candles)} that fill the library's hole "
            f"{span_text(-late)} off to the minute, opening at {candles.open[0]:g} after its {before:g} and closing at "
            f"{candles.close[-1]:g} before its {after:g}: times are {span_text(late)} late", True, ((first, last),),
        )
    return None
