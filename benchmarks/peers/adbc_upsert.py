"""A bare staging upsert through adbc in a process of its own, timed without its start-up. Run by the Python that has adbc.

    python adbc_upsert.py DSN FEATHER

The arrow file holds the columns of the staging table. Says `ready` when it lies in memory and the connection is open. Then for
every line on its standard input it empties its table, and in one transaction ingests the rows into an unlogged staging table and
upserts them from there; it prints a line of JSON: wall and CPU seconds, rows written, and rows in the table.
"""

from __future__ import annotations

import json
import sys
import time

import adbc_driver_postgresql.dbapi as adbc
from pyarrow import feather

STAGING = """
CREATE UNLOGGED TABLE IF NOT EXISTS plain_staging (
    series_id integer, version integer, ts timestamptz, known_at timestamptz, recorded_at timestamptz,
    open double precision, high double precision, low double precision, close double precision, volume double precision)
"""
PLAIN = "CREATE TABLE IF NOT EXISTS plain_candles (LIKE plain_staging, PRIMARY KEY (series_id, ts))"
UPSERT = """
INSERT INTO plain_candles SELECT * FROM plain_staging
    ON CONFLICT (series_id, ts) DO UPDATE SET version = excluded.version, known_at = excluded.known_at,
       recorded_at = excluded.recorded_at, open = excluded.open, high = excluded.high, low = excluded.low,
       close = excluded.close, volume = excluded.volume
"""


def main() -> None:
    dsn, path = sys.argv[1:]
    rows = feather.read_table(path, memory_map=False).combine_chunks()
    with adbc.connect(dsn) as connection, connection.cursor() as cursor:
        for statement in (STAGING, PLAIN):
            cursor.execute(statement)
        connection.commit()
        print("ready", flush=True)
        for _ in sys.stdin:
            for statement in ("TRUNCATE plain_candles", "TRUNCATE plain_staging"):
                cursor.execute(statement)
            connection.commit()
            wall, cpu = time.perf_counter(), time.process_time()
            written = cursor.adbc_ingest("plain_staging", rows, mode="append")
            cursor.execute(UPSERT)
            connection.commit()
            told = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rows": written}
            cursor.execute("SELECT count(*) FROM plain_candles")
            print(json.dumps({**told, "stored": cursor.fetchone()[0]}), flush=True)


if __name__ == "__main__":
    main()
