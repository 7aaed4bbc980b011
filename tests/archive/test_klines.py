"""Candles out of zips: every form that the archive has them in, and every way in which a file may be broken."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.facts.archive import ArchiveLedger
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.archive import FileState
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Pin
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.names import ArchiveKind, Hints
from huracan_platform.data.market_data.days import good_days
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import Settings
from tests.archive.conftest import VENUE
from tests.archive.written import csv_bytes, kline_table, place, vouch, write_zip
from tests.market_data.made import DAY, START, SYMBOL, bars, changed, hours, pick, without
from tests.recorded import recording

NATIVE = "BTCUSDT"
NEXT = DAY + timedelta(days=1)


def write_day(root: Path, day: date = DAY, rows: Candles | None = None, *, header: bool = True, per_ms: int = 1) -> Path:
    rows = bars(start_ms=day_start_ms(day)) if rows is None else rows
    table = kline_table(rows, per_ms=per_ms)
    return write_zip(place(root, "klines", NATIVE, str(day), "1m"), csv_bytes(table, header=header))


def stored(brain, symbol: str = SYMBOL, pin: Pin | None = None) -> Candles:
    return CandleRepository(brain).read(VENUE, [symbol], START - 40 * DAY_MS, START + 400 * DAY_MS, pin)[symbol]


def assert_equal(found: Candles, expected: Candles) -> None:
    for name in ("ts_ms", *CANDLE_COLUMNS):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("per_ms", [1, 1000])
def test_with_and_without_header_in_ms_and_in_microseconds_the_same_rows_are_stored(brain, root, take, header, per_ms) -> None:
    write_day(root, header=header, per_ms=per_ms)
    told = take()
    told.raise_if_bad()
    assert_equal(stored(brain), bars())
    assert good_days(brain, VENUE, "candles", [SYMBOL], DAY, DAY) == [DAY]
    assert {check.name for report in told.reports for check in report.checks} >= {
        "contract", "completeness", "uniqueness", "validity", "freshness", "plausibility", "consistency",
    }


def test_times_in_seconds_are_read(brain, root, take) -> None:
    table = kline_table(bars())
    seconds = {name: table.column(name).to_numpy() for name in table.column_names}
    seconds |= {"open_time": seconds["open_time"] // 1000, "close_time": seconds["open_time"] // 1000 + 60}
    write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(pa.table(seconds)))
    take().raise_if_bad()
    assert_equal(stored(brain), bars())


def test_a_month_of_a_recorded_market_is_stored_to_the_last_bit(brain, root, take) -> None:
    frame = pd.read_parquet(recording("binance_perp_1m_2025_05/ENAUSDT_1m_ohlcv.parquet"))
    ts = frame["ts"].to_numpy(dtype="M8[ms]").astype(np.int64)
    recorded = Candles("ENA/USDT:USDT", ts, *(frame[name].to_numpy(np.float64) for name in CANDLE_COLUMNS))
    months = np.unique(ts.astype("M8[ms]").astype("M8[M]"))
    for month in months:
        rows = recorded.at(ts.astype("M8[ms]").astype("M8[M]") == month)
        write_zip(place(root, "klines", "ENAUSDT", str(month), "1m"), csv_bytes(kline_table(rows)))
    take().raise_if_bad()
    assert_equal(CandleRepository(brain).read(VENUE, ["ENA/USDT:USDT"], 0, int(ts[-1]) + 1)["ENA/USDT:USDT"], recorded)


def test_first_versions_are_known_as_late_as_the_venue_would_have_told_them(brain, root, take, settings) -> None:
    write_day(root)
    take()
    closed = START + 10 * MINUTE_MS + settings.quality.arrival_delay_ms
    assert len(stored(brain, pin=Pin(as_of=to_datetime(closed)))) == 10
    assert len(stored(brain, pin=Pin(as_of=to_datetime(closed - 1)))) == 9


def test_no_instrument_is_made_up(brain, root, take) -> None:
    write_day(root)
    take()
    assert InstrumentRepository(brain).load(VENUE) == {}


def test_months_and_days_that_overlap_change_nothing(brain, root, take) -> None:
    month = bars(31 * 1440)
    write_day(root, rows=month.at(slice(0, 1440)))
    write_zip(place(root, "klines", NATIVE, "2024-03", "1m"), csv_bytes(kline_table(month)))
    (report,) = take().reports
    assert (report.inserted, report.revised, report.unchanged) == (31 * 1440, 0, 1440)


def test_a_second_run_skips_what_was_taken_and_changes_nothing(brain, root, take) -> None:
    write_day(root)
    first = take()
    second = take()
    assert [len(first.files), len(first.skipped)] == [1, 0]
    assert [len(second.files), list(second.skipped), second.reports] == [0, ["BTCUSDT-1m-2024-03-01.zip"], ()]
    (once_more,) = take(again=True).reports
    assert (once_more.inserted, once_more.revised, once_more.unchanged) == (0, 0, 1440)


def test_a_file_whose_content_changed_is_taken_again_as_a_revision(brain, root, take) -> None:
    write_day(root)
    take()
    before = to_datetime(START + 2 * DAY_MS)
    write_day(root, rows=changed(bars(), "volume", 700, 5.0))
    (report,) = take().reports
    assert (report.inserted, report.revised, report.unchanged) == (0, 1, 1439)
    assert stored(brain).volume[700] == 5.0
    assert stored(brain, pin=Pin(as_of=before)).volume[700] == bars().volume[700]


@pytest.mark.parametrize("gone", [0, 700, 1439])
def test_a_row_that_is_missing_is_reported_wherever_it_was(brain, root, take, gone: int) -> None:
    write_day(root, rows=without(bars(), [gone]))
    (report,) = take().reports
    completeness = next(check for check in report.checks if check.name == "completeness")
    assert completeness.failing[0].observed == 1439
    assert completeness.failing[0].expected == 1440


def test_equal_rows_are_stored_once_and_counted(brain, root, take) -> None:
    # `kline_table` draws what a bar does not say: rows are made equal in all columns.
    table = kline_table(bars()).take(np.sort(np.r_[np.arange(1440), 5, 5, 900]))
    write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(table))
    told = take()
    assert told.duplicates == 3
    assert_equal(stored(brain), bars())


def test_rows_that_contradict_each_other_quarantine_their_day_and_no_other(brain, root, take) -> None:
    twice = pick(bars(), np.sort(np.r_[np.arange(1440), 5]))
    write_day(root, rows=changed(twice, "volume", 6, 7.0))
    write_day(root, NEXT)
    told = take()
    assert good_days(brain, VENUE, "candles", [SYMBOL], DAY, NEXT) == [NEXT]
    assert [file.state for file in told.files] == [FileState.QUARANTINED, FileState.TAKEN]
    (entry,) = Quarantine(brain).entries()
    assert "each symbol and ts once" in entry.reason
    assert entry.day == DAY
    with pytest.raises(DataContractError, match="each symbol and ts once"):
        told.raise_if_bad()


def test_the_venues_own_hours_are_held_against_the_minutes(brain, root, take) -> None:
    write_day(root)
    wrong = changed(hours(bars()), "high", 3, 90_000.0)
    write_zip(place(root, "klines", NATIVE, str(DAY), "1h"), csv_bytes(kline_table(wrong, HOUR_MS)))
    (report,) = take().reports
    consistency = next(check for check in report.checks if check.name == "consistency")
    assert not consistency.passed
    assert [day.state for day in report.days] == [DayState.QUARANTINED]
    assert len(stored(brain)) == 0


def test_hours_that_were_taken_before_still_count(brain, root, take) -> None:
    path = write_zip(place(root, "klines", NATIVE, str(DAY), "1h"), csv_bytes(kline_table(hours(bars()), HOUR_MS)))
    take()
    write_day(root, rows=changed(bars(), "volume", 700, 9e3))
    told = take()
    assert told.skipped == (path.name,)
    assert not next(check for check in told.reports[0].checks if check.name == "consistency").passed


@pytest.mark.parametrize("agree", [True, False])
def test_hours_that_come_later_judge_the_days_that_are_stored_once_more(brain, root, take, agree: bool) -> None:
    both = bars(2 * 1440)
    first = both.at(both.ts_ms < day_start_ms(NEXT))
    write_day(root, rows=first)
    write_day(root, NEXT, both.at(both.ts_ms >= day_start_ms(NEXT)))
    take()
    before = stored(brain)
    told = hours(first) if agree else changed(hours(first), "high", 3, 90_000.0)
    write_zip(place(root, "klines", NATIVE, str(DAY), "1h"), csv_bytes(kline_table(told, HOUR_MS)))
    (report,) = take().reports
    assert [(day.day, day.state) for day in report.days] == [(DAY, DayState.GOOD if agree else DayState.QUARANTINED)]
    assert next(check for check in report.checks if check.name == "consistency").passed is agree
    assert (report.inserted, report.revised) == (0, 0)
    assert_equal(stored(brain), before)
    books = QualityRepository(brain).days(VENUE, "candles", [SYMBOL], DAY, NEXT)
    assert [day.state for day in books] == [report.days[0].state, DayState.GOOD]
    assert take().reports == ()


def test_days_before_trading_began_and_after_it_ended_are_told_and_not_missed(brain, root, take) -> None:
    rows = bars(5 * 1440, start_ms=START + 9 * DAY_MS + 10 * HOUR_MS)
    write_zip(place(root, "klines", NATIVE, "2024-03", "1m"), csv_bytes(kline_table(rows)))
    told = take()
    told.raise_if_bad()
    (report,) = told.reports
    assert [str(day.day) for day in report.days] == [f"2024-03-{n}" for n in range(10, 16)]
    assert {day.state for day in report.days} == {DayState.GOOD}
    assert "begin on 2024-03-10" in told.notices[0]
    assert "end on 2024-03-15" in told.notices[1]


def test_a_day_that_no_file_is_of_is_told(root, take) -> None:
    write_day(root)
    write_day(root, DAY + timedelta(days=2))
    assert take().notices == ("klines 1m BTC/USDT:USDT: no file of 2024-03-02",)


def test_with_the_setting_what_takers_traded_is_stored_too(brain, root, take, settings) -> None:
    write_day(root)
    told = take(settings=settings.model_copy(update={"archive": settings.archive.model_copy(update={"taker_volumes": True})}))
    told.raise_if_bad()
    takers = next(report for report in told.reports if report.dataset == "taker_volumes")
    assert (takers.rows, takers.in_state(DayState.GOOD)[0].day) == (288, DAY)


def columns(edit: Callable[[dict[str, np.ndarray]], None]) -> Callable[[pa.Table], pa.Table]:
    def edited(table: pa.Table) -> pa.Table:
        found = {name: table.column(name).to_numpy().copy() for name in table.column_names}
        edit(found)
        return pa.table(found)

    return edited


def swap(a: str, b: str) -> Callable[[pa.Table], pa.Table]:
    def edit(found: dict[str, np.ndarray]) -> None:
        found[a], found[b] = found[b], found[a]

    return columns(edit)


def half_in_microseconds(found: dict[str, np.ndarray]) -> None:
    found["open_time"][700:] *= 1000


BROKEN: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "mixed units": (columns(half_in_microseconds), "expected times in one unit, got"),
    "volume and quote volume swapped": (swap("volume", "quote_volume"), "columns swapped?"),
    "high and low swapped": (swap("high", "low"), "columns swapped?"),
    "a column too few": (lambda table: table.drop_columns(["count", "ignore"]), "expected 12 columns of klines"),
    "other days": (columns(lambda c: c.update(open_time=c["open_time"] + DAY_MS, close_time=c["close_time"] + DAY_MS)),
                   "expected times of 2024-03-01, got 1440 others"),
    "hours for minutes": (columns(lambda c: c.update(close_time=c["open_time"] + HOUR_MS - 1)), "expected bars of 60 s"),
    "nanoseconds": (columns(lambda c: c.update(open_time=c["open_time"] * 10**6)), "expected times in s, ms or µs since 1970"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_what_was_expected_and_the_others_go_on(brain, root, take, name: str) -> None:
    spoil, why = BROKEN[name]
    write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(spoil(kline_table(bars())), header=False))
    write_day(root, NEXT)
    told = take()
    (refused,) = told.in_state(FileState.REFUSED)
    assert refused.file == "BTCUSDT-1m-2024-03-01.zip"
    assert why in str(refused.reason)
    assert good_days(brain, VENUE, "candles", [SYMBOL], DAY, NEXT) == [NEXT]
    (entry,) = Quarantine(brain).entries()
    assert (entry.source, entry.row_count) == (refused.file, 1440)
    assert pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id))).num_rows == 1440
    with pytest.raises(DataContractError, match="expected"):
        told.raise_if_bad()


def test_wrong_names_of_columns_are_refused(root, take) -> None:
    table = kline_table(bars()).rename_columns(["time", *kline_table(bars()).column_names[1:]])
    write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(table))
    assert "expected columns open_time, open" in str(take().files[0].reason)


def test_a_row_that_was_cut_off_is_named(root, take) -> None:
    path = place(root, "klines", NATIVE, str(DAY), "1m")
    write_zip(path, csv_bytes(kline_table(bars()))[:-90])
    assert "expected 12 columns of klines in each row" in str(take().files[0].reason)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])
    vouch(path)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3000] ^= 0xFF
    path.write_bytes(content)
    vouch(path)


def two(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("second.csv", "1,2")
    vouch(path)


def other_name(path: Path) -> None:
    write_zip(path, csv_bytes(kline_table(bars())), member="ETHUSDT-1m-2024-03-01.csv")


DAMAGED = {
    "cut off": (cut, "expected a whole zip"), "a bit flipped": (flip, "expected a whole zip"),
    "two CSVs": (two, "expected one CSV in the zip, got BTCUSDT-1m-2024-03-01.csv, second.csv"),
    "another contract's CSV": (other_name, "got ETHUSDT-1m-2024-03-01.csv"),
    "wrong checksum": (lambda path: vouch(path, "0" * 64), f"expected SHA-256 {'0' * 64}, got"),
    "another file's checksum": (
        lambda path: path.with_name(f"{path.name}.CHECKSUM").write_text(f"{'0' * 64}  other.zip\n"), "got that of other.zip"
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_and_taken_once_it_is_whole(brain, root, take, name: str) -> None:
    damage, why = DAMAGED[name]
    damage(write_day(root))
    told = take()
    assert why in str(told.files[0].reason)
    assert told.files[0].state is FileState.REFUSED
    assert len(Quarantine(brain).entries()) == 1
    write_day(root)
    take().raise_if_bad()
    assert len(stored(brain)) == 1440
    assert [entry.waits for entry in Quarantine(brain).entries(every=True)] == [False]


def test_a_missing_checksum_is_told_and_refused_on_demand(brain, root, take) -> None:
    path = write_day(root)
    path.with_name(f"{path.name}.CHECKSUM").unlink()
    strict = take(require_checksums=True)
    assert "expected BTCUSDT-1m-2024-03-01.zip.CHECKSUM beside it, got none" in str(strict.files[0].reason)
    told = take()
    told.raise_if_bad()
    assert told.unvouched == (path.name,)


def test_one_symbols_content_under_anothers_name_is_refused(brain, root, take) -> None:
    taken = write_day(root)
    take()
    other = place(root, "klines", "ETHUSDT", str(DAY), "1m")
    other.parent.mkdir(parents=True)
    other.write_bytes(taken.read_bytes())
    assert "expected bars of ETH/USDT:USDT, got the content of BTCUSDT-1m-2024-03-01.zip" in str(take().files[0].reason)


def test_a_spot_file_is_never_stored_as_a_perpetual(brain, root, take) -> None:
    text = csv_bytes(kline_table(bars(start_ms=day_start_ms(date(2025, 3, 1))), per_ms=1000))
    in_tree = place(root, "klines", NATIVE, "2025-03-01", "1m", market=Path("data/spot"))
    write_zip(in_tree, text)
    flat = write_zip(root / "flat" / "BTCUSDT-1m-2025-03-01.zip", text)
    told = take()
    assert "spot prices, which are never stored as a perpetual's" in told.unnamed[in_tree.name]
    assert f"{flat.name}: expected times in ms as files of perpetuals have them, got µs" in str(told.files[0].reason)
    assert len(stored(brain)) == 0
    with pytest.raises(DataContractError):
        told.raise_if_bad()


def test_a_plain_file_is_taken_with_hints(brain, root, take) -> None:
    (root / "mine.csv").write_bytes(csv_bytes(kline_table(bars())))
    take(hints=Hints(ArchiveKind.KLINES, NATIVE, "1m")).raise_if_bad()
    assert_equal(stored(brain), bars())


def test_a_folder_without_files_is_an_error(root, take) -> None:
    with pytest.raises(PermanentError, match=r"expected files ending in \.zip or \.csv, got none"):
        take()


def test_times_that_are_still_to_come_are_refused(root, take) -> None:
    write_day(root, date(2097, 3, 1))
    assert "expected times up to now" in str(take().files[0].reason)


def test_the_ledger_has_what_each_file_held(brain, root, take) -> None:
    write_day(root)
    take()
    ((venue, file),) = ArchiveLedger(brain).files()
    assert (venue, file.kind, file.symbol, file.interval, file.rows) == (VENUE, "klines", SYMBOL, "1m", 1440)
    assert (file.first_ms, file.last_ms) == (START, START + 1439 * MINUTE_MS)
    assert ArchiveLedger(brain).summary()[0]["taken"] == 1


def test_days_in_the_books_have_the_content_hash_of_the_librarys_rows(brain, root, take) -> None:
    write_day(root)
    take()
    (day,) = QualityRepository(brain).days(VENUE, "candles", [SYMBOL], DAY, DAY)
    assert day.content_hash == CandleRepository(brain).content_hash(VENUE, SYMBOL, START, START + DAY_MS)


def test_a_day_without_trades_is_a_day(brain, root, take) -> None:
    same = np.full(1440, 60_000.0)
    flat = replace(bars(), open=same, high=same, low=same, close=same, volume=np.zeros(1440))
    write_day(root, rows=flat)
    take()
    assert_equal(stored(brain), flat)


def test_a_day_of_moving_prices_without_any_volume_is_none(brain, root, take) -> None:
    write_day(root, rows=replace(bars(), volume=np.zeros(1440)))
    (report,) = take().reports
    assert [day.state for day in report.days] == [DayState.QUARANTINED]
    assert len(stored(brain)) == 0


def test_settings_say_how_large_a_file_may_be(root, take, settings: Settings) -> None:
    write_day(root)
    small = settings.model_copy(update={"archive": settings.archive.model_copy(update={"most_csv_mb": 0.01})})
    assert "HURACAN_ARCHIVE__MOST_CSV_MB" in str(take(settings=small).files[0].reason)
