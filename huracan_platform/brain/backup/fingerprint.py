"""What a database holds, as one hash per table: two databases with equal fingerprints hold the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from huracan_platform.contracts.backup import TableFingerprint

_TABLES = """
SELECT c.oid::regclass::text, n.nspname, c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
 ORDER BY 1
"""
_KEY = """
SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
  JOIN pg_attribute a ON a.attnum = k.attnum
 WHERE i.indrelid = %s::regclass AND a.attrelid = i.indrelid AND i.indisprimary ORDER BY k.place
"""
# Which session wrote and where it ran differ after a restore; nothing that the platform reads does.
_LEFT_OUT = frozenset({"yoyo_lock"})


def fingerprints(
    connection: psycopg.Connection[Any], told: Callable[[str], None] = lambda table: None
) -> dict[str, TableFingerprint]:
    """Every table's rows in the order of its key, as text in UTC, hashed; within the transaction that is open.

    A partitioned table counts as a whole. `told` is called with each table's name before it is read.
    """
    connection.execute("SET LOCAL timezone = 'UTC'")
    connection.execute("SET LOCAL datestyle = 'ISO'")
    connection.execute("SET LOCAL extra_float_digits = 1")
    connection.execute("SET LOCAL bytea_output = 'hex'")
    found = {}
    for name, schema, table in connection.execute(_TABLES).fetchall():
        if table not in _LEFT_OUT:
            told(name)
            found[name] = _fingerprint(connection, name, sql.Identifier(schema, table))
    return found


def _fingerprint(connection: psycopg.Connection[Any], name: str, table: sql.Identifier) -> TableFingerprint:
    key = [row[0] for row in connection.execute(_KEY, (name,)).fetchall()]
    # Without a key rows have no order of their own: that of their text is as good as any.
    order = sql.SQL(", ").join(map(sql.Identifier, key)) if key else sql.SQL('t::text COLLATE "C"')
    digest, rows = hashlib.sha256(), 0
    copy = sql.SQL("COPY (SELECT * FROM {} t ORDER BY {}) TO STDOUT").format(table, order)
    with connection.cursor() as cursor, cursor.copy(copy) as block:
        for data in block:
            digest.update(data)
            rows += bytes(data).count(b"\n")  # a newline within a value is written as \n
    return TableFingerprint(rows, digest.hexdigest())
