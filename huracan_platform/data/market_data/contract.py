"""The contract's gate: what breaks it is refused day by day where the days can be told apart, else as a whole."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from huracan_platform.contracts.market import Candles, Series
from huracan_platform.contracts.quality import RefusedBatch
from huracan_platform.contracts.source import SourceContract
from huracan_platform.data.market_data.diagnosis.diagnosis import Fault
from huracan_platform.data.market_data.diagnosis.refusal import refusal
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.errors import DataContractError
from huracan_platform.settings.diagnosis import DiagnosisSettings


@dataclass(frozen=True)
class Neighbours:
    """What a delivery must fit to: the venue's symbols and the closes of the library's rows on either side.

    `declared` is the contract of a source that brings its own; None: the dataset's. `earlier` and `later` are the library's own
    bars of the days beside, `sources` whoever else may be asked about rows that look wrong.
    """

    known_symbols: frozenset[str]
    before: float | None = None
    after: float | None = None
    declared: SourceContract | None = None
    earlier: Candles | None = None
    later: Candles | None = None
    sources: SecondSources | None = None
    diagnosis: DiagnosisSettings = field(default_factory=DiagnosisSettings)


@dataclass(frozen=True)
class Enforced:
    """`frame` holds the rows that kept the contract; `refused` says why for each day whose rows did not.

    `parts` are the rows of the refused days as they came, empty where the batch was refused as a whole.
    """

    frame: pd.DataFrame
    refused: dict[date, str] = field(default_factory=dict)
    parts: dict[date, pd.DataFrame] = field(default_factory=dict)


def enforce(dataset: str, delivery: Delivery, neighbours: Neighbours) -> Enforced:
    """Hold a delivery against its dataset's contract."""
    frame = delivery.frame
    what = f"{dataset} {delivery.symbol} {_days_text(delivery.days)}"
    try:
        _validate(dataset, frame, delivery, neighbours, what)
    except DataContractError as whole:
        parts = _by_day(frame, delivery)
        enforced = None if parts is None else _enforce_days(dataset, delivery, neighbours, parts)
        if enforced is None or not enforced.refused:
            reason = named_refusal(dataset, frame, delivery.observed_ms, neighbours, what, str(whole))
            return Enforced(frame.iloc[:0], dict.fromkeys(delivery.days, reason))
        return enforced
    return Enforced(frame)


def named_refusal(
    dataset: str, frame: pd.DataFrame, observed_ms: int, neighbours: Neighbours, what: str, reason: str
) -> str:
    """Why a batch was refused, `reason` of the contract, led by the name of the fault where it has one."""
    named = refusal(dataset, frame, observed_ms, neighbours.before, neighbours.after, neighbours.diagnosis)
    return reason if named is None else f"{what}: {named}; {reason.removeprefix(f'{what}: ')}"


def refused_batch(dataset: str, symbol: str, day: date | None, frame: pd.DataFrame, reason: str, source: str) -> RefusedBatch:
    """The rows of a frame as they came, ready for quarantine."""
    rows = _parquet(frame)
    return RefusedBatch(dataset, symbol, day, source, reason, len(frame), hashlib.sha256(rows).hexdigest(), rows)


def frame_of(series: Series) -> pd.DataFrame:
    """A series as a batch: columns `symbol`, `ts` (UTC, ms) and the values, in the order delivered."""
    names = [name for name in series.__dataclass_fields__ if name not in ("symbol", "ts_ms")]
    ts = pd.Series(series.ts_ms.astype("M8[ms]")).dt.tz_localize("UTC")
    symbol = pd.Series(np.full(len(ts), series.symbol), dtype="str")
    return pd.DataFrame({"symbol": symbol, "ts": ts, **{name: getattr(series, name) for name in names}})


def frame_of_rows(rows: Sequence[Any]) -> pd.DataFrame:
    """Rows that are no batch at all, one JSON text each."""
    return pd.DataFrame({"row": [json.dumps(row, default=str) for row in rows]}, dtype="str")


def arrays_of(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """`ts_ms` and the named value columns of a frame that kept its contract."""
    ts = frame["ts"].to_numpy(dtype="M8[ms]").astype(np.int64)
    return {"ts_ms": ts, **{name: np.ascontiguousarray(frame[name].to_numpy(np.float64)) for name in names}}


def _validate(dataset: str, frame: pd.DataFrame, delivery: Delivery, neighbours: Neighbours, what: str) -> None:
    from huracan_platform.contracts.datasets import ContractContext, validate  # pandera: 1.5 s

    context = ContractContext(neighbours.known_symbols, delivery.observed_ms, neighbours.before, neighbours.after)
    others = list(frame.loc[frame["symbol"] != delivery.symbol, "symbol"]) if "symbol" in frame else []
    fault = Fault.SPOT if set(others) == {delivery.symbol.split(":")[0]} else Fault.OTHER_SYMBOL
    told = f"{what}: {fault.value}: expected rows of {delivery.symbol}, got {len(others)} of {(others or [''])[0]}"
    try:
        validate(neighbours.declared or dataset, frame, context, what)
    except DataContractError as error:
        if not others:
            raise
        raise DataContractError(f"{told}; {str(error).removeprefix(f'{what}: ')}") from None
    if others:
        raise DataContractError(told)
    if len(frame) and not frame["ts"].between(_time(delivery.start_ms), _time(delivery.end_ms - 1)).all():
        got = f"{frame['ts'].min()} to {frame['ts'].max()}"
        raise DataContractError(f"{what}: expected times within {_days_text(delivery.days)}, got {got}")


def _enforce_days(
    dataset: str, delivery: Delivery, neighbours: Neighbours, parts: dict[date, pd.DataFrame]
) -> Enforced:
    before, refused, kept = neighbours.before, {}, []
    for day, part in parts.items():
        what = f"{dataset} {delivery.symbol} {day}"
        try:
            after = neighbours.after if day == delivery.days[-1] else None
            beside = replace(neighbours, before=before, after=after)
            _validate(dataset, part, delivery, beside, what)
        except DataContractError as error:
            refused[day] = named_refusal(dataset, part, delivery.observed_ms, beside, what, str(error))
        else:
            kept.append(part)
            before = float(part["close"].iloc[-1]) if "close" in part and len(part) else before
    frame = pd.concat(kept) if kept else delivery.frame.iloc[:0]
    return Enforced(frame, refused, {day: parts[day] for day in refused})


def _by_day(frame: pd.DataFrame, delivery: Delivery) -> dict[date, pd.DataFrame] | None:
    """Rows of each day in the order delivered; None where times cannot be read or lie outside the delivery's days."""
    times = frame.get("ts")
    if times is None or not isinstance(times.dtype, pd.DatetimeTZDtype) or str(times.dtype.tz) != "UTC" or times.isna().any():
        return None
    if len(frame) and not times.between(_time(delivery.start_ms), _time(delivery.end_ms - 1)).all():
        return None
    start = times.dt.floor("D").dt.date
    return {day: frame[start == day] for day in delivery.days}


def _time(ms: int) -> pd.Timestamp:
    return pd.Timestamp(ms, unit="ms", tz="UTC")


def _parquet(frame: pd.DataFrame) -> bytes:
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException:  # mixed types in a column: text keeps them readable
        table = pa.Table.from_pandas(frame.astype(str), preserve_index=False)
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return sink.getvalue()


def _days_text(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
