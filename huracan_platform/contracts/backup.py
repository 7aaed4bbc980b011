"""What a backup says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1


@dataclass(frozen=True)
class TableFingerprint:
    """Rows of a table and the SHA-256 over them in the order of their key."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class BackupManifest:
    """A backup's contents.

    `made_at` is UTC, ISO; `server` the version of Postgres; `databases` the tables of each database by name; `files` the SHA-256
    of each file of the backup by name; `artefacts` that of each artefact by its path under the artefacts' folder.
    """

    made_at: str
    server: str
    databases: Mapping[str, Mapping[str, TableFingerprint]]
    files: Mapping[str, str]
    artefacts: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for tables in self.databases.values() for table in tables.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"format": FORMAT, **asdict(self)}


def read_manifest(told: Mapping[str, Any]) -> BackupManifest:
    """A manifest from its stored form.

    Raises
    ------
    ValueError
        Of another format; a field is missing or is none.
    """
    if told.get("format") != FORMAT:
        raise ValueError(f"expected format {FORMAT}, got {told.get('format')!r}")
    try:
        databases = {
            name: {table: TableFingerprint(**found) for table, found in tables.items()}
            for name, tables in told["databases"].items()
        }
        return BackupManifest(told["made_at"], told["server"], databases, dict(told["files"]), dict(told["artefacts"]))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"expected made_at, server, databases, files and artefacts, got {error!r}") from None
