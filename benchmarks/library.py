"""The Brain Library against the plain way to use a database driver.

Write: `CandleRepository.upsert` against psycopg's `executemany` of the same versioned work: new keys inserted, changed
values moved to the history, equal ones skipped, one transaction. Read: `CandleRepository.read` under a pin against
`fetchall` of the same query. Wall time and this process' CPU time; paired repeats, medians; a bar holds only when both
ratios reach it. Everything runs on a Postgres of its own with the product's options, fsync included.

    python -m benchmarks.library [--rows 60000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.pinned_read import WANTED, visible_rows
from huracan_platform.brain.migrate import migrate
from huracan_platform.clock import MINUTE_MS, to_datetime
from huracan_platform.contracts.market import CANDLE_COLUMNS, Pin

VENUE = "bench"
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
T0 = 1_735_689_600_000
RECORDED = T0 + 400 * 1440 * MINUTE_MS
CORRECTED_EVERY = 50  # 2 % of the second write are corrections
WRITE_BAR, READ_BAR = 3.0, 4.0

PEER_UPSERT = """
WITH old AS (SELECT * FROM candles WHERE series_id = %(series)s AND ts = %(ts)s
                AND (open, high, low, close, volume) IS DISTINCT FROM
                    (%(open)s::float8, %(high)s::float8, %(low)s::float8, %(close)s::float8, %(volume)s::float8)),
     moved AS (INSERT INTO candles_history SELECT old.*, greatest(known_at, %(revised)s), %(recorded)s FROM old)
INSERT INTO candles AS c (series_id, version, ts, known_at, recorded_at, open, high, low, close, volume)
VALUES (%(series)s, 1, %(ts)s, %(known)s, %(recorded)s, %(open)s, %(high)s, %(low)s, %(close)s, %(volume)s)
ON CONFLICT (series_id, ts) DO UPDATE SET version = c.version + 1, recorded_at = excluded.recorded_at,
    known_at = greatest(c.known_at, %(revised)s), open = excluded.open, high = excluded.high, low = excluded.low,
    close = excluded.close, volume = excluded.volume
