"""Broken rules in words: what was expected, what was got."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrorReason, SchemaErrors

from huracan_platform.contracts.datasets.schema import TIME


def explained(errors: SchemaErrors, frame: pd.DataFrame, schema: pa.DataFrameSchema) -> str:
    """Missing and unknown columns first, then wrong types, then every broken rule with its first row."""
    missing = [name for name in schema.columns if name not in frame.columns]
    unknown = [str(name) for name in frame.columns if name not in schema.columns]
    if missing or unknown:
        return f"expected columns {', '.join(schema.columns)}; got {', '.join(map(str, frame.columns)) or 'none'}"
    wrong_types = [
        f"expected {error.schema.name} as {_type_text(error.schema)}, got {_dtype_text(frame[error.schema.name])}"
        for error in errors.schema_errors if error.reason_code is SchemaErrorReason.WRONG_DATATYPE
    ]
    return "; ".join(wrong_types or dict.fromkeys(_broken_rule(error, frame) for error in errors.schema_errors))


def _broken_rule(error: Any, frame: pd.DataFrame) -> str:
    column = error.schema.name if isinstance(error.schema, pa.Column) else None
    if error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS:
        bad, rule = frame[column].isna(), "no missing values"
    else:
        bad, rule = ~error.check_output.fillna(False).astype(bool), error.check.error
    first = frame[bad].iloc[0]
    got = f"{first[column]} at " if column and column != "ts" else ""
    return f"expected {column + ': ' if column else ''}{rule}; got {got}{first['ts']} ({int(bad.sum())} of {len(frame)} rows)"


def _type_text(column: pa.Column) -> str:
    return "timestamps in UTC, ms" if column.dtype.type == TIME else str(column.dtype)


def _dtype_text(series: pd.Series[Any]) -> str:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return f"timestamps in {series.dtype.tz}, {series.dtype.unit}"
    if series.dtype.kind == "M":
        return "timestamps without a time zone"
    return str(series.dtype)
