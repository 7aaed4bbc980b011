"""What every dataset's schema is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, to_datetime

TIME = pd.DatetimeTZDtype("ms", "UTC")
FIRST_MS = 1_230_940_800_000  # 2009-01-03, before which there was nothing to trade
# A batch in another unit is off by 1000 or 100; no bar of a traded perpetual ever closed at ten times the one before.
SCALE_JUMP = 10.0
# Venues cap funding at a few percent per interval; a rate in percent or basis points is 100 or 10,000 times too big.
RATE_CAP = 0.10
GRIDS = {
    MINUTE_MS: "minutes", 5 * MINUTE_MS: "5 minutes", 15 * MINUTE_MS: "quarters of an hour", HOUR_MS: "hours", DAY_MS: "days",
}


@dataclass(frozen=True)
class ContractContext:
    """What a batch is held against.

    `known_symbols` are the venue's, `now_ms` is market time, `before` and `after` the closes of the library's nearest
    rows on either side (None: there are none), with which prices must share their scale.
    """

    known_symbols: frozenset[str]
    now_ms: int
    before: float | None = None
    after: float | None = None


def schema(
    context: ContractContext, grid_ms: int, values: dict[str, pa.Column], checks: Sequence[pa.Check], span_ms: int | None = None
) -> pa.DataFrameSchema:
    """Columns `symbol`, `ts` on the grid and the values, each key once in time order; `checks` are over whole frames.

    A row tells of `span_ms` from its ts on, which must be over; None: of a minute on the grid of minutes, else of a moment.
    """
    span_ms = (grid_ms if grid_ms == MINUTE_MS else 0) if span_ms is None else span_ms
    latest = context.now_ms - span_ms
    times = [
        rule(lambda s: _ms(s) >= FIRST_MS, "times since 2009-01-03 (before that: seconds taken for ms?)"),
        rule(lambda s: _ms(s) <= latest, f"times up to {text(latest)}, nothing unfinished (far later: µs taken for ms?)"),
        rule(lambda s: _ms(s) % grid_ms == 0, f"times on whole {GRIDS.get(grid_ms) or f'steps of {grid_ms} ms'}"),
    ]
    known = rule(lambda s: s.isin(context.known_symbols), f"one of {', '.join(sorted(context.known_symbols)[:8])}")
    return pa.DataFrameSchema(
        {"symbol": pa.Column(str, [known]), "ts": pa.Column(TIME, times), **values},
        checks=[
            frame_rule(_sorted, "rows in time order per symbol"),
            frame_rule(lambda f: ~f.duplicated(["symbol", "ts"]), "each symbol and ts once"),
            *checks,
        ],
        strict=True,
    )


def rule(rule: Callable[[pd.Series[Any]], Any], expected: str) -> pa.Check:
    """A rule over a column; `expected` is what its error says."""
    return pa.Check(rule, error=expected, n_failure_cases=1)


def frame_rule(rule: Callable[[pd.DataFrame], Any], expected: str) -> pa.Check:
    """A rule over whole rows; `expected` is what its error says."""
    return pa.Check(rule, error=expected, n_failure_cases=1)


def finite() -> pa.Check:
    """Neither NaN nor infinite."""
    return rule(lambda s: np.isfinite(s), "finite numbers")


def _ms(times: pd.Series[Any]) -> Any:
    return times.astype("int64")


def _sorted(frame: pd.DataFrame) -> Any:
    back = frame.groupby("symbol", sort=False)["ts"].diff() < pd.Timedelta(0)
    return ~back


def jumps(close: pd.Series[Any], before: pd.Series[Any]) -> Any:
    """Where a value is more than `SCALE_JUMP` times the one before, or less than its part."""
    ratio = close / before
    return (ratio > SCALE_JUMP) | (ratio < 1 / SCALE_JUMP)


def text(ms: int) -> str:
    """A time as errors tell it, UTC."""
    return to_datetime(ms).isoformat(timespec="minutes")
