"""Values that are no times or numbers of the contract's kind, but can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from huracan_platform.clock import to_datetime
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.diagnosis.order import UNITS


def no_times(column: pd.Series[Any], first_ms: int, now_ms: int) -> Diagnosis | None:
    """Times of no zone, or numbers that are no whole ms."""
    if column.dtype.kind in "OU" or isinstance(column.dtype, pd.StringDtype):
        try:
            column = pd.to_datetime(column, format="mixed", errors="coerce")
        except ValueError:  # of offsets that change
            told = f"expected times in UTC, got offsets that change: {column.iloc[0]}, {column.iloc[-1]}"
            return Diagnosis(Fault.TIME_ZONE, told, True)
        if column.isna().any():
            return None
    if column.dtype.kind == "M" and not isinstance(column.dtype, pd.DatetimeTZDtype):
        first = column.iloc[0]
        return Diagnosis(
            Fault.NO_ZONE, f"expected times in UTC, got times that tell no zone: {first} may be any place's", True
        )
    if column.dtype.kind != "f" or not np.isfinite(column).all():
        return None
    middle = float(column.median())
    for factor, unit in {1.0: "ms", **UNITS}.items():
        if first_ms <= middle * factor <= now_ms:
            sound = to_datetime(int(middle * factor))
            return Diagnosis(
                Fault.TIME_UNIT, f"expected whole ms since 1970, got {unit} with decimals: {middle} is {sound:%Y-%m-%d %H:%M}",
                True,
            )
    return None


def times_elsewhere(frame: pd.DataFrame, names: Sequence[str], first_ms: int, now_ms: int) -> Diagnosis | None:
    """Times that stand under another column, with its numbers under `ts`."""
    if _are_times(frame["ts"], first_ms, now_ms):
        return None
    name = next((name for name in names if name in frame and _are_times(frame[name], first_ms, now_ms)), None)
    if name is None:
        return None
    told = f"expected times under ts, got them under {name}, from {frame[name].iloc[0]} on, and numbers of {name} under ts"
    return Diagnosis(Fault.COLUMNS_SWAPPED, told, True)


def _are_times(column: pd.Series[Any], first_ms: int, now_ms: int) -> bool:
    """Whether all values are times of markets: dates, or numbers in one of the units, no two alike."""
    if column.dtype.kind in "OU" or isinstance(column.dtype, pd.StringDtype):
        if pd.to_numeric(column, errors="coerce").notna().any():
            return False
        column = pd.to_datetime(column, format="mixed", errors="coerce", utc=True)
    if column.isna().any() or column.duplicated().any():
        return False
    if column.dtype.kind == "M":
        column = column.dt.as_unit("ms").astype("int64")
    if column.dtype.kind not in "fi":
        return False
    return any(bool(((column * factor >= first_ms) & (column * factor <= now_ms)).all()) for factor in (1.0, *UNITS))


def as_text(frame: pd.DataFrame, names: Sequence[str]) -> Diagnosis | None:
    """Numbers written as text: with a comma for the point, or with marks between the thousands."""
    for name in names:
        if name not in frame or frame[name].dtype.kind in "fiub":
            continue
        text = frame[name].astype(str)
        plain = text.str.replace(".", "")
        for read in (text, text.str.replace(",", "."), plain.str.replace(",", "."), text.str.replace(",", "")):
            if pd.to_numeric(read, errors="coerce").notna().all():
                return Diagnosis(
                    Fault.NUMBER_FORMAT, f"expected {name} as numbers, got text: {text.iloc[0]} is {float(read.iloc[0]):g}", True
                )
    return None
