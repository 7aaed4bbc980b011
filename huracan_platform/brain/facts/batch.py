"""A batch of facts on its way in: checked against what every fact table demands, sorted into new and known, packed for COPY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan_platform.brain.facts.copy_binary import as_timestamptz, pack_rows
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import DataContractError

_NEVER_MS = np.iinfo(np.int64).max
TYPES = {"symbol": pa.string(), "ts_ms": pa.int64(), "known_at_ms": pa.int64()}


@dataclass(frozen=True)
class FactBatch:
    """Checked columns of equal length. `symbol_index` points into `symbols`."""

    symbols: list[str]
    symbol_index: Int64
    ts_ms: Int64
    known_at_ms: Int64
    values: tuple[Float64, ...]

    def __len__(self) -> int:
        return len(self.ts_ms)

    def only(self, keep: npt.NDArray[np.bool_]) -> FactBatch:
        """The rows marked True, in their order."""
        if keep.all():
            return self
        kept = (column[keep] for column in self.values)
        return FactBatch(self.symbols, self.symbol_index[keep], self.ts_ms[keep], self.known_at_ms[keep], tuple(kept))

    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last ts_ms of each symbol."""
        first = np.full(len(self.symbols), _NEVER_MS)
        last = -first
        np.minimum.at(first, self.symbol_index, self.ts_ms)
        np.maximum.at(last, self.symbol_index, self.ts_ms)
        return {symbol: (int(first[i]), int(last[i])) for i, symbol in enumerate(self.symbols)}

    def bounds(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """Numbers of the batch's `series` and its `first` and `last` ts over all of them, as the database takes them."""
        series = [numbers[self.symbols[i]] for i in np.unique(self.symbol_index)]
        return {"series": series, "first": to_datetime(int(self.ts_ms.min())), "last": to_datetime(int(self.ts_ms.max()))}

    def beyond(self, spans: Mapping[str, tuple[int, int]]) -> npt.NDArray[np.bool_]:
        """Which rows lie before the first or after the last ts of their symbol in `spans`; all of a symbol that is not in it."""
        nothing = (_NEVER_MS, -_NEVER_MS)
        first, last = np.array([spans.get(symbol, nothing) for symbol in self.symbols], np.int64).T
        outside: npt.NDArray[np.bool_] = (self.ts_ms < first[self.symbol_index]) | (self.ts_ms > last[self.symbol_index])
        return outside

    def packed(self, numbers: Mapping[str, int], *constants: npt.NDArray[Any]) -> bytes:
        """Rows (series number, ts, known_at, values, constants) for a binary COPY, in the order of the main table's index.

        `constants` are arrays of one value each, the same in every row.
        """
        series = np.array([numbers[s] for s in self.symbols], np.int32)[self.symbol_index]
        order = np.lexsort((self.ts_ms, series))
        times = (as_timestamptz(self.ts_ms[order]), as_timestamptz(self.known_at_ms[order]))
        same = (np.broadcast_to(value, len(order)) for value in constants)
        return pack_rows([series[order], *times, *(v[order] for v in self.values), *same])


def check_batch(table: FactTable, batch: pa.Table) -> FactBatch:
    """The batch's columns as arrays.

    Raises
    ------
    DataContractError
        Wrong columns or types, null, NaN or infinite, a key twice, or a fact known before it happened.
    """
    expected = ("symbol", "ts_ms", *table.values, "known_at_ms")
    if sorted(batch.column_names) != sorted(expected):
        raise DataContractError(f"{table.name}: expected columns {', '.join(expected)}; got {', '.join(batch.column_names)}")
    symbol = _column(table, batch, "symbol").dictionary_encode()
    ts_ms, known_at_ms, *values = (
        _column(table, batch, name).to_numpy(zero_copy_only=False) for name in ("ts_ms", "known_at_ms", *table.values)
    )
    for name, column in zip(table.values, values, strict=True):
        if not np.isfinite(column).all():
            raise DataContractError(f"{table.name}.{name}: expected finite numbers, got {(~np.isfinite(column)).sum()} others")
    early = known_at_ms < ts_ms
    if early.any():
        raise DataContractError(f"{table.name}: expected known_at ≥ ts, got {early.sum()} rows known before they happened")
    checked = FactBatch(
        symbol.dictionary.to_pylist(), symbol.indices.to_numpy().astype(np.int64), ts_ms, known_at_ms, tuple(values)
    )
    _refuse_duplicates(table, checked)
    return checked


def _column(table: FactTable, batch: pa.Table, name: str) -> Any:
    wanted = TYPES.get(name, pa.float64())
    try:
        column = batch.column(name).cast(wanted).combine_chunks()
    except pa.ArrowException as error:
        got = batch.schema.field(name).type
        raise DataContractError(f"{table.name}.{name}: expected {wanted}, got {got} ({error})") from None
    if column.null_count:
        raise DataContractError(f"{table.name}.{name}: expected no nulls, got {column.null_count}")
    return column


def _refuse_duplicates(table: FactTable, batch: FactBatch) -> None:
    order = np.lexsort((batch.ts_ms, batch.symbol_index))
    twice = (np.diff(batch.ts_ms[order]) == 0) & (np.diff(batch.symbol_index[order]) == 0)
    if twice.any():
        at = order[int(np.argmax(twice))]
        first = f"{batch.symbols[int(batch.symbol_index[at])]} {to_datetime(int(batch.ts_ms[at])).isoformat()}"
        raise DataContractError(f"{table.name}: expected each key once, got {int(twice.sum())} duplicates, first {first}")
