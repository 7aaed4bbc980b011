"""Manifest of the stored feature days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class FeatureDaySymbol:
    """One symbol's part of a feature day.

    `rows_hash` is the content hash of its rows, `input_hash` that of the bars and funding they were made from.
    `start_checkpoint` and `end_checkpoint` are the SHA-256 of the engine's state before and after the day; start is
    None on the day that the state began. `as_of` and `recorded_before` are the pin of the inputs. `second_venue` names the venue
    whose funding they were compared with, '' where there was none; None where the set compares none, and where it was not noted.
    """

    symbol: str
    rows: int
    rows_hash: str
    input_hash: str
    genesis: datetime
    start_checkpoint: str | None
    end_checkpoint: str
    as_of: datetime
    recorded_before: datetime
    second_venue: str | None = None


@dataclass(frozen=True)
class FeatureDay:
    """One stored day of a feature set, all symbols inside. Paths are under the artefact root."""

    venue: str
    day: date
    feature_set: str
    profile: str
    set_hash: str
    code_version: str
    content_hash: str
    path: str
    checkpoints_path: str
    symbols: dict[str, FeatureDaySymbol] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all symbols."""
        return sum(s.rows for s in self.symbols.values())


@dataclass(frozen=True)
class StaleDay:
    """A stored day whose inputs or starting state are not what the library holds now."""

    day: date
    symbol: str
    reason: str
