"""Every other kind of the archive: funding, metrics, liquidations, depth, trades."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository, LiquidationRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.seconds import TradeSecondRepository
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.archive import FileState
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.microstructure import SECOND_MS, AggressorTrades
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.archive.depth import DepthBandSource
from huracan_platform.data.archive.names import ArchiveKind
from huracan_platform.data.market_data.trades.seconds import trade_seconds
from huracan_platform.data.sources.account_ratios import AccountRatioSource
from tests.archive.conftest import VENUE
from tests.archive.written import csv_bytes, kline_table, place, table_of, write_zip
from tests.market_data.made import DAY, START, SYMBOL, bars
from tests.recorded import recording

NATIVE, ETH = "BTCUSDT", "ETH/USDT:USDT"
NEXT = DAY + timedelta(days=1)
FIVE_MS = 5 * MINUTE_MS


def write(root, kind: ArchiveKind, period: str, rows: list[Any], native: str = NATIVE, *, header: bool = True):
    return write_zip(place(root, kind.value, native, period), csv_bytes(table_of(kind, rows), header=header))


def state(brain, dataset: str, day: date = DAY, symbol: str = SYMBOL) -> DayState | None:
    found = QualityRepository(brain).days(VENUE, dataset, [symbol], day, day)
    return found[0].state if found else None


@pytest.mark.parametrize("header", [True, False])
def test_funding_is_snapped_to_its_hour_and_keeps_its_interval(brain, root, take, header: bool) -> None:
    hours = [(at, 8) for at in range(8, 24 * 31, 8)]
    draws = np.random.default_rng(1).integers(10_001, 30_000, len(hours))  # a rate that grows by the same is refused as made up
    rows = [(START + h * HOUR_MS + 7, every, round(float(n) * 1e-8, 8)) for (h, every), n in zip(hours, draws, strict=True)]
    write(root, ArchiveKind.FUNDING, "2024-03", rows, header=header)
    take().raise_if_bad()
    found = FundingRepository(brain).read(VENUE, [SYMBOL], START, START + 31 * DAY_MS)[SYMBOL]
    assert found.ts_ms.tolist() == [START + h * HOUR_MS for h, _ in hours]
    assert found.rate.tolist() == [rate for _, _, rate in rows]
    assert set(found.interval_h) == {8.0}


def test_recorded_funding_comes_back_to_the_last_bit(brain, root, take) -> None:
    frame = pd.read_parquet(recording("binance_funding_2023_2025/BTCUSDT_8h_funding.parquet"))
    ts = frame["ts"].to_numpy(dtype="M8[ms]")
    rates = frame[next(name for name in frame.columns if name not in ("ts", "symbol"))].to_numpy(np.float64)
    month = ts.astype("M8[M]") == np.datetime64("2024-05")
    rows = [(int(at), 8, rate) for at, rate in zip(ts[month].astype(np.int64) + 3, rates[month], strict=True)]
    write(root, ArchiveKind.FUNDING, "2024-05", rows)
    take().raise_if_bad()
    start = day_start_ms(date(2024, 5, 1))
    found = FundingRepository(brain).read(VENUE, [SYMBOL], start, start + 31 * DAY_MS)[SYMBOL]
    assert found.rate.tolist() == rates[month].tolist()


def metrics(day: date, first: int, last: int, native: str = NATIVE) -> list[Any]:
    """Snapshots number `first` to `last` of a day, in disorder."""
    at = [day_start_ms(day) + k * FIVE_MS for k in range(first, last + 1)]
    rows = [
        (f"{to_datetime(ms):%Y-%m-%d %H:%M:%S}", native, 80_000.0 + k, (80_000.0 + k) * 60_000, 1.5, 1.4, 1.0 + k / 1000, 1.1)
        for k, ms in enumerate(at)
    ]
    np.random.default_rng(1).shuffle(rows)
    return rows


def interest(brain, pin: Pin | None = None):
    return OpenInterestRepository(brain).read(VENUE, [SYMBOL], START, START + 3 * DAY_MS, pin)[SYMBOL]


def test_metrics_in_disorder_become_open_interest_and_ratios_known_five_minutes_later(brain, root, take) -> None:
    write(root, ArchiveKind.METRICS, str(DAY), metrics(DAY, 0, 287))
    take().raise_if_bad()
    assert interest(brain).ts_ms.tolist() == [START + k * FIVE_MS for k in range(288)]
    assert interest(brain).contracts.tolist() == [80_000.0 + k for k in range(288)]
    assert len(interest(brain, Pin(as_of=to_datetime(START + 2 * FIVE_MS)))) == 2
    ratios = SourceRepository(brain, AccountRatioSource.contract).read(VENUE, [SYMBOL], START, START + DAY_MS)[SYMBOL]
    assert ratios["long_share"][[0, 250]].tolist() == [0.5, round(1.25 / 2.25, 4)]
    assert (state(brain, "open_interest"), state(brain, "account_ratios")) == (DayState.GOOD, DayState.GOOD)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_day_that_ends_with_the_midnight_after_it_leaves_the_next_day_whole(brain, root, take, at_once: bool) -> None:
    write(root, ArchiveKind.METRICS, str(DAY), metrics(DAY, 0, 288))
    if not at_once:
        take().raise_if_bad()
        assert (state(brain, "open_interest"), state(brain, "open_interest", NEXT)) == (DayState.GOOD, DayState.OPEN)
    write(root, ArchiveKind.METRICS, str(NEXT), metrics(NEXT, 1, 287))
    (report, _) = take().reports
    assert next(check for check in report.checks if check.name == "completeness").passed
    assert (state(brain, "open_interest"), state(brain, "open_interest", NEXT)) == (DayState.GOOD, DayState.GOOD)
    assert len(interest(brain)) == 576


def test_metrics_of_another_contract_are_refused(root, take) -> None:
    write(root, ArchiveKind.METRICS, str(DAY), metrics(DAY, 0, 287, "ETHUSDT"))
    assert "expected rows of BTCUSDT, got some of ETHUSDT" in str(take().files[0].reason)


def test_open_interest_is_held_against_the_candles_of_the_library(brain, root, take) -> None:
    write_zip(place(root, "klines", NATIVE, str(DAY), "1m"), csv_bytes(kline_table(bars())))
    rows = [(*row[:3], row[3] * 1.5, *row[4:]) for row in metrics(DAY, 0, 287)]
    write(root, ArchiveKind.METRICS, str(DAY), rows)
    told = take()
    report = next(report for report in told.reports if report.dataset == "open_interest")
    assert "USD per contract within the hour's prices" in next(c for c in report.checks if c.name == "consistency").message
    assert state(brain, "open_interest") is DayState.QUARANTINED


def liquidation(at_ms: int, side: str = "SELL", quantity: float = 0.5, filled: float = 0.4) -> tuple[Any, ...]:
    return (at_ms, side, "LIMIT", "IOC", quantity, 59_000.0, 59_100.5, "FILLED", filled, filled)


def test_liquidations_have_the_positions_side_and_duplicated_rows_count_once(brain, root, take, settings) -> None:
    first, rows = liquidation(START + 5_000), [liquidation(START + 65_000, "BUY"), liquidation(START + 66_000)]
    rows = [first, first, *rows]
    write(root, ArchiveKind.LIQUIDATIONS, str(DAY), rows)
    told = take()
    told.raise_if_bad()
    assert told.duplicates == 1
    found = LiquidationRepository(brain).read(VENUE, SYMBOL, START, START + DAY_MS)
    assert [(one.ts_ms - START, one.side, one.price) for one in found] == [
        (5_000, "long", 59_100.5), (65_000, "short", 59_100.5), (66_000, "long", 59_100.5),
    ]
    assert found[0].size_usd == 0.4 * 59_100.5
    assert found[0].known_ms == START + 5_000 + settings.quality.arrival_delay_ms
    live = Liquidation(VENUE, SYMBOL, START + 5_000, "long", 59_100.5, 0.4, START + 6_000)
    assert found[0].liquidation_id == live.liquidation_id  # what the stream told is not stored twice


def test_minutes_of_a_day_of_liquidations_are_put_together_for_its_symbol_alone(brain, root, take) -> None:
    write(root, ArchiveKind.LIQUIDATIONS, str(DAY), [liquidation(START + 65_000)])
    take().raise_if_bad()
    minutes = LiquidationMinuteRepository(brain).read(VENUE, [SYMBOL, ETH], START, START + DAY_MS)
    assert (len(minutes[SYMBOL]), minutes[SYMBOL].long_count.sum(), minutes[SYMBOL].long_count[1]) == (1440, 1.0, 1.0)
    assert state(brain, "liquidations") is DayState.GOOD
    write(root, ArchiveKind.LIQUIDATIONS, str(NEXT), [liquidation(START + DAY_MS + 1000)], "ETHUSDT")
    take().raise_if_bad()
    minutes = LiquidationMinuteRepository(brain).read(VENUE, [SYMBOL, ETH], START, START + 2 * DAY_MS)
    assert minutes[SYMBOL].ts_ms.max() < START + DAY_MS  # a file of one symbol says nothing of another
    assert minutes[ETH].ts_ms.min() == START + DAY_MS


def test_a_side_that_is_none_is_refused(root, take) -> None:
    write(root, ArchiveKind.LIQUIDATIONS, str(DAY), [liquidation(START, "LONG")])
    assert "expected side SELL or BUY, got LONG" in str(take().files[0].reason)


def depth_rows(minutes: int = 1440) -> list[Any]:
    return [
        (f"{to_datetime(START + at * 30_000 + 7_000):%Y-%m-%d %H:%M:%S}", percent, 10.0 * abs(percent), 1e5 * abs(percent) + at)
        for at in range(2 * minutes) for percent in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
    ]


def test_depth_bands_are_those_of_each_minutes_last_snapshot(brain, root, take) -> None:
    write(root, ArchiveKind.DEPTH, str(DAY), depth_rows())
    take().raise_if_bad()
    found = SourceRepository(brain, DepthBandSource.contract).read(VENUE, [SYMBOL], START, START + DAY_MS)[SYMBOL]
    assert len(found) == 1440
    assert [found[f"{side}_usd_{percent}pct"][10] for side in ("bid", "ask") for percent in (1, 5)] == [
        1e5 + 21, 5e5 + 21, 1e5 + 21, 5e5 + 21,
    ]
    assert state(brain, "depth_bands") is DayState.GOOD


def trades(count: int = 5_001, first_id: int = 100) -> list[Any]:
    rng = np.random.default_rng(4)
    at = np.sort(rng.integers(START, START + DAY_MS, count))
    return [
        (first_id + k, 60_000.0 + k % 7, round(float(rng.uniform(0.001, 2)), 3), 2 * k, 2 * k + 1, int(at[k]), maker)
        for k, maker in enumerate(("false", "true", "true") * (count // 3))
    ]


def seconds_of(rows: list[Any]):
    columns = list(zip(*rows, strict=True))
    told = AggressorTrades(
        SYMBOL, np.array(columns[5]), np.array(columns[0]), np.array(columns[1]), np.array(columns[2]),
        np.array([maker == "false" for maker in columns[6]]),
    )
    return trade_seconds(told, START, START + DAY_MS)


@pytest.mark.parametrize("header", [True, False])
def test_trades_are_summed_per_second_as_the_stream_sums_them(brain, root, take, header: bool) -> None:
    rows = trades()
    write(root, ArchiveKind.TRADES, str(DAY), rows, header=header)
    take().raise_if_bad()
    found = TradeSecondRepository(brain).read(VENUE, [SYMBOL], START, START + DAY_MS)[SYMBOL]
    expected = seconds_of(rows)
    for name in ("ts_ms", "buy_base", "sell_base", "buy_usd", "sell_usd", "trades"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert state(brain, "trades") is DayState.GOOD


def test_seconds_around_a_missing_number_are_not_known(brain, root, take) -> None:
    rows = trades()
    del rows[2500]
    write(root, ArchiveKind.TRADES, str(DAY), rows)
    take()
    found = TradeSecondRepository(brain).read(VENUE, [SYMBOL], START, START + DAY_MS)[SYMBOL]
    first, last = (rows[k][5] // SECOND_MS * SECOND_MS for k in (2499, 2500))
    gone = np.arange(first, last + 1, SECOND_MS)
    assert not np.isin(gone, found.ts_ms).any()
    assert len(found) == 86_400 - len(gone)


def test_one_number_with_two_trades_is_refused(root, take) -> None:
    rows = trades()
    rows.insert(11, (rows[10][0], 1.0, *rows[10][2:]))
    write(root, ArchiveKind.TRADES, str(DAY), rows)
    assert "expected each agg_trade_id once" in str(take().files[0].reason)


def test_every_file_of_a_mixed_archive_is_in_the_ledger(root, take) -> None:
    write_zip(place(root, "klines", NATIVE, str(NEXT), "1m"), csv_bytes(kline_table(bars(start_ms=START + DAY_MS))))
    write(root, ArchiveKind.METRICS, str(DAY), metrics(DAY, 0, 287))
    write(root, ArchiveKind.LIQUIDATIONS, str(DAY), [liquidation(START + 65_000)])
    told = take()
    assert [file.kind for file in told.in_state(FileState.TAKEN)] == ["klines", "metrics", "liquidationSnapshot"]
    assert len(take().skipped) == 3
