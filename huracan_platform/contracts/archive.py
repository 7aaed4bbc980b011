"""What became of a file of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FileState(StrEnum):
    """TAKEN: all its days are in the library. QUARANTINED: days of it were refused. REFUSED: it never became rows."""

    TAKEN = "taken"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(frozen=True)
class ArchivedFile:
    """A line of the ledger. `kind` by the archive's own name, times in ms UTC, None where a file has no rows."""

    file: str
    sha256: str
    kind: str
    symbol: str
    interval: str | None
    state: FileState
    reason: str | None = None
    rows: int = 0
    duplicates: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
