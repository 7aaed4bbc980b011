"""The way from the venue to the library: a real database, a real simulated venue, answers spoiled on the way."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, MINUTE_MS, ManualClock, day_start_ms
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.contracts.quality import DayState, ExplainedGap
from huracan_platform.data.market_data import ingest_run
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding, ingest_open_interest
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.summary import data_summary
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.klines import MalformedRowsError
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, changed, pick, without

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
AT = 1440 + 700  # a minute of the second day
Edit = Callable[[Candles], Candles]


@pytest.fixture
def take(brain: Brain, market: MarketData, settings: Settings) -> Callable[..., IngestReport]:
    """Ingest both days of BTC, from the real venue or from a spoiled one."""

    def ingest(source=market, symbols=(BTC,), first=FIRST, last=SECOND) -> IngestReport:
        return ingest_candles(brain, source, symbols, first, last, settings)

    return ingest


def jump(candles: Candles) -> Candles:
    names = ("open", "high", "low", "close")
    factor = np.where(np.arange(len(candles)) == AT, 1.2, 1.0)
    return replace(candles, **{name: getattr(candles, name) * factor for name in names})


FAULTS: dict[str, tuple[Edit, DayState]] = {
    "completeness": (lambda c: without(c, range(AT, AT + 60)), DayState.DEGRADED),
    "uniqueness": (lambda c: pick(c, [*range(AT), AT - 1, *range(AT, 2880)]), DayState.QUARANTINED),
    "validity": (lambda c: changed(c, "high", AT, 0.5), DayState.QUARANTINED),
    "plausibility": (jump, DayState.QUARANTINED),  # the venue's own hour does not know the jump either
    "consistency": (lambda c: changed(c, "volume", AT, 1e6), DayState.QUARANTINED),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_check_keeps_the_day_from_readers_and_passes_when_repaired(brain, market, take, name) -> None:
    edit, state = FAULTS[name]
    spoiled = take(SpoiledMarket(market, candles=edit))
    by_name = {check.name: check for check in spoiled.checks}
    assert by_name[name].failing_days == [f"{SECOND} {BTC}"]
    assert [day.state for day in spoiled.days] == [DayState.GOOD, state]
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST]
    assert name in {issue.issue_type for issue in QualityRepository(brain).open_issues()}

    repaired = take()
    assert all(check.passed for check in repaired.checks)
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST, SECOND]
    assert QualityRepository(brain).open_issues() == []
    assert Quarantine(brain).entries() == []


def test_a_stale_feed_fails_freshness_in_the_newest_partition_and_passes_when_it_caught_up(brain, market, take) -> None:
    late = take(SpoiledMarket(market, candles=lambda c: pick(c, slice(0, len(c) - 10))))
    assert {c.name: c.failing_days for c in late.checks}["freshness"] == [f"{SECOND} {BTC}"]
    assert all(check.passed for check in take().checks)


def test_quarantined_rows_are_kept_and_never_reach_the_library(brain, market, take) -> None:
    take(SpoiledMarket(market, candles=FAULTS["validity"][0]))
    stored = CandleRepository(brain).read(market.venue, [BTC], day_start_ms(FIRST), day_start_ms(SECOND) + DAY_MS)[BTC]
    assert len(stored) == 1440
    (entry,) = Quarantine(brain).entries()
    assert (entry.symbol, entry.day, entry.row_count, entry.source) == (BTC, SECOND, 1440, "venue")
    assert f"candles {BTC} {SECOND}: expected 0 < low" in entry.reason
    rows = pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id)))
    assert rows.column("high")[700].as_py() == 0.5


def test_a_quarantined_day_that_was_repaired_keeps_its_refused_rows(brain, market, take) -> None:
    take(SpoiledMarket(market, candles=FAULTS["validity"][0]))
    take()
    (entry,) = Quarantine(brain).entries(every=True)
    assert entry.released_at is not None


def test_the_same_days_twice_change_nothing_and_have_the_same_hash(brain, market, take) -> None:
    once, twice = take(symbols=(BTC, ETH)), take(symbols=(ETH, BTC))
    assert (once.inserted, once.rows, once.coverage) == (5760, 5760, 1.0)
    assert (twice.inserted, twice.revised, twice.unchanged) == (0, 0, 5760)
    assert once.content_hash == twice.content_hash
    day = once.days[0]
    start = day_start_ms(day.day)
    assert day.content_hash == CandleRepository(brain).content_hash(market.venue, day.symbol, start, start + DAY_MS)


def test_days_may_come_one_by_one_in_any_order(brain, market, take) -> None:
    whole = take()
    with brain.connect() as connection:
        connection.execute("TRUNCATE candles, dataset_days, data_quality_logs")
    second, first = take(first=SECOND), take(last=FIRST)
    assert [first.days[0], second.days[0]] == list(whole.days)


def test_a_run_narrowed_to_one_symbol_leaves_the_others_of_the_day(brain, market, take) -> None:
    before = take(symbols=(BTC, ETH))
    take(SpoiledMarket(market, candles=FAULTS["validity"][0]), symbols=(BTC,))
    days = QualityRepository(brain).days(market.venue, "candles", [ETH], FIRST, SECOND)
    assert days == [day for day in before.days if day.symbol == ETH]
    assert good_days(brain, market.venue, "candles", [BTC, ETH], FIRST, SECOND) == [FIRST]


def test_a_late_backfill_is_invisible_to_a_pin_before_it(brain, market, take, settings) -> None:
    clock = market.clock()
    now = ManualClock(clock.wire_ms(), clock.market_ms())
    def lower(candles: Candles) -> Candles:
        return changed(candles, "close", AT, float(candles.low[AT]))

    revised = SpoiledMarket(market, candles=lower, hourly=lambda h: pick(h, []), clock=now)
    original = take()
    stored = CandleRepository(brain).read(market.venue, [BTC], *window())[BTC]
    pin = Pin(recorded_before=_recorded_by(brain))
    now.advance(60_000, market_ms=0)
    assert take(revised).revised == 1
    assert CandleRepository(brain).read(market.venue, [BTC], *window())[BTC].close[AT] == stored.low[AT]
    pinned = CandleRepository(brain).read(market.venue, [BTC], *window(), pin)[BTC]
    assert (pinned.close == stored.close).all()
    assert take(clock_moved(market, now)).content_hash == original.content_hash


def clock_moved(market: MarketData, now: ManualClock) -> SpoiledMarket:
    now.advance(60_000, market_ms=0)
    return SpoiledMarket(market, clock=now)


def window() -> tuple[int, int]:
    return day_start_ms(FIRST), day_start_ms(SECOND) + DAY_MS


def _recorded_by(brain: Brain):
    with brain.connect() as connection:
        return connection.execute("SELECT max(recorded_at) FROM candles").fetchone()[0]


def test_first_versions_are_known_when_they_would_have_arrived(brain, market, take, settings) -> None:
    take()
    with brain.connect() as connection:
        delays = connection.execute("SELECT DISTINCT extract(epoch FROM known_at - ts) FROM candles").fetchall()
    assert [float(row[0]) for row in delays] == [60 + settings.quality.arrival_delay_ms / 1000]


def test_rows_of_a_slow_source_are_known_after_its_measured_delay_and_stored_ones_stay(brain, market, take, settings) -> None:
    take(last=FIRST)
    measured, delays = np.full(settings.quality.arrival.fewest, 30_000), ArrivalDelays(brain, settings.quality.arrival)
    delays.add(market.venue, "funding", measured, market.clock().wire_ms())
    delays.add(market.venue, "candles", measured[1:], market.clock().wire_ms())
    take(last=FIRST)
    assert known_after(brain, market) == [2_000], "one measurement short"
    delays.add(market.venue, "candles", measured[:1], market.clock().wire_ms())
    again = take()
    first, second = known_after(brain, market)
    assert (again.inserted, again.revised, first, second) == (1440, 0, 2_000, pytest.approx(30_000, rel=0.05))


def test_the_newest_rows_of_a_slow_source_are_known_once_they_are_there(brain, market, take, settings) -> None:
    now = ManualClock(market.clock().wire_ms(), day_start_ms(SECOND) + 10 * MINUTE_MS)
    measured = np.full(settings.quality.arrival.fewest, 5 * MINUTE_MS)
    ArrivalDelays(brain, settings.quality.arrival).add(market.venue, "candles", measured, now.wire_ms())
    take(SpoiledMarket(market, clock=now), first=SECOND)
    bars = CandleRepository(brain).read_versions(market.venue, [BTC], *window())[BTC]
    known = (np.sort(bars.known_ms) - day_start_ms(SECOND)) / MINUTE_MS
    assert len(known) == 10
    assert known[:4].tolist() == pytest.approx([6, 7, 8, 9], abs=0.3)
    # Nothing that is there now is known later than now, but for the documented delay of the very last.
    assert known[4:].tolist() == pytest.approx([10] * 5 + [10 + 2 / 60], abs=0.02)


def known_after(brain: Brain, market: MarketData) -> list[int]:
    """Delays that stored bars are known after, ms from their close."""
    bars = CandleRepository(brain).read_versions(market.venue, [BTC], *window())[BTC]
    return sorted(set((bars.known_ms - bars.ts_ms - MINUTE_MS).tolist()))


def test_a_running_day_is_open_and_not_read_yet(brain, market, take) -> None:
    noon = day_start_ms(SECOND) + DAY_MS // 2
    clock = ManualClock(market.clock().wire_ms(), noon)
    cut = SpoiledMarket(market, candles=lambda c: pick(c, c.ts_ms < noon), hourly=lambda h: pick(h, h.ts_ms < noon), clock=clock)
    report = take(cut)
    assert [(d.state, d.rows, d.expected) for d in report.days] == [(DayState.GOOD, 1440, 1440), (DayState.OPEN, 720, 720)]
    assert all(check.passed for check in report.checks)
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST]


def test_what_happens_while_the_answers_come_is_left_to_the_next_run(brain, market, settings) -> None:
    begun = ManualClock(market.clock().wire_ms(), day_start_ms(SECOND) + DAY_MS // 2 + 30_000)  # the venue itself is hours ahead
    source = SpoiledMarket(market, clock=begun)
    for ingested, rows in ((ingest_candles, 720), (ingest_funding, 2), (ingest_open_interest, 145)):
        report = ingested(brain, source, (BTC,), SECOND, SECOND, settings)
        assert [(d.state, d.rows) for d in report.days] == [(DayState.OPEN, rows)]
        assert all(check.passed for check in report.checks), [c.message for c in report.checks]


def test_days_before_the_listing_are_left_out(take) -> None:
    report = take(first=FIRST - timedelta(days=3))
    assert [day.day for day in report.days] == [FIRST, SECOND]


def test_an_explained_gap_makes_a_day_with_a_hole_good(brain, market, take) -> None:
    holed = SpoiledMarket(market, candles=FAULTS["completeness"][0])
    assert take(holed).days[1].state is DayState.DEGRADED
    start = day_start_ms(FIRST) + AT * MINUTE_MS
    gap = ExplainedGap(BTC, start, start + 60 * MINUTE_MS, "venue maintenance")
    QualityRepository(brain).explain_gap(market.venue, "candles", gap, market.clock().wire_ms())
    assert (take(holed).days[1].state, take(holed).days[1].expected) == (DayState.GOOD, 1380)


class _Refusing(SpoiledMarket):
    """A venue that does not answer for one symbol the first `times`."""

    def __init__(self, real: MarketData, symbol: str, times: int) -> None:
        super().__init__(real)
        self.symbol, self.left, self.asked = symbol, times, []

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        self.asked.append(symbol)
        if symbol == self.symbol and self.left:
            self.left -= 1
            raise TransientError("klines: expected an answer, got none")
        return super().candles(symbol, start_ms, end_ms)


def test_a_symbol_that_failed_is_tried_again_at_the_end_and_the_others_go_on(market, take) -> None:
    source = _Refusing(market, BTC, 1)
    report = take(source, symbols=(BTC, ETH))
    assert source.asked == [BTC, ETH, BTC]
    assert (report.unfetched, {day.state for day in report.days}) == ({}, {DayState.GOOD})


def test_a_symbol_that_cannot_be_had_is_degraded_and_the_report_says_so(brain, market, take) -> None:
    report = take(_Refusing(market, BTC, 2), symbols=(BTC, ETH))
    assert {day.symbol for day in report.days} == {ETH}
    with pytest.raises(TransientError, match=f"candles {BTC}: klines: expected an answer"):
        report.raise_if_bad()
    states = [day.state for day in QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND)]
    assert states == [DayState.DEGRADED, DayState.DEGRADED]
    assert any("try again: huracan data backfill --dataset candles" in sentence for sentence in data_summary(brain).to_do)
    take(symbols=(BTC,))
    assert data_summary(brain).lines == []


def test_a_symbol_given_up_for_some_of_its_days_is_reported_though_the_rest_came(market, take, monkeypatch) -> None:
    monkeypatch.setattr(ingest_run, "DAYS_AT_A_TIME", 1)

    class FirstDayLost(SpoiledMarket):
        asked = 0

        def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
            self.asked += 1
            if self.asked <= 2 or start_ms == day_start_ms(FIRST):
                raise TransientError("klines: expected an answer, got none")
            return super().candles(symbol, start_ms, end_ms)

    report = take(FirstDayLost(market))
    assert ([day.day for day in report.days], list(report.unfetched)) == ([SECOND], [BTC])
    with pytest.raises(TransientError, match="expected an answer"):
        report.raise_if_bad()


def test_a_day_that_is_good_stays_good_when_a_later_fetch_fails(brain, market, take) -> None:
    take()
    with pytest.raises(TransientError):
        take(_Refusing(market, BTC, 9))
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST, SECOND]


def test_rows_that_are_no_klines_are_quarantined_as_they_came(brain, market, take) -> None:
    def garbled(candles: Candles) -> Candles:
        raise MalformedRowsError("1m klines: expected rows, got 'oops'", [["oops", 1]])

    report = take(SpoiledMarket(market, candles=garbled))
    assert {day.state for day in report.days} == {DayState.QUARANTINED}
    (entry,) = Quarantine(brain).entries()
    rows = pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id))).to_pylist()
    assert rows == [{"row": '["oops", 1]'}]


def test_an_unknown_symbol_stops_before_anything_is_written(brain, take) -> None:
    with pytest.raises(PermanentError, match=r"expected a linear perpetual of sim2-s8 .* got 'DOGE/USDT:USDT'"):
        take(symbols=("DOGE/USDT:USDT",))


def test_the_last_day_comes_not_before_the_first(take) -> None:
    with pytest.raises(PermanentError, match="expected the last not before the first"):
        take(first=SECOND, last=FIRST)


def test_every_result_is_in_the_log(brain, market, take) -> None:
    take(SpoiledMarket(market, candles=FAULTS["consistency"][0]))
    with brain.connect() as connection:
        rows = connection.execute(
            'SELECT issue_type, severity, resolved FROM data_quality_logs WHERE symbol = %s AND "timestamp" IS NOT NULL', (BTC,)
        ).fetchall()
    names = {"contract", "completeness", "uniqueness", "validity", "freshness", "plausibility", "consistency"}
    assert {name for name, severity, resolved in rows if severity == "ok" and resolved} >= names - {"plausibility"}
    assert ("consistency", "error", False) in rows


def test_funding_goes_the_same_way(brain, market, settings) -> None:
    once = ingest_funding(brain, market, (BTC, ETH), FIRST, SECOND, settings)
    assert all(check.passed for check in once.checks), [c.message for c in once.checks]
    twice = ingest_funding(brain, market, (BTC, ETH), FIRST, SECOND, settings)
    assert (twice.inserted, twice.revised, twice.content_hash) == (0, 0, once.content_hash)
    assert good_days(brain, market.venue, "funding", [BTC, ETH], FIRST, SECOND) == [FIRST, SECOND]
    stored = FundingRepository(brain).read(market.venue, [BTC], *window())[BTC]
    assert set(np.diff(stored.ts_ms) / 3_600_000) == {8.0}


def test_progress_reaches_all_symbol_days(brain, market, settings) -> None:
    seen: list[tuple[int, int]] = []
    ingest_candles(brain, market, (BTC, ETH), FIRST, SECOND, settings, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 4), (4, 4)]
