"""Days that were moved out of the library into files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DetachedDay:
    """One UTC day of a dataset in a file: how many rows, where it was written, and the SHA-256 of the file."""

    dataset: str
    day: date
    rows: int
    file: str
    sha256: str
