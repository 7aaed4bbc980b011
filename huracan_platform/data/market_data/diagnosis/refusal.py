"""What is wrong with a batch that broke its contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS, Float64, Int64
from huracan_platform.data.market_data.diagnosis.amounts import wrong_share
from huracan_platform.data.market_data.diagnosis.columns import swapped_columns
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.diagnosis.formats import as_text, no_times, times_elsewhere
from huracan_platform.data.market_data.diagnosis.order import ahead_of_now, off_grid, wrong_order, wrong_unit
from huracan_platform.data.market_data.diagnosis.rate_columns import swapped_rates
from huracan_platform.data.market_data.diagnosis.scale import other_scale
from huracan_platform.data.market_data.diagnosis.units import over_the_cap
from huracan_platform.settings.diagnosis import DiagnosisSettings

VALUES: Mapping[str, tuple[str, ...]] = {"candles": CANDLE_COLUMNS, "funding": ("rate", "interval_h")}
GRIDS = {"candles": MINUTE_MS, "funding": HOUR_MS}
# Open interest and the sources.
OTHER_GRID_MS = 5 * MINUTE_MS


def refusal(
    dataset: str, frame: pd.DataFrame, now_ms: int, before: float | None, after: float | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    """The fault of a batch that its contract refused; None where it has no name. Values are looked at of candles and funding.

    `before` and `after` are closes of the library on either side.
    """
    from huracan_platform.contracts.datasets import FIRST_MS  # pandera: 1.5 s

    if "ts" not in frame or len(frame) == 0:
        return None
    columns = VALUES.get(dataset) or tuple(name for name in frame.columns if name not in ("symbol", "ts"))
    if (found := times_elsewhere(frame, columns, FIRST_MS, now_ms)) is not None:
        return found
    if not isinstance(frame["ts"].dtype, pd.DatetimeTZDtype):
        return no_times(frame["ts"], FIRST_MS, now_ms)
    if str(frame["ts"].dt.tz) != "UTC":
        return _other_zone(frame["ts"])
    if frame["ts"].isna().any():
        return None
    ts = frame["ts"].dt.as_unit("ms").astype("int64").to_numpy()
    values = _numbers(frame, columns)
    if values is None and (found := as_text(frame, columns)) is not None:
        return found
    found = wrong_unit(ts, FIRST_MS, now_ms) or wrong_order(ts, np.zeros((len(ts), 1)) if values is None else values, settings)
    found = found or off_grid(ts, GRIDS.get(dataset, OTHER_GRID_MS)) or ahead_of_now(ts, now_ms)
    if found is None and values is not None and dataset == "account_ratios":
        return wrong_share(ts, values[:, 0])
    if found is not None or values is None or dataset not in VALUES:
        return found
    if dataset == "funding":
        rate, hours = values.T
        return swapped_rates(ts, rate, hours) or over_the_cap(ts, rate, hours, settings)
    return _of_prices(ts, values, before, after, settings)


def _of_prices(
    ts: Int64, values: Float64, before: float | None, after: float | None, settings: DiagnosisSettings
) -> Diagnosis | None:
    return swapped_columns(ts, values, settings) or other_scale(ts, values[:, 3], before, after)


def _other_zone(times: pd.Series[Any]) -> Diagnosis:
    late = times.iloc[0].utcoffset()
    minutes = 0 if late is None else int(late.total_seconds() // 60)
    return Diagnosis(Fault.TIME_ZONE, f"expected times in UTC, got {times.dt.tz} ({minutes:+d} min)", True)


def _numbers(frame: pd.DataFrame, names: tuple[str, ...]) -> Float64 | None:
    if not all(name in frame and frame[name].dtype.kind in "fiu" for name in names):
        return None
    return frame[list(names)].to_numpy(np.float64)