WHERE (c.open, c.high, c.low, c.close, c.volume) IS DISTINCT FROM
      (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds: wall, and CPU of this process; the server answers both ways with the same work."""

    wall: float
    cpu: float


def make_batch(rows: int, rng: np.random.Generator) -> pa.Table:
    per_symbol = rows // len(SYMBOLS)
    ts = np.tile(T0 + np.arange(per_symbol) * MINUTE_MS, len(SYMBOLS))
    values = {name: rng.random(len(ts)) for name in CANDLE_COLUMNS}
    return pa.table({"symbol": np.repeat(SYMBOLS, per_symbol), "ts_ms": ts, **values, "known_at_ms": ts + MINUTE_MS + 2000})


def corrected(batch: pa.Table) -> pa.Table:
    close = batch.column("close").to_numpy().copy()
    close[::CORRECTED_EVERY] += 1
    return batch.set_column(batch.column_names.index("close"), "close", pa.array(close))


def peer_write(connection: psycopg.Connection[Any], batch: pa.Table, numbers: dict[str, int], recorded_ms: int) -> None:
    times = {"recorded": to_datetime(recorded_ms), "revised": to_datetime(recorded_ms)}
    rows = [
        {
            **row, **times, "series": numbers[row["symbol"]], "ts": to_datetime(row["ts_ms"]),
            "known": to_datetime(row["known_at_ms"]),
        }
        for row in batch.to_pylist()
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(PEER_UPSERT, rows)


def contents(brain: Brain) -> list[Any]:
    with brain.connect() as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY series_id, ts, version").fetchall()
            for table in ("candles", "candles_history")
        ]


def measure(work: Callable[[], Any]) -> tuple[Any, Cost]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Cost(time.perf_counter() - wall, time.process_time() - cpu)


def report(area: str, peer: str, bar: float, rows: int, ours: list[Cost], theirs: list[Cost]) -> dict[str, Any]:
    ratios = {}
    for kind in ("wall", "cpu"):
        mine, other = (statistics.median(getattr(c, kind) for c in costs) for costs in (ours, theirs))
        ratios[kind] = statistics.median(getattr(t, kind) / getattr(o, kind) for o, t in zip(ours, theirs, strict=True))
        print(f"{area} {kind}: ours {rows / mine:,.0f} rows/s, {peer} {rows / other:,.0f} rows/s, ratio {ratios[kind]:.1f}")
    ratio = round(min(ratios.values()), 2)
    return {"area": area, "peer": peer, "ratio": ratio, "bar": bar, "holds": ratio >= bar}


def write_benchmark(ours: Brain, theirs: Brain, rows: int, repeats: int) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    repository = CandleRepository(ours)
    numbers = {symbol: i + 1 for i, symbol in enumerate(SYMBOLS)}
    with psycopg.connect(theirs.dsn) as peer:
        for _ in range(repeats):
            first = make_batch(rows, rng)
            batches = ((first, RECORDED), (corrected(first), RECORDED + 1))
            for brain in (ours, theirs):
                with brain.connect() as connection:
                    connection.execute("TRUNCATE candles, candles_history, series RESTART IDENTITY CASCADE")
            results, cost = measure(lambda b=batches: [repository.upsert(VENUE, t, at) for t, at in b])
            costs[0].append(cost)
            assert (results[0].inserted, results[1].revised) == (len(first), -(-len(first) // CORRECTED_EVERY)), results
            _, cost = measure(lambda b=batches: [peer_write(peer, t, numbers, at) for t, at in b])
            costs[1].append(cost)
            assert contents(ours) == contents(theirs), "the two ways left different tables"
    return report("library, versioned upsert", "psycopg executemany", WRITE_BAR, 2 * len(first), *costs)


def read_benchmark(brain: Brain, rows: int, repeats: int) -> dict[str, Any]:
    repository = CandleRepository(brain)
    batch = make_batch(rows, np.random.default_rng(8))
    repository.upsert("read", batch, RECORDED)
    repository.upsert("read", corrected(batch), RECORDED + 1)
    end_ms, pin = T0 + rows * MINUTE_MS, Pin(to_datetime(RECORDED), to_datetime(RECORDED))
    with brain.connect() as connection:
        numbers = [r[0] for r in connection.execute("SELECT series_id FROM series WHERE venue = 'read' ORDER BY 1")]
    bounds = {"known_at": pin.as_of, "recorded_at": pin.recorded_before}
    query = sql.SQL("SELECT number, v.* FROM {}, LATERAL ({}) AS v").format(WANTED, visible_rows(repository.table, bounds))
    parameters = {"series": numbers, "start": to_datetime(T0), "end": to_datetime(end_ms), **bounds}
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    with psycopg.connect(brain.dsn) as peer:
        peer.execute("ANALYZE candles, candles_history")
        for _ in range(repeats):
            read, cost = measure(lambda: repository.read("read", SYMBOLS, T0, end_ms, pin))
            costs[0].append(cost)
            fetched, cost = measure(lambda: peer.execute(query, parameters).fetchall())
            costs[1].append(cost)
            expected = np.array([row[2:] for row in sorted(fetched)])
            got = np.vstack([np.column_stack([getattr(read[s], c) for c in CANDLE_COLUMNS]) for s in SYMBOLS])
            assert np.array_equal(got, expected), "the two ways read different rows"
            assert np.array_equal(got[:, 3], batch.column("close").to_numpy()), "the pin did not show the first versions"
    return report("library, pinned read", "psycopg fetchall", READ_BAR, len(batch), *costs)


def print_size(brain: Brain) -> None:
    with brain.connect() as connection:
        connection.execute("TRUNCATE candles, candles_history")
    batch = make_batch(300_000, np.random.default_rng(9))
    CandleRepository(brain).upsert(VENUE, batch, RECORDED)
    with brain.connect() as connection:
        table, index = connection.execute("SELECT pg_table_size('candles'), pg_indexes_size('candles')").fetchone() or (0, 0)
    per_million = 1e6 / len(batch) / 2**20
    print(f"size on disk per million candles: {table * per_million:.0f} MiB rows + {index * per_million:.0f} MiB index")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=60_000)
    options.add_argument("--repeats", type=int, default=5)
    args = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="huracan-bench-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "home")
    try:
        ours = Brain(server.ensure_running().brain_dsn)
        with psycopg.connect(ours.dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE peer")
        theirs = Brain(ours.dsn.removesuffix("/brain") + "/peer")
        migrate(ours)
        migrate(theirs)
        lines = [
            write_benchmark(ours, theirs, args.rows, args.repeats),
            read_benchmark(ours, 5 * args.rows, args.repeats),
        ]
        print_size(ours)
        for line in lines:
            print(json.dumps(line))
    finally:
        server.destroy()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
