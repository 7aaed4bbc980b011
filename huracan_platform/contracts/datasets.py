"""The contract of each dataset: a pandera schema, and errors that say what was expected and what was got.

A batch is a data frame with columns `symbol`, `ts` (aware, UTC, ms) and the dataset's values. What breaks the contract
never reaches the library. pandera takes 1.5 s to import: import this module where a batch is validated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrorReason, SchemaErrors

from huracan_platform.clock import HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.liquidation import MINUTE_COLUMNS
from huracan_platform.contracts.market import CANDLE_COLUMNS, OPEN_INTEREST_COLUMNS
from huracan_platform.contracts.texts import SENTIMENT_COLUMNS
from huracan_platform.errors import DataContractError

TIME = pd.DatetimeTZDtype("ms", "UTC")
FIRST_MS = 1_230_940_800_000  # 2009-01-03, before which there was nothing to trade
# A batch in another unit is off by 1000 or 100; no bar of a traded perpetual ever closed at ten times the one before.
SCALE_JUMP = 10.0
# Venues cap funding at a few percent per interval; a rate in percent or basis points is 100 or 10,000 times too big.
RATE_CAP = 0.10
GRIDS = {MINUTE_MS: "minutes", 5 * MINUTE_MS: "5 minutes", 15 * MINUTE_MS: "quarters of an hour", HOUR_MS: "hours"}


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


def validate(dataset: str, frame: pd.DataFrame, context: ContractContext, what: str) -> None:
    """Hold a batch against its contract.

    Parameters
    ----------
    dataset : {"candles", "funding", "open_interest", "sentiment", "liquidations"}
    frame
        The batch as it came; it is not coerced, sorted or repaired.
    what
        Names the batch in the message: `candles BTC/USDT:USDT 2024-03-01`.

    Raises
    ------
    DataContractError
        Every broken rule with what was expected and what was got.
    """
    schema = _SCHEMAS[dataset](context)
    try:
        schema.validate(frame.reset_index(drop=True), lazy=True)
    except SchemaErrors as errors:
        raise DataContractError(f"{what}: {_explained(errors, frame.reset_index(drop=True), schema)}") from None


def _candles(context: ContractContext) -> pa.DataFrameSchema:
    price = [_check(lambda s: s > 0, "a price above 0")]
    values = {name: pa.Column(float, [_finite(), *price]) for name in CANDLE_COLUMNS[:4]}
    return _schema(
        context, MINUTE_MS, {**values, "volume": pa.Column(float, [_finite(), _check(lambda s: s >= 0, "0 or more")])},
        [_frame_check(lambda f: _one_scale(f, context), f"closes within a factor {SCALE_JUMP:g} of their neighbours (one unit)")],
    )


def _funding(context: ContractContext) -> pa.DataFrameSchema:
    return _schema(context, HOUR_MS, {
        "rate": pa.Column(float, [_finite(), _check(lambda s: s.abs() <= RATE_CAP, f"a fraction within ±{RATE_CAP:g}")]),
        "interval_h": pa.Column(float, [_finite(), _check(lambda s: (s >= 1) & (s % 1 == 0), "whole hours, 1 or more")]),
    }, [])


def _open_interest(context: ContractContext) -> pa.DataFrameSchema:
    amount = [_finite(), _check(lambda s: s > 0, "an amount above 0")]
    return _schema(context, 5 * MINUTE_MS, {name: pa.Column(float, amount) for name in OPEN_INTEREST_COLUMNS}, [
        _frame_check(
            lambda f: ~_jumps(f["contracts"], f.groupby("symbol", sort=False)["contracts"].shift()),
            f"contracts within a factor {SCALE_JUMP:g} of the row before (one unit)",
        )
    ])


def _sentiment(context: ContractContext) -> pa.DataFrameSchema:
    values = {
        "score": pa.Column(float, [_finite(), _check(lambda s: s.between(-1, 1), "a score of −1 to 1")]),
        "texts": pa.Column(float, [_finite(), _check(lambda s: (s >= 0) & (s % 1 == 0), "a count")]),
        "coverage": pa.Column(float, [_finite(), _check(lambda s: (s > 0) & (s <= 1), "a share above 0")]),
    }
    assert tuple(values) == SENTIMENT_COLUMNS
    return _schema(context, 15 * MINUTE_MS, values, [])


def _liquidations(context: ContractContext) -> pa.DataFrameSchema:
    amount = [_finite(), _check(lambda s: s >= 0, "0 or more")]
    share = [_finite(), _check(lambda s: (s > 0) & (s <= 1), "a share above 0")]
    values = {name: pa.Column(float, share if name == "coverage" else amount) for name in MINUTE_COLUMNS}
    return _schema(context, MINUTE_MS, values, [])


_SCHEMAS: dict[str, Callable[[ContractContext], pa.DataFrameSchema]] = {
    "candles": _candles, "funding": _funding, "open_interest": _open_interest, "sentiment": _sentiment,
    "liquidations": _liquidations,
}


def _schema(
    context: ContractContext, grid_ms: int, values: dict[str, pa.Column], checks: Sequence[pa.Check]
) -> pa.DataFrameSchema:
    latest = context.now_ms - (grid_ms if grid_ms == MINUTE_MS else 0)
    times = [
        _check(lambda s: _ms(s) >= FIRST_MS, "times since 2009-01-03 (before that: seconds taken for ms?)"),
        _check(lambda s: _ms(s) <= latest, f"times up to {_text(latest)}, nothing unfinished (far later: µs taken for ms?)"),
        _check(lambda s: _ms(s) % grid_ms == 0, f"times on whole {GRIDS[grid_ms]}"),
    ]
    known = _check(lambda s: s.isin(context.known_symbols), f"one of {', '.join(sorted(context.known_symbols)[:8])}")
    return pa.DataFrameSchema(
        {"symbol": pa.Column(str, [known]), "ts": pa.Column(TIME, times), **values},
        checks=[
            _frame_check(_sorted, "rows in time order per symbol"),
            _frame_check(lambda f: ~f.duplicated(["symbol", "ts"]), "each symbol and ts once"),
            *checks,
        ],
        strict=True,
    )


def _check(rule: Callable[[pd.Series[Any]], Any], expected: str) -> pa.Check:
    return pa.Check(rule, error=expected, n_failure_cases=1)


def _frame_check(rule: Callable[[pd.DataFrame], Any], expected: str) -> pa.Check:
    return pa.Check(rule, error=expected, n_failure_cases=1)


def _finite() -> pa.Check:
    return _check(lambda s: np.isfinite(s), "finite numbers")


def _ms(times: pd.Series[Any]) -> Any:
    return times.astype("int64")


def _sorted(frame: pd.DataFrame) -> Any:
    back = frame.groupby("symbol", sort=False)["ts"].diff() < pd.Timedelta(0)
    return ~back


def _one_scale(frame: pd.DataFrame, context: ContractContext) -> Any:
    before = frame.groupby("symbol", sort=False)["close"].shift()
    if context.before is not None and len(frame):
        before.iloc[0] = context.before
    fits = ~_jumps(frame["close"], before)
    if context.after is not None and len(frame):
        last = frame["close"].iloc[-1:]
        fits.iloc[-1:] &= ~_jumps(last, pd.Series(context.after, last.index))
    return fits


def _jumps(close: pd.Series[Any], before: pd.Series[Any]) -> Any:
    ratio = close / before
    return (ratio > SCALE_JUMP) | (ratio < 1 / SCALE_JUMP)


def _explained(errors: SchemaErrors, frame: pd.DataFrame, schema: pa.DataFrameSchema) -> str:
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


def _text(ms: int) -> str:
    return to_datetime(ms).isoformat(timespec="minutes")
