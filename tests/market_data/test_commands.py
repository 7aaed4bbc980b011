"""`huracan data` as a person or a program calls it: output, exit codes, quarantine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import structlog

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.cli.main import main
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.universe import read_catalogue
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND

BTC = "BTC/USDT:USDT"


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def huracan(monkeypatch, capsys, settings: Settings, venue_url: str) -> Iterator[Callable[..., Done]]:
    """Run the command line in this process against the test's database and venue."""
    assert settings.database.dsn is not None
    monkeypatch.setenv("HURACAN_HOME", str(settings.home))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", settings.database.dsn.get_secret_value())
    monkeypatch.setenv("HURACAN_VENUE__URL", venue_url)
    monkeypatch.setenv("HURACAN_VENUE__RATE_LIMIT", "false")
    monkeypatch.setenv("HURACAN_QUALITY__FETCH_TRIES", "1")

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["huracan", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, captured.out, captured.err)

    yield run
    structlog.reset_defaults()  # main() sent the logs to this test's stderr


@pytest.fixture
def sound(market: MarketData) -> pd.DataFrame:
    """The first day as the venue has it."""
    start = day_start_ms(FIRST)
    return frame_of(market.candles(BTC, start, start + DAY_MS))


def backfill(huracan: Callable[..., Done], *more: str) -> Done:
    return huracan("data", "backfill", "--from", str(FIRST), "--to", str(FIRST), "--symbols", BTC, "--json", *more)


def test_backfill_reports_rows_checks_and_hash(huracan) -> None:
    done = backfill(huracan)
    told = json.loads(done.out)
    assert (done.code, told["rows"], told["coverage"], told["symbol_days"]["good"]) == (0, 1440, 1.0, 1)
    assert all(check["passed"] for check in told["checks"].values())
    assert json.loads(backfill(huracan).out)["content_hash"] == told["content_hash"]


def test_backfill_of_funding_and_status_for_people(huracan) -> None:
    done = huracan("data", "backfill", "--dataset", "funding", "--from", str(FIRST), "--to", str(FIRST), "--symbols", BTC)
    assert done.code == 0
    assert "funding at sim2-s8: 2 rows, coverage 100.00%" in done.out
    assert "symbol-days" in done.err  # the progress bar
    status = huracan("data", "status")
    assert (status.code, "nothing to do" in status.out) == (0, True)


def test_a_file_with_sound_rows_is_taken(huracan, sound, tmp_path: Path) -> None:
    sound.assign(ts=sound["ts"].astype("int64")).drop(columns="symbol").to_csv(tmp_path / "day.csv", index=False)
    done = huracan("data", "load", str(tmp_path / "day.csv"), "--symbol", BTC, "--json")
    assert (done.code, json.loads(done.out)["rows"]) == (0, 1440)
    assert json.loads(backfill(huracan).out)["unchanged"] == 1440


def times_two_hours_off(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ts=frame["ts"].dt.tz_localize(None).dt.tz_localize("Europe/Berlin"))


