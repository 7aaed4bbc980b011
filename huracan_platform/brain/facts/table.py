"""What a table of versioned facts is: its name, its values, and the SQL fragments that follow from them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql


@dataclass(frozen=True)
class FactTable:
    """A main table `name` and its `<name>_history`, with `values` as double precision columns."""

    name: str
    values: tuple[str, ...]

    @property
    def main(self) -> sql.Identifier:
        """The table of current versions."""
        return sql.Identifier(self.name)

    @property
    def history(self) -> sql.Identifier:
        """The table of superseded versions."""
        return sql.Identifier(f"{self.name}_history")

    @property
    def stored(self) -> tuple[str, ...]:
        """Columns of the main table; the history has them too."""
        return ("series_id", "version", "ts", "known_at", "recorded_at", *self.values)

    @property
    def lock_class(self) -> int:
        """First half of the advisory locks on this table's series; the second is the series' number."""
        return zlib.crc32(self.name.encode()) & 0x7FFF_FFFF

    def differs(self, left: str, right: str) -> sql.Composed:
        """Condition that two rows, by their aliases, have different values."""
        return sql.SQL(" OR ").join(
            sql.SQL("{} IS DISTINCT FROM {}").format(sql.Identifier(left, v), sql.Identifier(right, v)) for v in self.values
        )


def column_list(columns: Sequence[str], table: str | None = None) -> sql.Composed:
    """Column names with commas between, each after the table's alias when there is one."""
    return sql.SQL(", ").join(sql.Identifier(*((table, c) if table else (c,))) for c in columns)
