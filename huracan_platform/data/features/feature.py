"""What a column of a feature set is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

LongWindow = Literal["rank", "regime"]


@dataclass(frozen=True)
class Feature:
    """One column.

    `window` is in bars, 0 where only the bar itself counts; `long_window` names the hourly window of the profile that
    the value is set against. Counted from the first bar, rows before `warmup_bars` are NaN and later ones finite on
    gapless data (funding counts from the first known rate, both from a genesis on a whole hour).
    """

    column: IntEnum
    group: str
    window: int
    warmup_bars: int
    inputs: tuple[str, ...]
    description: str
    source: str
    long_window: LongWindow | None = None

    @property
    def name(self) -> str:
        """Column name."""
        return self.column.name.lower()