BAD_BATCHES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "wrong columns": (lambda f: f.rename(columns={"high": "top"}), "expected columns symbol, ts, open, high"),
    "unsorted": (lambda f: f.iloc[::-1], "expected rows in time order"),
    "duplicate": (lambda f: f.iloc[np.r_[0:1440, 9]].sort_values("ts"), "expected each symbol and ts once"),
    "NaN": (lambda f: f.assign(close=f["close"].where(f.index != 7)), "close: no missing values; got nan"),
    "wrong time zone": (times_two_hours_off, "expected ts as timestamps in UTC, ms, got timestamps in Europe/Berlin"),
    "seconds for ms": (lambda f: f.assign(ts=f["ts"].astype("int64") // 1000), "seconds taken for ms"),
    "prices times 1000": (lambda f: f.assign(close=f["close"].where(f.index < 700, f["close"] * 1000)), "within a factor 10"),
    "prices in another unit": (lambda f: f.assign(**{n: f[n] * 5 for n in ("open", "high", "low", "close")}), "24 that differ"),
}


@pytest.mark.parametrize("fault", BAD_BATCHES)
def test_a_bad_file_is_quarantined_with_its_rows_and_the_exit_code_says_so(huracan, sound, tmp_path: Path, fault) -> None:
    spoil, message = BAD_BATCHES[fault]
    batch = spoil(sound)
    batch.to_parquet(tmp_path / "bad.parquet")
    done = huracan("data", "load", str(tmp_path / "bad.parquet"), "--symbol", BTC, "--json")
    assert done.code == 65
    assert f"DataContractError: candles {BTC}" in done.err
    assert message in done.err
    assert "Traceback" not in done.err
    (entry,) = json.loads(huracan("data", "quarantine", "list", "--json").out)
    assert (entry["source"], entry["row_count"], entry["symbol"]) == ("bad.parquet", len(batch), BTC)
    kept = tmp_path / "kept.parquet"
    shown = json.loads(huracan("data", "quarantine", "show", str(entry["batch_id"]), "--out", str(kept), "--json").out)
    assert shown["row_count"] == len(pd.read_parquet(kept)) == len(batch)


def test_a_file_of_an_unknown_symbol_is_quarantined(huracan, sound, tmp_path: Path) -> None:
    sound.drop(columns="symbol").to_parquet(tmp_path / "doge.parquet")
    done = huracan("data", "load", str(tmp_path / "doge.parquet"), "--symbol", "DOGE/USDT:USDT")
    assert (done.code, "got 'DOGE/USDT:USDT'" in done.err) == (65, True)
    (entry,) = json.loads(huracan("data", "quarantine", "list", "--json").out)
    assert (entry["symbol"], entry["row_count"]) == ("DOGE/USDT:USDT", 1440)


def test_an_unknown_symbol_ends_with_2(huracan) -> None:
    done = huracan("data", "backfill", "--from", str(FIRST), "--to", str(FIRST), "--symbols", "DOGE/USDT:USDT")
    assert (done.code, "expected a linear perpetual of sim2-s8" in done.err) == (2, True)


def test_a_venue_that_is_down_ends_with_75(huracan, monkeypatch) -> None:
    monkeypatch.setenv("HURACAN_VENUE__URL", "http://127.0.0.1:9")
    done = backfill(huracan)
    assert (done.code, done.err.startswith("TransientError: ")) == (75, True)


@pytest.mark.parametrize("name", ["nothing.parquet", "notes.txt"])
def test_a_file_that_cannot_be_read_ends_with_2(huracan, tmp_path: Path, name) -> None:
    done = huracan("data", "load", str(tmp_path / name), "--symbol", BTC)
    assert (done.code, f"{name}: expected a" in done.err) == (2, True)


def test_an_explained_gap_is_kept(huracan) -> None:
    why = ("data", "explain", "--symbol", BTC, "--reason", "maintenance")
    done = huracan(*why, "--from", f"{FIRST}T03:00", "--to", f"{FIRST}T05:00")
    assert (done.code, "explained: candles" in done.out) == (0, True)
    backwards = huracan(*why, "--from", f"{FIRST}T05:00", "--to", f"{FIRST}T03:00")
    assert (backwards.code, "expected --to after --from" in backwards.err) == (2, True)


def test_delays_tells_what_was_measured_and_what_follows(huracan, settings) -> None:
    assert "nothing was measured yet" in huracan("data", "delays").out
    delays = ArrivalDelays(Brain(settings.database.dsn.get_secret_value()))
    delays.add("sim2-s8", "candles", np.array([100] * 990 + [9_000] * 10), 1_735_689_600_000)
    delays.add("sim2-s8", "liquidations", np.array([50]), 1_735_689_600_000)
    candles, liquidations = json.loads(huracan("data", "delays", "--json").out)
    assert (candles["measurements"], candles["modelled_ms"], candles["max_ms"]) == (
        1000, pytest.approx(100, rel=0.06), pytest.approx(9_000, rel=0.06)
    )
    assert (liquidations["dataset"], liquidations["modelled_ms"]) == ("liquidations", None)
    assert "documented" in huracan("data", "delays").out


def test_revisions_and_impact_tell_what_a_correction_changed(huracan, settings, venue_url: str) -> None:
    backfill(huracan)
    assert json.loads(huracan("data", "revisions", "--json").out) == []
    ts = day_start_ms(FIRST) + 750 * MINUTE_MS
    brain = Brain(settings.database.dsn.get_secret_value())
    bar = CandleRepository(brain).read_table("sim2-s8", [BTC], ts, ts + MINUTE_MS)
    batch = bar.set_column(bar.column_names.index("volume"), "volume", pa.array([7.5])).append_column(
        "known_at_ms", pa.array([ts + MINUTE_MS])
    )
    CandleRepository(brain).upsert("sim2-s8", batch, MarketData(settings).clock().wire_ms() + 1000)
    (told,) = json.loads(huracan("data", "revisions", "--symbol", BTC, "--from", str(FIRST), "--json").out)
    assert (told["ts_ms"], told["version"], told["after"]) == (ts, 2, {"volume": 7.5})
    assert "volume 7.5" in huracan("data", "revisions").out
    assert json.loads(huracan("data", "revisions", "--to", str(FIRST), "--json").out) == []
    assert "1 revisions; dependents: none" in huracan("data", "impact", BTC, str(FIRST)).out
    elsewhere = huracan("data", "impact", "NO/USDT:USDT", str(FIRST))
    assert (elsewhere.code, "expected one with candles in the library, got NO/USDT:USDT" in elsewhere.err) == (2, True)


def test_an_unknown_batch_ends_with_2(huracan) -> None:
    done = huracan("data", "quarantine", "show", "99")
    assert (done.code, "expected the number of a refused batch, got 99" in done.err) == (2, True)


@pytest.mark.parametrize(("arguments", "told"), [
    (["bars", "FOO", "--from", "2025-01-01", "--to", "2025-01-02"], "expected one with candles in the library, got FOO"),
    (["export", "x.csv", "--symbol", "FOO", "--from", "2025-01-01", "--to", "2025-01-02"], "in the library, got FOO"),
    (["universe"], "expected a catalogue that was read, got none"),
])
def test_a_command_on_what_is_not_there_says_so(huracan: Callable[..., Done], brain, arguments: list[str], told: str) -> None:
    done = huracan("data", *arguments)
    assert (done.code, told in done.err) == (2, True), done.err


def test_lists_without_entries_are_no_empty_tables(huracan: Callable[..., Done], brain) -> None:
    assert huracan("data", "quarantine", "list").out.strip() == "Quarantine: none"


def test_the_universe_of_a_day_is_told_with_what_ranks_it(huracan: Callable[..., Done], brain, market: MarketData) -> None:
    read_catalogue(brain, market)
    backfill(huracan)
    day = str(SECOND)
    bars = CandleRepository(brain).read(market.venue, [BTC], 0, day_start_ms(SECOND))[BTC]
    told = json.loads(huracan("data", "universe", "--on", day, "--top", "5", "--json").out)["listings"]
    known = bars.ts_ms < day_start_ms(SECOND) - MINUTE_MS  # the last one is known some seconds into the day
    turnover = float((bars.close * bars.volume)[known].sum())
    assert [(row["symbol"], round(row["turnover"])) for row in told] == [(BTC, round(turnover))]
    assert f"{turnover:,.0f}" in huracan("data", "universe", "--on", day, "--top", "5").out
    both = json.loads(huracan("data", "universe", "--on", day, "--quote", "USDT", "--json").out)["listings"]
    assert [(row["symbol"], row["turnover"]) for row in both] == [(BTC, None), ("ETH/USDT:USDT", None)]
    assert json.loads(huracan("data", "universe", "--on", day, "--listed-for", "30", "--json").out)["listings"] == []
    refused = huracan("data", "universe", "--top", "5")
    assert (refused.code, "expected --on with --quote" in refused.err) == (2, True)
