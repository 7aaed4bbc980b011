"""`huracan data import` as a person runs it, without a venue: exit codes, status, and a run that is killed on its way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.clock import DAY_MS, day_start_ms, days_between
from huracan_platform.contracts.archive import FileState
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.days import good_days
from tests.archive.conftest import VENUE
from tests.archive.written import csv_bytes, kline_table, place, vouch, write_zip
from tests.market_data.made import DAY, START, SYMBOL, bars

NATIVE = "BTCUSDT"
FIRST, MONTHS, LAST = date(2023, 1, 1), tuple(f"2023-{month:02}" for month in range(1, 7)), date(2023, 6, 30)


def command(brain: Brain, home: Path, *words: str, failpoint: str | None = None) -> subprocess.Popen[str]:
    """The command in a process of its own, told of nothing but the library."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("HURACAN_")}
    told |= {"HURACAN_HOME": str(home), "HURACAN_DATABASE__DSN": brain.dsn}
    if failpoint:
        told["HURACAN_FAILPOINT"] = failpoint
    return subprocess.Popen(
        [sys.executable, "-m", "huracan_platform.cli.main", "data", "import", *words],
        env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def ran(brain: Brain, home: Path, *words: str, failpoint: str | None = None) -> tuple[int, str, str]:
    process = command(brain, home, *words, failpoint=failpoint)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def write_day(root: Path) -> Path:
    return write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(kline_table(bars())))


def write_half_a_year(root: Path) -> Any:
    year = bars(181 * 1440, start_ms=day_start_ms(FIRST))
    month = year.ts_ms.astype("M8[ms]").astype("M8[M]").astype(str)
    for name in MONTHS:
        write_zip(place(root, "klines", NATIVE, name, "1m"), csv_bytes(kline_table(year.at(month == name))))
    return year


@pytest.mark.slow
def test_files_are_taken_without_a_venue_and_the_status_tells_it(brain, root, tmp_path) -> None:
    write_day(root)
    code, out, err = ran(brain, tmp_path, str(root), "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["files"]["taken"], told["rows"], told["datasets"][0]["symbol_days"]["good"]) == (1, 1440, 1)
    code, out, _ = ran(brain, tmp_path, "--status", "--json")
    assert code == 0
    assert [(row["symbol"], row["taken"], row["rows"]) for row in json.loads(out)["files"]] == [(SYMBOL, 1, 1440)]
    code, out, _ = ran(brain, tmp_path, str(root))
    assert code == 0
    assert "skipped, taken before: BTCUSDT-1m-2024-03-01.zip" in out


@pytest.mark.slow
def test_a_refused_file_ends_the_command_with_the_code_of_broken_data(brain, root, tmp_path) -> None:
    path = write_day(root)
    vouch(path, "0" * 64)
    code, out, err = ran(brain, tmp_path, str(root))
    assert code == 65
    assert f"DataContractError: {path.name}: expected SHA-256" in err
    assert "files" in err  # the bar
    assert path.name in out


@pytest.mark.slow
def test_no_files_no_folder_and_an_unknown_kind_are_bad_usage(brain, root, tmp_path) -> None:
    for words, why in (
        ([], "expected folders or files"), ([str(root / "nowhere")], "got nothing there"),
        ([str(root), "--kind", "candles"], "--kind: expected one of klines, fundingRate"),
    ):
        code, _, err = ran(brain, tmp_path, *words)
        assert code == 2
        assert why in err


@pytest.mark.slow
def test_a_killed_import_goes_on_where_it_was_and_leaves_no_trace(brain, root, tmp_path) -> None:
    year = write_half_a_year(root)
    process, ledger = command(brain, tmp_path, str(root)), ArchiveLedger(brain)
    try:
        while len(ledger.files()) < 2 and process.poll() is None:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = {file.file for _, file in ledger.files()}
    assert 2 <= len(before) < len(MONTHS), "killed too late to say anything"
    code, out, err = ran(brain, tmp_path, str(root), "--json")
    assert code == 0, err
    told = json.loads(out)
    assert set(told["skipped"]) == before
    assert told["files"]["taken"] == len(MONTHS) - len(before)
    end = day_start_ms(LAST) + DAY_MS
    stored = CandleRepository(brain).read(VENUE, [SYMBOL], day_start_ms(FIRST), end)[SYMBOL]
    assert np.array_equal(stored.ts_ms, year.ts_ms)
    assert np.array_equal(stored.close, year.close)
    assert good_days(brain, VENUE, "candles", [SYMBOL], FIRST, LAST) == days_between(FIRST, LAST)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["after_fetch", "after_facts_before_books"])
def test_a_file_is_called_taken_only_when_its_rows_and_days_are_there(brain, root, tmp_path, point: str) -> None:
    write_day(root)
    code, _, _ = ran(brain, tmp_path, str(root), failpoint=f"{point}:kill")
    assert code == -signal.SIGKILL
    assert ArchiveLedger(brain).files() == []
    code, out, _ = ran(brain, tmp_path, str(root), "--json")
    assert code == 0
    assert json.loads(out)["datasets"][0]["symbol_days"][DayState.GOOD.value] == 1
    assert [file.state for _, file in ArchiveLedger(brain).files()] == [FileState.TAKEN]
    assert len(CandleRepository(brain).read(VENUE, [SYMBOL], START, START + DAY_MS)[SYMBOL]) == 1440
