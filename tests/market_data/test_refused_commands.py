"""`huracan data` called wrongly: one line that says what was expected and got, and the documented exit code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from huracan_platform.data.market_data.day_runs import by_days
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.test_commands import BTC, Done, backfill, huracan  # noqa: F401

BACKWARDS = ("--from", str(SECOND), "--to", str(FIRST))
DAY = ("--from", str(FIRST), "--to", str(SECOND))


@pytest.mark.parametrize("words", [
    ("backfill", *BACKWARDS), ("repair", "--dry-run", *BACKWARDS), ("export", "x.csv", "--symbol", BTC, *BACKWARDS),
    ("revisions", *BACKWARDS), ("bars", BTC, *BACKWARDS), ("explain", "--symbol", BTC, "--reason", "closed", *BACKWARDS),
], ids=lambda words: words[0])
def test_days_that_end_before_they_begin_are_refused(huracan: Callable[..., Done], words: tuple[str, ...]) -> None:  # noqa: F811
    done = huracan("data", *words)
    assert (done.code, done.out) == (2, "")
    assert f"got {SECOND}" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_venue_or_symbol_that_the_library_has_nothing_of_is_refused_and_named(huracan: Callable[..., Done]) -> None:  # noqa: F811
    assert backfill(huracan).code == 0
    for words in (("bars", BTC, *DAY), ("impact", BTC, str(FIRST)), ("revisions", "--symbol", BTC),
                  ("export", "x.csv", "--symbol", BTC, *DAY)):
        done = huracan("data", *words, "--venue", "nowhere")
        assert (done.code, done.out) == (2, ""), words
        assert f"--venue: expected one of sim2-s8 with candles of {BTC}, got nowhere" in done.err
    unknown = huracan("data", "revisions", "--symbol", "NO/USDT:USDT")
    assert (unknown.code, "expected one with candles in the library, got NO/USDT:USDT" in unknown.err) == (2, True)


def test_a_decision_without_a_name_or_a_reason_is_refused(huracan: Callable[..., Done]) -> None:  # noqa: F811
    for words in (
        ("quarantine", "discard", "1", "--by", " ", "--reason", "spot"),
        ("quarantine", "release", "1", "--by", "me", "--reason", ""),
        ("explain", "--symbol", BTC, "--reason", "", *DAY),
    ):
        done = huracan("data", *words)
        assert (done.code, "expected some words, got" in done.err) == (2, True), words


@pytest.mark.parametrize(("name", "content"), [("cut.parquet", b"PAR1"), ("no.csv", b""), ("bytes.csv", bytes(range(128, 256)))])
def test_a_damaged_file_ends_with_65(huracan: Callable[..., Done], tmp_path: Path, name: str, content: bytes) -> None:  # noqa: F811
    (tmp_path / name).write_bytes(content)
    done = huracan("data", "load", str(tmp_path / name), "--symbol", BTC)
    assert (done.code, f"{name}: expected a readable" in done.err) == (65, True)


def test_a_file_of_a_header_alone_ends_with_65_and_nobody_has_to_decide_about_it(
    huracan: Callable[..., Done], tmp_path: Path  # noqa: F811
) -> None:
    (tmp_path / "head.csv").write_text("ts,open,high,low,close,volume\n")
    done = huracan("data", "load", str(tmp_path / "head.csv"), "--symbol", BTC)
    assert (done.code, "head.csv: expected rows, got none" in done.err) == (65, True)
    assert "Quarantine: none" in huracan("data", "quarantine", "list").out


def test_a_folder_is_no_file_and_a_file_no_folder(huracan: Callable[..., Done], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "day.parquet").mkdir()
    read = huracan("data", "load", str(tmp_path / "day.parquet"), "--symbol", BTC)
    assert (read.code, "expected a file that can be read, got Is a directory" in read.err) == (2, True)
    (tmp_path / "file").write_text("")
    detached = huracan("data", "detach", "trades", "--before", "2020-01-01", "--out", str(tmp_path / "file"))
    assert (detached.code, "out: expected a folder that can be written to" in detached.err) == (2, True)


def test_days_that_nobody_has_are_no_coverage(huracan: Callable[..., Done]) -> None:  # noqa: F811
    done = huracan("data", "backfill", "--dataset", "trades", *DAY, "--symbols", BTC)
    assert (done.code, "coverage" in done.out) == (0, False)
    assert "0 rows, none expected" in done.out
    assert "2 unavailable" in done.out
    assert "asking again brings nothing" in done.out


def test_days_in_a_row_of_which_the_same_is_told_are_one_line() -> None:
    days = [date(2025, 5, 30) + timedelta(days=n) for n in range(5)]
    told = [(day, f"candles {BTC} {day}: missing (never fetched)") for day in days if day != days[3]]
    assert by_days(told) == [
        f"candles {BTC} 2025-05-30 to 2025-06-01 (3 days): missing (never fetched)",
        f"candles {BTC} 2025-06-03: missing (never fetched)",
    ]
    other = [(days[0], f"funding {BTC} {days[0]}: missing"), (days[1], f"funding ETH {days[1]}: missing")]
    assert by_days(other) == [text for _, text in other]
