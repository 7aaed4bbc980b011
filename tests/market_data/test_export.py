"""`huracan data export`, `size`, `prune` and `universe`: what a person types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.clock import DAY_MS, to_datetime
from huracan_platform.settings import Settings
from tests.brain.batches import BTC, T0, candles

pytestmark = pytest.mark.slow

RECORDED = T0 + 10 * DAY_MS
Huracan = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def huracan(brain: Brain, settings: Settings) -> Huracan:
    """The command on a library with a day of bars, the first of which was corrected."""
    bars = CandleRepository(brain)
    bars.upsert("v", candles(range(1, 1441)), RECORDED)
    bars.upsert("v", candles([77.0]), RECORDED + 60_000)
    environment = {**os.environ, "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": brain.dsn}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "huracan_platform.cli.main", "data", *args]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_an_exported_file_holds_what_its_pin_sees_and_says_so(brain: Brain, huracan: Huracan, tmp_path: Path) -> None:
    days = ("--symbol", BTC, "--from", "2025-01-01", "--to", "2025-01-01")
    done = huracan("export", str(tmp_path / "now.parquet"), *days, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["venue"]) == (1440, "v")
    assert told["content_hash"] == CandleRepository(brain).content_hash("v", BTC, T0, T0 + DAY_MS)
    now = pq.read_table(tmp_path / "now.parquet")
    assert json.loads(now.schema.metadata[b"huracan"])["content_hash"] == told["content_hash"]
    before = f"{to_datetime(RECORDED):%Y-%m-%dT%H:%M:%S}"
    assert huracan("export", str(tmp_path / "then.parquet"), *days, "--recorded-before", before).returncode == 0
    then = pq.read_table(tmp_path / "then.parquet")
    assert [table.column("close")[0].as_py() for table in (now, then)] == [77.0, 1.0]
    assert now.column("ts")[0].as_py() == to_datetime(T0)
    assert now.slice(1).select(["close"]) == then.slice(1).select(["close"])


def test_an_export_of_nothing_is_an_error_and_writes_no_file(huracan: Huracan, tmp_path: Path) -> None:
    file = tmp_path / "none.parquet"
    done = huracan("export", str(file), "--symbol", BTC, "--from", "2026-01-01", "--to", "2026-01-02")
    assert done.returncode == 2
    assert "expected rows of v in these days under this pin, got none" in done.stderr
    assert not file.exists()
    done = huracan("export", str(tmp_path / "x.xls"), "--symbol", BTC, "--from", "2025-01-01", "--to", "2025-01-01")
    assert done.returncode == 2
    assert "expected a file ending in .parquet or .csv, got .xls" in done.stderr
    done = huracan("export", str(file), "--symbol", "NO/USDT:USDT", "--from", "2025-01-01", "--to", "2025-01-01")
    assert "symbol: expected one with candles in the library, got NO/USDT:USDT" in done.stderr


def test_size_tells_tables_and_fits_a_terminal(brain: Brain, huracan: Huracan) -> None:
    with brain.connect() as connection:
        connection.execute("ANALYZE")
    told = json.loads(huracan("size", "--json").stdout)
    (bars,) = [table for table in told["tables"] if table["table"] == "candles"]
    assert bars["rows"] == 1440
    assert bars["estimated"]
    assert bars["table_bytes"] > 100_000
    assert told["library_bytes"] > bars["table_bytes"]
    done = huracan("size")
    assert done.returncode == 0, done.stderr
    assert "library in all: " in done.stdout


def test_a_universe_that_was_never_read_says_so(huracan: Huracan) -> None:
    done = huracan("universe")
    assert done.returncode == 2
    assert "universe: expected a catalogue that was read, got none" in done.stderr
