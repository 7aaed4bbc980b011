"""Faults of the times that rows carry and of the order in which they come."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, span_text
from huracan_platform.data.market_data.gaps import ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

UNITS = {1_000.0: "seconds", 1e-3: "µs", 1e-6: "ns"}
# Local times of a zone are off by whole quarters of an hour, 14 h at most.
ZONE_STEP_MIN, ZONE_MOST_MIN = 15, 14 * 60

# Pages of a few rows or more, turned round each, leave at least this share of steps going back; chance leaves half.
MOSTLY = 0.8


def wrong_unit(ts: Int64, first_ms: int, now_ms: int) -> Diagnosis | None:
    """Times that are no ms since 1970 but would be sound in another unit."""
    odd = ts[(ts < first_ms) | (ts > now_ms)]
    if len(odd) == 0:
        return None
    for factor, unit in UNITS.items():
        if first_ms <= float(np.median(odd)) * factor <= now_ms:
            sound = to_datetime(int(float(odd[0]) * factor))
            return Diagnosis(
                Fault.TIME_UNIT, f"expected ms since 1970, got {unit} in {len(odd)} of {len(ts)} rows: {int(odd[0])} is "
                f"{sound:%Y-%m-%d %H:%M} in {unit}", True,
            )
    return None


def wrong_order(ts: Int64, values: Float64, settings: DiagnosisSettings) -> Diagnosis | None:
    """Rows that come newest first, page by page, twice, or in no order. `values` (n, k) are the rows' numbers."""
    steps = np.diff(ts)
    back, again = int((steps < 0).sum()), len(ts) - len(np.unique(ts))
    if back == 0 and again == 0:
        return None
    if again == 0 and back > MOSTLY * len(steps):
        return _newest_first(ts, steps)
    starts = np.concatenate([[0], np.flatnonzero(steps < 0) + 1])
    if again == 0:
        first, sizes = ts[starts], np.diff(np.append(starts, len(ts)))
        if (np.diff(first) < 0).all() and sizes.min() > 1 and sizes.mean() >= settings.repeated_bars:
            return Diagnosis(
                Fault.NEWEST_FIRST, f"expected the oldest page first, got {len(starts)} pages, newest first, each in time order",
                True, span(ts),
            )
        told = f"expected rows in time order, got {back} of {len(steps)} steps back in time, no time twice"
        return _stretches_newest_first(ts, steps, settings) or Diagnosis(Fault.SHUFFLED, told, True, span(ts))
    return _doubled(ts, values, back, again, settings)


def _stretches_newest_first(ts: Int64, steps: Int64, settings: DiagnosisSettings) -> Diagnosis | None:
    """Parts of the rows turned round. Rows in no order hardly ever go back so many times in a row: once in 11! places."""
    back = [(a, b + 1) for a, b in ranges(np.flatnonzero(steps < 0), 1) if b - a + 1 >= settings.repeated_bars]
    if sum(b - a for a, b in back) < settings.explained_share * int((steps < 0).sum()):
        return None
    bad = tuple((int(ts[b]), int(ts[a])) for a, b in back)
    rows = sum(b - a + 1 for a, b in back)
    return Diagnosis(
        Fault.NEWEST_FIRST, f"expected the oldest row first, got {rows} of {len(ts)} rows newest first, in {len(back)} "
        f"{'stretch' if len(back) == 1 else 'stretches'} (the first from {_minute(bad[0][1])} back to {_minute(bad[0][0])})",
        True, bad,
    )


def _newest_first(ts: Int64, steps: Int64) -> Diagnosis:
    forward = int((steps > 0).sum())
    pages = "" if forward == 0 else f", in {forward + 1} pages"
    return Diagnosis(
        Fault.NEWEST_FIRST,
        f"expected the oldest row first, got {len(ts)} rows from {_minute(int(ts[0]))} back to {_minute(int(ts[-1]))}{pages}",
        True, span(ts),
    )


def _doubled(ts: Int64, values: Float64, back: int, again: int, settings: DiagnosisSettings) -> Diagnosis:
    order = np.argsort(ts, kind="stable")
    ts_in_order, values_in_order = ts[order], values[order]
    twin = np.flatnonzero(np.diff(ts_in_order) == 0)
    same = int((values_in_order[twin] == values_in_order[twin + 1]).all(axis=1).sum())
    doubled = np.unique(ts_in_order[twin])
    bad = ((int(doubled[0]), int(doubled[-1])),)
    count = f"{again} rows come again ({_minute(int(doubled[0]))} to {_minute(int(doubled[-1]))})"
    if same < again / 2:
        if back == 1:
            at = int(np.flatnonzero(np.diff(ts) < 0)[0])
            step = max(MINUTE_MS, int(np.median(np.diff(np.unique(ts)))))
            minutes = int(ts[at + 1] - ts[at] - step) // MINUTE_MS
            saving = ", as at the end of daylight saving" if minutes == -HOUR_MS // MINUTE_MS else ""
            return Diagnosis(
                Fault.CLOCK_BACK, f"expected times that go on after {_minute(int(ts[at]))}, got a step of {span_text(minutes)}"
                f"{saving}: {again} times twice with other values", True, bad,
            )
        return Diagnosis(Fault.DUPLICATES, f"expected each time once, got {count}, {again - same} with other values", True, bad)
    step = int(np.median(np.diff(np.unique(ts)))) if len(np.unique(ts)) > 1 else MINUTE_MS
    in_a_row = len(doubled) >= settings.repeated_bars and int(doubled[-1] - doubled[0]) == (len(doubled) - 1) * step
    fault = Fault.DUPLICATED_PAGE if in_a_row else Fault.DUPLICATES
    return Diagnosis(fault, f"expected each time once, got {count}, {same} of them alike", True, bad)


def off_grid(ts: Int64, grid_ms: int) -> Diagnosis | None:
    """Times that are all off the grid by the same: stamped at the close, or of a zone with half hours."""
    if len(ts) == 0:
        return None
    into = np.unique(ts % grid_ms)
    if len(into) != 1 or into[0] == 0:
        return None
    late = int(into[0])
    if grid_ms - late <= 1000:
        return Diagnosis(
            Fault.CLOSE_STAMPED, f"expected the open of each bar, got times {late} ms after it: its last moment", True, span(ts)
        )
    if late % (ZONE_STEP_MIN * MINUTE_MS) == 0:
        told = f"expected times in UTC on whole hours, got all {late // MINUTE_MS} min past: local times of a zone"
        return Diagnosis(Fault.TIME_ZONE, told, True, span(ts))
    return Diagnosis(Fault.SHIFTED, f"expected times on whole minutes, got all {late} ms late", True, span(ts))


def ahead_of_now(ts: Int64, now_ms: int) -> Diagnosis | None:
    """Times that run ahead of the market's clock by less than the zones of the earth do."""
    if len(ts) == 0 or int(ts.max()) < now_ms or int(ts.max()) - now_ms > ZONE_MOST_MIN * MINUTE_MS:
        return None
    ahead = -(-(int(ts.max()) - now_ms) // MINUTE_MS)
    if ahead < 2:  # an unfinished bar
        return None
    return Diagnosis(
        Fault.TIME_ZONE, f"expected times up to {_minute(now_ms)} UTC, got times {ahead} min ahead of the market's clock: "
        "local times of a zone east of UTC", True, ((now_ms, int(ts.max())),),
    )


def _minute(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M}"
