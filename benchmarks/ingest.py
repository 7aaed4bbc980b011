"""Candles from a venue: against ccxt's own paging loop, and into the library against freqtrade's download.

A simulated venue in a process of its own serves both sides, request limits off on either. Fetch and contract: what ingest
does up to arrays that the library takes, the venue's hours for the consistency check included, against `fetch_ohlcv` page by
page into its lists; rows per second of this process' CPU. Into the library: `ingest_candles` into an empty library, contract,
six checks and the books of the days included, on a Postgres with the product's options (fsync on), against
`freqtrade download-data` into feather files; rows per second of wall time. Start-up is apart on both sides: imports, a running
database, loaded markets; freqtrade is timed inside its own process. Paired repeats, medians; both sides' values are equal.

    python -m benchmarks.ingest [--days 30] [--repeats 7] [--peers .venv-bench]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.migrate import migrate
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms, days_between
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.candles import checks
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.contract import Neighbours, arrays_of, enforce
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.market import MarketData
from tests.venue_process import running_venue

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BNB/USDT:USDT", "XRP/USDT:USDT")
FIRST_DAY = date(2025, 1, 1)
PAGE_BARS = 1_000
CONTRACT_BAR, LIBRARY_BAR = 2.0, 1.0
DOWNLOAD = Path(__file__).parent / "peers" / "freqtrade_download.py"


@dataclass(frozen=True)
class Window:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def bounds(self) -> tuple[int, int]:
        """First ms, and first ms after."""
        return day_start_ms(self.first), day_start_ms(self.last) + DAY_MS

    @property
    def rows(self) -> int:
        """Minutes of all symbols."""
        start, end = self.bounds
        return len(SYMBOLS) * (end - start) // MINUTE_MS


@dataclass(frozen=True)
class Cost:
    """Seconds: wall, and CPU of the process that fetches."""

    wall: float
    cpu: float


def measure(work: Callable[[], Any]) -> tuple[Any, Cost]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Cost(time.perf_counter() - wall, time.process_time() - cpu)


def report(area: str, peer: str, kind: str, bar: float, rows: int, ours: list[Cost], theirs: list[Cost]) -> dict[str, Any]:
    for name in ("wall", "cpu"):
        mine, other = (statistics.median(getattr(c, name) for c in costs) for costs in (ours, theirs))
        print(f"{area} {name}: ours {rows / mine:,.0f} rows/s, {peer} {rows / other:,.0f} rows/s")
    ratios = [getattr(t, kind) / getattr(o, kind) for o, t in zip(ours, theirs, strict=True)]
    print(f"{area} ratios by {kind}: {', '.join(f'{r:.2f}' for r in ratios)}")
    ratio = round(statistics.median(ratios), 2)
    return {"area": area, "peer": peer, "ratio": ratio, "bar": bar, "holds": ratio >= bar}


def fetch_checked(market: MarketData, window: Window, settings: Settings) -> dict[str, dict[str, Any]]:
    """Arrays that kept their contract, by symbol."""
    kind, days, found = CandleKind(settings.quality), tuple(days_between(window.first, window.last)), {}
    for symbol in SYMBOLS:
        delivery = kind.fetch(market, symbol, days)
        enforced = enforce(kind.name, delivery, Neighbours(frozenset(SYMBOLS)))
        assert not enforced.refused, enforced.refused
        assert delivery.hours is not None
        assert len(delivery.hours) == 24 * len(days)
        found[symbol] = arrays_of(enforced.frame, CANDLE_COLUMNS)
    return found


def fetch_plainly(client: Any, window: Window) -> dict[str, list[list[float]]]:
    """ccxt's rows by symbol, a page after the other."""
    found: dict[str, list[list[float]]] = {}
    start, end = window.bounds
    for symbol in SYMBOLS:
        rows: list[list[float]] = []
        for since in range(start, end, PAGE_BARS * MINUTE_MS):
            rows += client.fetch_ohlcv(symbol, "1m", since, min(PAGE_BARS, (end - since) // MINUTE_MS))
        found[symbol] = rows
    return found


def contract_benchmark(settings: Settings, window: Window, repeats: int) -> dict[str, Any]:
    market, client = MarketData(settings), build_client(settings)
    market.instruments(SYMBOLS)
    client.load_markets()
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for repeat in range(repeats + 1):
        mine, our_cost = measure(lambda: fetch_checked(market, window, settings))
        plain, their_cost = measure(lambda: fetch_plainly(client, window))
        for symbol in SYMBOLS:
            columns = np.column_stack([mine[symbol][name] for name in ("ts_ms", *CANDLE_COLUMNS)])
            assert np.array_equal(columns, np.array(plain[symbol])), f"{symbol}: the two ways fetched different rows"
        assert sum(len(rows) for rows in plain.values()) == window.rows
        if repeat:  # the first warms both up
            costs[0].append(our_cost)
            costs[1].append(their_cost)
    return report("ingest, fetch and contract", "ccxt fetch_ohlcv", "cpu", CONTRACT_BAR, window.rows, *costs)


@dataclass
class Downloader:
    """freqtrade in its own process and environment, ready to download."""

    process: subprocess.Popen[str]
    folder: Path

    def download(self) -> Cost:
        """One download into empty files."""
        assert self.process.stdin is not None
        self.process.stdin.write("download\n")
        self.process.stdin.flush()
        return Cost(**json.loads(self.answer()))

    def answer(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"expected an answer of {DOWNLOAD.name}, got exit code {self.process.wait()}")
        return line

    def candles(self, symbol: str, window: Window) -> Candles:
        """What it stored, without the bars of its last page that lie after the window."""
        name = f"{symbol.replace('/', '_').replace(':', '_')}-1m-futures.feather"
        table = feather.read_table(self.folder / "data" / "binance" / "futures" / name)
        ts = table.column("date").cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
        keep = ts < window.bounds[1]
        return Candles(symbol, ts[keep], *(table.column(column).to_numpy()[keep] for column in CANDLE_COLUMNS))


@contextmanager
def running_downloader(url: str, python: Path, window: Window) -> Iterator[Downloader]:
    """A loaded freqtrade, ended with the block."""
    if not python.exists():
        raise SystemExit(f"--peers: expected an environment with freqtrade, got no {python}; make it with `make bench-peers`")
    with tempfile.TemporaryDirectory(prefix="huracan-freqtrade-") as folder:
        days = (f"{day:%Y%m%d}" for day in (window.first, window.last + timedelta(days=1)))
        command = [str(python), str(DOWNLOAD), url, folder, *days, *SYMBOLS]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        downloader = Downloader(process, Path(folder))
        try:
            while downloader.answer() != "ready":
                pass
            yield downloader
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=30)


def empty_library(brain: Brain) -> None:
    with brain.connect() as connection:
        connection.execute(
            "TRUNCATE candles, candles_history, series, dataset_days, data_quality_logs, quarantine_batches "
            "RESTART IDENTITY CASCADE"
        )


def ingest(brain: Brain, market: MarketData, window: Window, settings: Settings) -> Cost:
    """One ingest into an empty library, its work verified."""
    empty_library(brain)
    told, cost = measure(lambda: ingest_candles(brain, market, SYMBOLS, window.first, window.last, settings))
    symbol_days = len(SYMBOLS) * len(days_between(window.first, window.last))
    assert told.inserted == told.rows == window.rows, (told.inserted, told.rows)
    assert len(told.in_state(DayState.GOOD)) == symbol_days
    assert {check.name for check in told.checks} == {"contract", *checks.NAMES}
    assert all(check.days == symbol_days for check in told.checks)
    assert all(check.passed for check in told.checks if check.name != "plausibility"), told.checks
    assert not QualityRepository(brain).quarantined(include_released=True)
    return cost


def assert_equal_values(brain: Brain, venue: str, downloader: Downloader, window: Window) -> None:
    stored = CandleRepository(brain).read(venue, SYMBOLS, *window.bounds)
    for symbol in SYMBOLS:
        theirs = downloader.candles(symbol, window)
        for name in ("ts_ms", *CANDLE_COLUMNS):
            assert np.array_equal(getattr(stored[symbol], name), getattr(theirs, name)), f"{symbol} {name}: not equal"


def library_benchmark(
    brain: Brain, settings: Settings, python: Path, window: Window, repeats: int
) -> dict[str, Any]:
    market = MarketData(settings)
    market.instruments(SYMBOLS)
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    assert settings.venue.url is not None
    with running_downloader(settings.venue.url, python, window) as downloader:
        for repeat in range(repeats + 1):
            our_cost = ingest(brain, market, window, settings)
            their_cost = downloader.download()
            assert_equal_values(brain, market.venue, downloader, window)
            if repeat:
                costs[0].append(our_cost)
                costs[1].append(their_cost)
    return report("ingest, into the library", "freqtrade download-data", "wall", LIBRARY_BAR, window.rows, *costs)


@contextmanager
def running_library() -> Iterator[Brain]:
    folder = Path(tempfile.mkdtemp(prefix="huracan-bench-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "home")
    try:
        brain = Brain(server.ensure_running().brain_dsn)
        migrate(brain)
        yield brain
    finally:
        server.destroy()
        shutil.rmtree(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--peers", type=Path, default=Path(".venv-bench"), help="environment of benchmarks/requirements.txt")
    args = options.parse_args(arguments)
    window = Window(FIRST_DAY, FIRST_DAY + timedelta(days=args.days - 1))
    with running_venue(days=args.days + 1, symbols=",".join(SYMBOLS)) as url, running_library() as brain:
        settings = Settings(symbols=SYMBOLS, venue=VenueSettings(url=url, rate_limit=False))
        lines = [
            contract_benchmark(settings, window, args.repeats),
            library_benchmark(brain, settings, args.peers / "bin" / "python", window, args.repeats),
        ]
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
