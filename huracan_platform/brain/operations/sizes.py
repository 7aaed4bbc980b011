"""How much room the library takes, by table."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain

# Sizes of a partitioned table are those of its partitions; a table that was never analysed tells −1 rows.
_SIZES = """
WITH parts AS (
    SELECT c.oid, coalesce(p.inhparent, c.oid) AS whole, c.reltuples
      FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
)
SELECT w.relname, sum(greatest(parts.reltuples, 0))::bigint, sum(pg_table_size(parts.oid))::bigint,
       sum(pg_indexes_size(parts.oid))::bigint, count(*) FILTER (WHERE parts.oid <> parts.whole), bool_and(parts.reltuples >= 0)
  FROM parts JOIN pg_class w ON w.oid = parts.whole
 GROUP BY w.relname
 ORDER BY sum(pg_total_relation_size(parts.oid)) DESC, w.relname
"""
_HELD = """
SELECT dataset, count(DISTINCT (venue, symbol)), count(*), sum(row_count), min(day)::text, max(day)::text
  FROM dataset_days WHERE row_count > 0 GROUP BY dataset
"""


@dataclass(frozen=True)
class TableSize:
    """One table: rows as its statistics say, bytes of rows and of indexes, partitions (0 where it has none).

    `estimated` False: some part was never counted, and `rows` are too few.
    """

    table: str
    rows: int
    table_bytes: int
    index_bytes: int
    partitions: int
    estimated: bool


@dataclass(frozen=True)
class DatasetSize:
    """Series, symbol-days and rows of a dataset as its day books say, first and last day as text."""

    dataset: str
    series: int
    symbol_days: int
    rows: int
    first_day: str
    last_day: str


class LibrarySizes:
    """Sizes of the Brain Library."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def tables(self) -> list[TableSize]:
        """Largest first."""
        with self._brain.connect() as connection:
            return [TableSize(*row) for row in connection.execute(_SIZES).fetchall()]

    def datasets(self) -> list[DatasetSize]:
        """Most rows first."""
        with self._brain.connect() as connection:
            found = [DatasetSize(*row) for row in connection.execute(_HELD).fetchall()]
        return sorted(found, key=lambda one: -one.rows)
