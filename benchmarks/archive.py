"""A year of klines from the archive's zips into the library, against a bare staging upsert of the same rows through adbc.

Ours: `ArchiveImport` over twelve monthly zips with their checksums into an empty library, everything included: hashing,
unzipping, parsing, the contract, six checks a day against the venue's own hours, the rows with their three times, the books of
the days and the ledger. Theirs: the same rows, already arrays in memory, ingested through adbc into an unlogged staging table
and upserted from there into a plain one, in one transaction. Both into the same Postgres with the product's options (fsync on),
in turns; wall time, median of the paired ratios, ours over theirs; the CPU of both processes is told beside it. Then once more
with the taker volumes that a setting makes of the same files, 105,120 rows more, which the peer does not write.

Checks: all six over a year of five symbols, from arrays, in seconds.

    python -m benchmarks.archive [--repeats 5] [--peers .venv-bench]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather

from benchmarks.ingest import empty_library, running_library
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, days_between
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.importer import ArchiveImport
from huracan_platform.data.market_data.candles import checks
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.contract import Neighbours, frame_of
from huracan_platform.data.market_data.judge import judge
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.settings import Settings
from huracan_platform.venues.market import Listing
from tests.archive.written import csv_bytes, kline_table, place, write_zip

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BNB/USDT:USDT", "XRP/USDT:USDT")
VENUE, NATIVE = "binanceusdm", "BTCUSDT"
FIRST_DAY, LAST_DAY = date(2025, 1, 1), date(2025, 12, 31)
ROWS = 365 * 1440
DAYS_AT_A_TIME = 31
IMPORT_BAR, CHECKS_BAR_S = 1.5, 10.0
UPSERT = Path(__file__).parent / "peers" / "adbc_upsert.py"


@dataclass(frozen=True)
class Cost:
    """Seconds: wall, and CPU of the process that writes."""

    wall: float
    cpu: float


def made_year(symbol: str, seed: int) -> Candles:
    """Bars of a year with prices and volumes of a venue's digits."""
    rng = np.random.default_rng(seed)
    close = np.round(60_000 * np.exp(np.cumsum(rng.normal(0, 4e-4, ROWS))), 1)
    opened = np.concatenate([[60_000.0], close[:-1]])
    wick = np.round(rng.uniform(0, 5, (2, ROWS)), 1)
    ts = day_start_ms(FIRST_DAY) + np.arange(ROWS, dtype=np.int64) * MINUTE_MS
    high, low = np.maximum(opened, close) + wick[0], np.minimum(opened, close) - wick[1]
    return Candles(symbol, ts, opened, np.round(high, 1), np.round(low, 1), close, np.round(rng.uniform(0.1, 900, ROWS), 3))


def write_archive(root: Path, year: Candles) -> None:
    """Monthly zips of minutes and of hours."""
    for interval, bar_ms, bars in (("1m", MINUTE_MS, year), ("1h", HOUR_MS, roll_up(year, HOUR_MS).candles)):
        month = bars.ts_ms.astype("M8[ms]").astype("M8[M]")
        for period in np.unique(month):
            table = kline_table(bars.at(month == period), bar_ms)
            write_zip(place(root, "klines", NATIVE, str(period), interval), csv_bytes(table))


