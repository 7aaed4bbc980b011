"""Corrections of facts, and what was made from the versions before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True)
class Revision:
    """One correction of a fact: version `version` took the place of the one before it.

    `ts_ms` is when the fact is of, `known_ms` since when the correction is known (market clock), `recorded_ms` when the library
    wrote it (wire clock), all in ms UTC. `before` and `after` hold the values that differ, by column.
    """

    dataset: str
    venue: str
    symbol: str
    ts_ms: int
    version: int
    known_ms: int
    recorded_ms: int
    before: Mapping[str, float]
    after: Mapping[str, float]


class Standing(StrEnum):
    """How something that was made from a partition stands to what the partition holds now."""

    CURRENT = "current"     # the same values
    STALE = "stale"         # other values, and nothing newer has taken its place
    REPLACED = "replaced"   # other values, and it was made again since


@dataclass(frozen=True)
class Dependent:
    """Something that was made from a partition: what kind of thing, its name, the pin it read at and how it stands.

    `as_of` is of the market clock and `recorded_before` of the wire clock; None where the read had no such bound. `through`
    says by which way the partition came in.
    """

    kind: str
    name: str
    as_of: datetime | None
    recorded_before: datetime | None
    standing: Standing
    through: str


@dataclass(frozen=True)
class Impact:
    """All that was made from one partition: a symbol's UTC day of a dataset."""

    dataset: str
    venue: str
    symbol: str
    day: date
    revisions: tuple[Revision, ...]
    dependents: tuple[Dependent, ...]

    def of(self, standing: Standing) -> tuple[Dependent, ...]:
        """The dependents that stand so."""
        return tuple(d for d in self.dependents if d.standing is standing)
