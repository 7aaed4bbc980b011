"""What a source of market facts declares of itself, and its rows as they cross borders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.market import Float64, Int64, Series


class Change(StrEnum):
    """How the change of a value from row to row is measured where jumps are looked for."""

    RATIO = "ratio"            # log of the ratio: prices, amounts
    DIFFERENCE = "difference"  # shares, rates, indices
    FREE = "free"              # not at all


@dataclass(frozen=True)
class Column:
    """A value of a source.

    `unit` in words. Valid is what is finite, from `low` to `high`, both included unless `above_low`. `one_scale`: no value is
    more than ten times the one before it, nor less than its tenth, so that a batch in another unit is refused.
    """

    name: str
    unit: str
    low: float = -math.inf
    high: float = math.inf
    above_low: bool = False
    one_scale: bool = False
    change: Change = Change.DIFFERENCE

    def valid(self, values: Float64) -> npt.NDArray[np.bool_]:
        """Which values are valid."""
        with np.errstate(invalid="ignore"):
            from_low = values > self.low if self.above_low else values >= self.low
            good: npt.NDArray[np.bool_] = np.isfinite(values) & from_low & (values <= self.high)
        return good

    @property
    def expected(self) -> str:
        """`a fraction of 0 to 1`, `base above 0`: what errors say."""
        if math.isinf(self.low) and math.isinf(self.high):
            return self.unit
        if math.isinf(self.high):
            return f"{self.unit} {'above' if self.above_low else 'from'} {self.low:g}"
        if math.isinf(self.low):
            return f"{self.unit} up to {self.high:g}"
        if self.above_low:
            return f"{self.unit} above {self.low:g}, up to {self.high:g}"
        return f"{self.unit} of {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class SourceContract:
    """The contract of a source: how its dataset is called, its columns, and the grid of its rows.

    A row every `step_ms`, on whole steps since 1970. It tells of `span_ms` from its `ts` on, 0 where it tells of a moment, and is
    final after that.
    """

    name: str
    columns: tuple[Column, ...]
    step_ms: int
    span_ms: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class SourceRows:
    """Rows of one symbol, a column an array of equal length. `ts_ms` in ms UTC."""

    symbol: str
    ts_ms: Int64
    values: Mapping[str, Float64]

    @classmethod
    def of(cls, series: Series) -> Self:
        """A series as rows, with the names of its fields."""
        names = [field.name for field in fields(series) if field.name not in ("symbol", "ts_ms")]
        return cls(series.symbol, series.ts_ms, {name: getattr(series, name) for name in names})

    def __len__(self) -> int:
        return len(self.ts_ms)

    def __getitem__(self, name: str) -> Float64:
        return self.values[name]

    def of_day(self, day: date) -> Self:
        """The rows of a UTC day, of rows in time order."""
        first, last = np.searchsorted(self.ts_ms, [day_start_ms(day), day_start_ms(day) + DAY_MS])
        values = {name: column[first:last] for name, column in self.values.items()}
        return type(self)(self.symbol, self.ts_ms[first:last], values)
