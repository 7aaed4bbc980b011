"""Old days of liquidations leave the library for files and come back; what is away is never an empty answer."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.detached import DetachedDays
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.cli.main import main
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.data.market_data.detached import attach, detach_before
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
FIRST, LAST = date(2025, 1, 1), date(2025, 1, 20)
TRAILING = Settings().liquidations.trailing_days
NOW = 1_800_000_000_000


@pytest.fixture
def store(brain: Brain) -> LiquidationRepository:
    """Three liquidations on each of twenty days; one of the first day has two versions."""
    store = LiquidationRepository(brain)
    rows = [
        Liquidation("sim", BTC, ts + hour * HOUR_MS, "long", 100.0, 1.0 + hour, ts + hour * HOUR_MS)
        for ts in range(day_start_ms(FIRST), day_start_ms(LAST) + 1, DAY_MS) for hour in (1, 2, 3)
    ]
    store.save(rows, NOW)
    store.call_cascade({rows[0].liquidation_id: rows[0].ts_ms + 5}, day_start_ms(FIRST), day_start_ms(FIRST) + DAY_MS, NOW)
    return store


def test_days_that_left_come_back_the_same_and_are_missed_aloud_meanwhile(
    brain: Brain, store: LiquidationRepository, tmp_path: Path
) -> None:
    span = ("sim", BTC, day_start_ms(FIRST), day_start_ms(FIRST) + 3 * DAY_MS)
    before = store.read(*span)
    moved = detach_before(brain, "liquidations", date(2025, 1, 3), tmp_path / "old", TRAILING, NOW)
    assert [(d.day, d.rows) for d in moved] == [(FIRST, 4), (date(2025, 1, 2), 3)]
    assert DetachedDays(brain, "liquidations").partitions()[0] == date(2025, 1, 3)
    with pytest.raises(PermanentError, match="expected days in the library, got 2 detached, 2025-01-01 to 2025-01-02"):
        store.read(*span)
    assert len(store.read("sim", BTC, day_start_ms(date(2025, 1, 3)), day_start_ms(date(2025, 1, 5)))) == 6
    assert pq.read_metadata(moved[0].file).num_rows == 4
    assert moved[0].sha256 in Path(moved[0].file + ".sha256").read_text()
    assert [attach(brain, "liquidations", d.day) for d in moved] == [4, 3]
    assert store.read(*span) == before
    assert DetachedDays(brain, "liquidations").all() == []


def test_a_file_that_was_changed_or_is_gone_is_refused(brain: Brain, store: LiquidationRepository, tmp_path: Path) -> None:
    (told,) = detach_before(brain, "liquidations", date(2025, 1, 2), tmp_path, TRAILING, NOW)
    elsewhere = tmp_path / "elsewhere.parquet"
    Path(told.file).rename(elsewhere)
    with pytest.raises(PermanentError, match=r"expected the file .*, got none there"):
        attach(brain, "liquidations", told.day)
    whole = elsewhere.read_bytes()
    elsewhere.write_bytes(whole[:-1] + b"x")
    with pytest.raises(PermanentError, match="with SHA-256"):
        attach(brain, "liquidations", told.day, elsewhere)
    elsewhere.write_bytes(whole)
    assert attach(brain, "liquidations", told.day, elsewhere) == 4
    with pytest.raises(PermanentError, match="expected a day of liquidations that was detached, got 2025-01-01"):
        attach(brain, "liquidations", told.day)


def test_days_that_cascades_are_set_against_stay(brain: Brain, store: LiquidationRepository, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"expected 2025-01-12 or earlier, .* got 2025-01-13"):
        detach_before(brain, "liquidations", date(2025, 1, 13), tmp_path, TRAILING, NOW)
    assert len(detach_before(brain, "liquidations", date(2025, 1, 12), tmp_path, TRAILING, NOW)) == 11


def test_rows_that_came_after_the_file_was_written_keep_the_day(
    brain: Brain, store: LiquidationRepository, tmp_path: Path
) -> None:
    days = DetachedDays(brain, "liquidations")
    (told,) = detach_before(brain, "liquidations", date(2025, 1, 2), tmp_path, TRAILING, NOW)
    attach(brain, "liquidations", told.day)
    store.save([Liquidation("sim", BTC, day_start_ms(FIRST) + 7, "long", 100.0, 9.0, day_start_ms(FIRST) + 7)], NOW)
    with pytest.raises(PermanentError, match=r"expected 4 rows as in .*, got 5"):
        days.detach(told, NOW)
    assert len(store.read("sim", BTC, day_start_ms(FIRST), day_start_ms(FIRST) + DAY_MS)) == 4


def test_partitions_of_the_days_to_come_are_made_ahead(brain: Brain) -> None:
    LiquidationRepository(brain).make_days(LAST, 3)
    assert DetachedDays(brain, "liquidations").partitions() == [LAST + timedelta(days=n) for n in range(4)]


def test_the_commands_move_days_and_bring_them_back(
    store: LiquidationRepository, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert settings.database.dsn is not None
    monkeypatch.setenv("HURACAN_DATABASE__DSN", settings.database.dsn.get_secret_value())
    monkeypatch.setenv("HURACAN_HOME", str(settings.home))

    def run(*arguments: str) -> Any:
        monkeypatch.setattr(sys, "argv", ["huracan", "data", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, capsys.readouterr()
        return json.loads(capsys.readouterr().out)

    (told,) = run("detach", "liquidations", "--before", "2025-01-02", "--out", str(tmp_path))
    assert (told["day"], told["rows"]) == ("2025-01-01", 4)
    assert run("attach", "liquidations", "--day", "2025-01-01")["rows"] == 4
    assert len(store.read("sim", BTC, day_start_ms(FIRST), day_start_ms(FIRST) + DAY_MS)) == 3


@pytest.mark.parametrize(("dataset", "repository"), [("trades", TradeSecondRepository), ("book", BookSecondRepository)])
def test_days_of_seconds_leave_come_back_the_same_and_are_missed_aloud_meanwhile(
    brain: Brain, tmp_path: Path, dataset: str, repository: type[TradeSecondRepository] | type[BookSecondRepository]
) -> None:
    seconds, start = repository(brain), day_start_ms(FIRST)
    ts = np.concatenate([start + k * DAY_MS + 1000 * np.arange(50) for k in range(3)])
    values = {name: np.linspace(1.0, 2.0, len(ts)) + n for n, name in enumerate(seconds.table.values)}

    def save(symbol: str, add: float) -> None:
        columns = {name: column + add for name, column in values.items()}
        seconds.upsert("sim", pa.table({"symbol": [symbol] * len(ts), "ts_ms": ts, **columns, "known_at_ms": ts + 2000}), NOW)

    for symbol, add in ((BTC, 0.0), (BTC, 0.5), (ETH, 1.0)):  # BTC's seconds have a second version
        save(symbol, add)
    span = ("sim", [BTC, ETH], start, start + 3 * DAY_MS)
    before, history = seconds.read_table(*span), seconds.read_versions(*span)
    moved = detach_before(brain, dataset, date(2025, 1, 2), tmp_path, 0, NOW)
    assert [(d.dataset, d.day, d.rows) for d in moved] == [(dataset, FIRST, 100)]
    for read in (seconds.read_table, seconds.read, seconds.read_versions):
        with pytest.raises(PermanentError, match=f"{dataset}: expected days in the library, got 1 detached, 2025-01-01"):
            read(*span)
    assert len(seconds.read_table("sim", [BTC], start + DAY_MS, start + 3 * DAY_MS)) == 100
    assert set(pq.read_table(moved[0].file).column("symbol").to_pylist()) == {BTC, ETH}
    assert attach(brain, dataset, FIRST) == 100
    assert seconds.read_table(*span).equals(before)
    assert [v.ts_ms.tolist() for v in seconds.read_versions(*span).values()] == [v.ts_ms.tolist() for v in history.values()]
    with pytest.raises(PermanentError, match="expected 2025-01-02 or earlier"):
        detach_before(brain, dataset, date(2025, 1, 3), tmp_path / "more", 0, NOW)