def imported(brain: Brain, root: Path, year: Candles, settings: Settings) -> Cost:
    """One import into an empty library, its work verified."""
    empty_library(brain)
    with brain.connect() as connection:
        connection.execute("TRUNCATE archive_files")
    wall, cpu = time.perf_counter(), time.process_time()
    told = ArchiveImport(brain, VENUE, settings, require_checksums=True).run([root])
    cost = Cost(time.perf_counter() - wall, time.process_time() - cpu)
    told.raise_if_bad()
    reports = {report.dataset: report for report in told.reports}
    report = reports.pop("candles")
    assert [(r.dataset, r.rows) for r in reports.values()] == [("taker_volumes", ROWS // 5)] * settings.archive.taker_volumes
    assert report.inserted == report.rows == ROWS, (report.inserted, report.rows)
    assert len(report.in_state(DayState.GOOD)) == ROWS // 1440
    assert {check.name: check.days for check in report.checks} == dict.fromkeys(("contract", *checks.NAMES), ROWS // 1440)
    assert all(check.passed for check in report.checks if check.name != "plausibility"), report.checks
    arrays = {name: getattr(year, name) for name in ("ts_ms", *CANDLE_COLUMNS)}
    header = {"dataset": "candles", "venue": VENUE, "symbol": year.symbol}
    end = day_start_ms(LAST_DAY) + DAY_MS
    stored = CandleRepository(brain).content_hash(VENUE, year.symbol, day_start_ms(FIRST_DAY), end)
    assert stored == hash_arrays(arrays, header=header), "not the rows of the files"
    assert sum(len(files) for files in ArchiveLedger(brain).taken(VENUE).values()) == 24
    assert not Quarantine(brain).entries(every=True)
    return cost


@contextmanager
def running_upsert(brain: Brain, python: Path, year: Candles) -> Iterator[subprocess.Popen[str]]:
    """The peer, its rows in memory."""
    if not python.exists():
        raise SystemExit(f"expected the peers' Python at {python}, got none: run `make bench-peers`")
    ts, one = pa.array(year.ts_ms * 1000, pa.timestamp("us", "UTC")), np.ones(len(year), np.int32)
    known = pa.array((year.ts_ms + MINUTE_MS) * 1000, pa.timestamp("us", "UTC"))
    values = {name: getattr(year, name) for name in CANDLE_COLUMNS}
    rows = pa.table({"series_id": one, "version": one, "ts": ts, "known_at": known, "recorded_at": known, **values})
    with tempfile.TemporaryDirectory(prefix="huracan-adbc-") as folder:
        feather.write_feather(rows, str(Path(folder) / "rows.feather"), compression="uncompressed")
        command = [str(python), str(UPSERT), brain.dsn, str(Path(folder) / "rows.feather")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def upserted(process: subprocess.Popen[str]) -> Cost:
    """One upsert into an empty table, its rows counted."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("again\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    assert told["rows"] == told["stored"] == ROWS, told
    return Cost(told["wall"], told["cpu"])


def import_benchmark(brain: Brain, python: Path, repeats: int, *, taker_volumes: bool) -> dict[str, Any]:
    year, settings = made_year(SYMBOLS[0], 1), Settings(archive={"taker_volumes": taker_volumes})
    what = "a year of a symbol" + (" and its taker volumes" if taker_volumes else "")
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    with tempfile.TemporaryDirectory(prefix="huracan-archive-") as root, running_upsert(brain, python, year) as peer:
        write_archive(Path(root), year)
        for repeat in range(repeats + 1):
            ours, theirs = imported(brain, Path(root), year, settings), upserted(peer)
            if repeat:  # the first round imports modules and fills caches
                costs[0].append(ours)
                costs[1].append(theirs)
    for who, found in zip(("ours", "adbc"), costs, strict=True):
        wall, cpu = (statistics.median(getattr(c, name) for c in found) for name in ("wall", "cpu"))
        print(f"archive, {what}: {who} {wall:.2f} s wall, {cpu:.2f} s CPU of its process")
    ratios = [o.wall / t.wall for o, t in zip(*costs, strict=True)]
    print(f"archive, {what}: ratios {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    ratio, told = round(statistics.median(ratios), 2), {"area": f"archive, {what} of 1m klines into the library"}
    told["peer"] = "adbc staging upsert, bare"
    # The peer's rows are the minutes alone: what is made of them beside has no bar.
    return told | ({"ratio": ratio} if taker_volumes else {"ratio": ratio, "bar": IMPORT_BAR, "holds": ratio <= IMPORT_BAR})


def checks_benchmark(repeats: int) -> dict[str, Any]:
    settings, days = Settings(), days_between(FIRST_DAY, LAST_DAY)
    kind, took = CandleKind(settings.quality), []
    years = [made_year(symbol, seed) for seed, symbol in enumerate(SYMBOLS)]
    observed = day_start_ms(LAST_DAY) + 2 * DAY_MS
    neighbours, cpu = Neighbours(frozenset(SYMBOLS)), 0.0
    for repeat in range(repeats + 1):
        judged_days, seconds = 0, 0.0
        for year in years:
            hours = roll_up(year, HOUR_MS).candles
            for at in range(0, len(days), DAYS_AT_A_TIME):
                some = tuple(days[at:at + DAYS_AT_A_TIME])
                first, last = np.searchsorted(year.ts_ms, [day_start_ms(some[0]), day_start_ms(some[-1]) + DAY_MS])
                part = year.at(slice(first, last))
                begun, used = time.perf_counter(), time.process_time()
                delivery = Delivery(year.symbol, some, frame_of(part), observed, Listing(0, None), hours)
                judged = judge(kind, delivery, neighbours, [])
                seconds += time.perf_counter() - begun
                cpu += (time.process_time() - used) if repeat else 0.0
                judged_days += len(judged.days)
                assert {day.state for day in judged.days} == {DayState.GOOD}
                assert len(judged.results) == len(some) * (1 + len(checks.NAMES))
        assert judged_days == len(days) * len(SYMBOLS)
        if repeat:
            took.append(seconds)
    print(f"archive, checks of a year of five symbols: {', '.join(f'{s:.2f}' for s in took)} s, {cpu / repeats:.2f} s CPU")
    median = round(statistics.median(took), 2)
    return {
        "area": "archive, all checks of a year of 5 symbols", "peer": "seconds", "ratio": median, "bar": CHECKS_BAR_S,
        "holds": median <= CHECKS_BAR_S,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--peers", type=Path, default=Path(".venv-bench"), help="environment of benchmarks/requirements.txt")
    args = options.parse_args(arguments)
    with running_library() as brain:
        python = args.peers / "bin" / "python"
        lines = [import_benchmark(brain, python, args.repeats, taker_volumes=also) for also in (False, True)]
        lines.append(checks_benchmark(args.repeats))
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
