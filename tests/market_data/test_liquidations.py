"""Liquidations from a real stream to labelled days: a real venue over TCP, a real library, gaps made on purpose."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from aiohttp import web

from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository, LiquidationRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock, day_start_ms, to_datetime
from huracan_platform.contracts.liquidation import Liquidation, LiquidationType
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.quality import DayState, Refetched
from huracan_platform.contracts.recording import Recording, coverage, gaps
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_liquidations
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.data.market_data.summary import data_summary
from huracan_platform.errors import TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.liquidation_feed import Heard, LiquidationStream, liquidation_stream, listen
from huracan_platform.venues.liquidation_wires import liquidation_wire
from huracan_platform.venues.listed import Contract
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"
RULE = Settings().liquidations
BINANCE = liquidation_wire("binanceusdm")
LAST = date(2025, 1, 9)


@pytest.fixture(scope="module")
def lively() -> Iterator[str]:
    """A venue whose market moves."""
    with running_venue(days=9, symbols=BTC) as url:
        yield url


def recorder_of(brain, connect: Callable[[], AsyncIterator[Heard]], exchange: str = "sim") -> LiquidationRecorder:
    return LiquidationRecorder(brain, exchange, connect, SystemClock(), RULE)


async def run_until(recorder: LiquidationRecorder, done: Callable[[], bool]) -> None:
    """Record until the condition holds, then stop as a signal would."""
    task = asyncio.create_task(recorder.run())
    for _ in range(600):
        await asyncio.sleep(0.05)
        if done():
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert done()


def ledger(brain, exchange: str = "sim") -> list[Recording]:
    return RecordingLedger(brain).between("liquidations", 0, 4_000_000_000_000, source=exchange)


@pytest.mark.slow
async def test_what_the_stream_tells_is_written_with_the_position_s_side_and_a_lost_connection_is_a_gap(brain, lively) -> None:
    settings = Settings(venue={"url": lively, "rate_limit": False}, symbols=(BTC,))
    market = MarketData(settings)
    stream = await liquidation_stream(settings, [BTC])
    since = market.clock().market_ms()
    requests.post(f"{lively}/control/clock", json={"speed": 600}, timeout=5).raise_for_status()
    lost = []

    async def connect() -> AsyncIterator[Heard]:
        async with aclosing(listen(stream, market.venue, RULE.stale_s)) as frames:
            async for heard in frames:
                yield heard
                if heard.liquidations and not lost:
                    lost.append(heard.event_ms)
                    raise TransientError("the connection broke")

    recorder = recorder_of(brain, connect, market.venue)
    await run_until(recorder, lambda: recorder.recorded >= 4)
    requests.post(f"{lively}/control/clock", json={"speed": 0}, timeout=5).raise_for_status()
    now = market.clock().market_ms()
    rows = LiquidationRepository(brain).read(market.venue, BTC, since, now)
    assert len(rows) == recorder.recorded
    # The minute of the last one closes first: only closed bars are served to the platform.
    requests.post(f"{lively}/control/clock", json={"market_ms": now + MINUTE_MS}, timeout=5).raise_for_status()
    bars = market.candles(BTC, since - 5 * MINUTE_MS, now + MINUTE_MS)
    for row in rows:
        (at,) = np.flatnonzero(bars.ts_ms == row.ts_ms // MINUTE_MS * MINUTE_MS)
        assert bars.low[at] <= row.price <= bars.high[at]
        assert (row.version, row.kind) == (1, LiquidationType.SINGLE)
        assert row.known_ms >= row.ts_ms
    first, second = ledger(brain, market.venue)
    assert (first.until_ms, first.ended, second.ended) == (lost[0], "the connection broke", "the recorder was stopped")
    assert gaps([first, second], first.began_ms, second.until_ms) == [(first.until_ms, second.began_ms)]
    assert since <= first.began_ms < first.until_ms < second.began_ms < second.until_ms <= now


async def test_a_silent_stream_counts_as_lost(brain) -> None:
    async with told(['{"stream": "x", "data": {"e": "markPriceUpdate", "E": 5000}}'], silent=True) as url:
        with pytest.raises(TransientError, match=r"expected a frame within 0\.2 s, got none"):
            async for _ in listen(LiquidationStream(url, BINANCE, {}), "sim", 0.2):
                pass


async def test_a_venue_that_is_not_there_is_named_with_its_address_and_the_setting_that_gives_it() -> None:
    settings = Settings(venue={"url": "http://127.0.0.1:9"})
    stream = LiquidationStream("ws://127.0.0.1:9/stream", BINANCE, {}, settings.venue.place)
    with pytest.raises(TransientError) as caught:
        async for _ in listen(stream, "sim", 0.2):
            pass
    assert str(caught.value) == (
        "liquidations sim: expected a connection to binanceusdm at http://127.0.0.1:9 (HURACAN_VENUE__URL), "
        "got Connect call failed (ClientConnectorError)"
    )


class told:  # noqa: N801
    """A WebSocket server that tells some frames to whoever connects, then hangs up or is silent."""

    def __init__(self, frames: list[str], *, silent: bool = False) -> None:
        self._frames, self._silent = frames, silent

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/market/stream", self._tell)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"ws://127.0.0.1:{self._runner.addresses[0][1]}/market/stream"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _tell(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in self._frames:
            await socket.send_str(frame)
        if self._silent:
            await asyncio.sleep(5)
        return socket


ORDER = '{"s": "BTCUSDT", "S": "%s", "q": "1", "p": "100", "ap": "100", "z": "1", "T": 1735689605000}'
FRAME = '{"stream": "btcusdt@forceOrder", "data": {"e": "forceOrder", "E": 1735689606000, "o": %s}}'
PULSE = '{"stream": "btcusdt@markPrice@1s", "data": {"e": "markPriceUpdate", "E": 1735689610000}}'


async def test_frames_that_are_none_are_quarantined_and_named_and_a_repeated_one_is_written_once(brain) -> None:
    good, bad = FRAME % (ORDER % "SELL"), FRAME % (ORDER % "LONG")
    async with told([PULSE.replace("10000", "00000"), good, good, bad, "oops", PULSE]) as url:
        recorder = recorder_of(brain, lambda: listen(LiquidationStream(url, BINANCE, {"BTCUSDT": Contract(BTC)}), "sim", 5))
        await run_until(recorder, lambda: len(ledger(brain)) >= 2)
    (row,) = LiquidationRepository(brain).read("sim", BTC, 0, 4_000_000_000_000)
    assert (row.side, row.size_usd, row.ts_ms, row.known_ms) == ("long", 100.0, 1_735_689_605_000, 1_735_689_606_000)
    entries = {e.reason: e for e in Quarantine(brain).entries()}
    assert len(entries) == 2
    assert {(e.dataset, e.day, e.source) for e in entries.values()} == {("liquidations", FIRST, "stream")}
    reason = next(r for r in entries if "expected a liquidation of binance_usdm, got KeyError('LONG')" in r)
    kept = pq.read_table(io.BytesIO(Quarantine(brain).rows(entries[reason].batch_id))).to_pylist()
    assert '\\"S\\": \\"LONG\\"' in kept[0]["row"]
    assert (ledger(brain)[0].began_ms, ledger(brain)[0].until_ms) == (1_735_689_600_000, 1_735_689_610_000)
    assert "expected frames, got close" in (ledger(brain)[0].ended or "")


def test_a_day_has_a_partition_of_its_own(brain) -> None:
    store = LiquidationRepository(brain)
    told_at = [day_start_ms(FIRST) + 5, day_start_ms(FIRST) + DAY_MS - 1, day_start_ms(SECOND)]
    rows = [Liquidation("sim", BTC, ts, "long", 10.0, 1.0, ts) for ts in told_at]
    assert (store.save(rows, 10**12), store.save(rows, 10**12)) == (3, 0)
    with brain.connect() as connection:
        counts = {
            day: connection.execute(f"SELECT count(*) FROM liquidations_{day}").fetchone()[0] for day in ("20250101", "20250102")
        }
        indexes = {
            name for (name,) in connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'liquidations_20250101'")
        }
    assert counts == {"20250101": 2, "20250102": 1}
    assert sum("symbol" in i for i in indexes) == sum("exchange" in i for i in indexes) == 1


def test_coverage_counts_overlaps_once_and_gaps_are_what_is_left() -> None:
    found = [Recording("a", b, u, None, 0) for b, u in ((0, 60), (30, 90), (150, 300))]
    assert coverage(found, np.array([0, 100, 200]), 100).tolist() == [0.9, 0.5, 1.0]
    assert gaps(found, 0, 400) == [(90, 150), (300, 400)]
    assert gaps([], 5, 9) == [(5, 9)]


@pytest.fixture
def planted(brain, market: MarketData, settings: Settings):
    """Two days: a small liquidation every half hour; on the second a cascade at 06:00 and nobody there from 12:00 to 13:00."""
    start, end = day_start_ms(FIRST), day_start_ms(SECOND) + DAY_MS
    ingest_candles(brain, market, (BTC,), FIRST, SECOND, settings)
    small = [
        Liquidation(market.venue, BTC, ts, side, 95_000.0, 0.01, ts + 500)
        for ts, side in zip(range(start + MINUTE_MS, end, 30 * MINUTE_MS), ["long", "short"] * 96, strict=False)
        if not start + DAY_MS + 12 * HOUR_MS <= ts < start + DAY_MS + 13 * HOUR_MS
    ]
    big = [
        Liquidation(market.venue, BTC, at(6, 0) + ms, "long", 95_000.0, 2_000.0, at(6, 0) + ms + 500)
        for ms in (10_000, 50_000, 70_000, 100_000)
    ]
    LiquidationRepository(brain).save([*small, *big], 1_800_000_000_000)
    for began, until in ((start, at(12, 0)), (at(13, 0), end)):
        RecordingLedger(brain).extend(
            RecordingLedger(brain).begin(market.venue, "liquidations", began, 1), until, 1, ended="stopped"
        )
    return lambda: ingest_liquidations(brain, market, (BTC,), FIRST, SECOND, settings)


def at(hour: int, minute: int) -> int:
    return day_start_ms(SECOND) + hour * HOUR_MS + minute * MINUTE_MS


def test_a_day_with_a_gap_says_so_and_is_not_filled(brain, market, planted) -> None:
    report = planted()
    assert [(d.state, d.rows, d.expected) for d in report.days] == [
        (DayState.GOOD, 1440, 1440), (DayState.DEGRADED, 1380, 1435)
    ]
    check = next(c for c in report.checks if c.name == "completeness")
    assert "expected 1435 windows of 1 min recorded, got 1375, the recorder was away or cut off in 12:00–12:59" in check.message
    rows = LiquidationMinuteRepository(brain).read(market.venue, [BTC], at(0, 0), at(24, 0))[BTC]
    assert not set(rows.ts_ms) & set(range(at(12, 0), at(13, 0), MINUTE_MS))
    quiet = rows.ts_ms == at(3, 7)
    assert (rows.long_count[quiet].tolist(), rows.coverage[quiet].tolist()) == ([0.0], [1.0])  # nothing happened, and it is known
    again = planted()
    assert (again.inserted, again.revised, again.content_hash) == (0, 0, report.content_hash)
    assert report.days[0].content_hash != report.days[1].content_hash


def test_hours_before_a_recorder_s_first_start_are_no_gap_and_are_told_once(brain, market, settings) -> None:
    ingest_candles(brain, market, (BTC,), SECOND, SECOND, settings)
    ledger_of_brain = RecordingLedger(brain)
    for began, until in ((at(10, 6) + 30_000, at(12, 0)), (at(13, 0), at(24, 0))):
        ledger_of_brain.extend(ledger_of_brain.begin(market.venue, "liquidations", began, 1), until, 1, ended="stopped")
    report = ingest_liquidations(brain, market, (BTC,), SECOND, SECOND, settings)
    (day,) = report.days
    due = 24 * 60 - 5 - (10 * 60 + 7)  # the last five are not due yet
    assert (day.state, day.rows, day.expected) == (DayState.DEGRADED, due - 60 + 5 + 1, due)
    check = next(c for c in report.checks if c.name == "completeness")
    assert f"expected {due} windows of 1 min recorded, got {due - 60}, the recorder was away" in check.message
    assert "cut off in 12:00–12:59" in check.message
    told = "not recorded before 10:06 UTC, when its recorder first started"
    assert day.reasons[-1] == f"liquidations {BTC} {SECOND}: {told}"
    noted = [line for line in data_summary(brain).noted if "first started" in line]
    assert noted == [f"liquidations of {market.venue}, {SECOND}: {told}"]


def test_a_first_day_without_a_gap_since_the_recorder_s_first_start_is_well(brain, market, settings) -> None:
    ingest_candles(brain, market, (BTC,), SECOND, SECOND, settings)
    recording = RecordingLedger(brain).begin(market.venue, "liquidations", at(10, 6) + 30_000, 1)
    RecordingLedger(brain).extend(recording, at(24, 0), 1, ended="stopped")
    report = ingest_liquidations(brain, market, (BTC,), SECOND, SECOND, settings)
    assert ([c.message for c in report.checks if not c.passed], report.days[0].state) == ([], DayState.GOOD)
    summary = data_summary(brain)
    assert (summary.to_do, len(summary.noted)) == ((), 1)


def test_a_cascade_s_label_is_known_when_its_condition_was_met_and_not_before(brain, market, planted) -> None:
    planted()
    store = LiquidationRepository(brain)
    met = at(6, 2) + 2_000  # three by the end of 06:01, and the candle's delay
    window = (market.venue, BTC, at(6, 0), at(6, 1) + MINUTE_MS)

    def kinds(as_of: int | None) -> list[tuple[int, str]]:
        pin = Pin(as_of=None if as_of is None else to_datetime(as_of))
        return [(row.version, row.kind.value) for row in store.read(*window, pin) if row.size_usd > 1e6]

    assert kinds(met - 1) == [(1, "single")] * 4
    assert kinds(met) == kinds(None) == [(2, "cascade")] * 4
    others = store.read(market.venue, BTC, day_start_ms(FIRST), at(6, 0)) + store.read(market.venue, BTC, at(6, 5), at(24, 0))
    assert {row.kind for row in others} == {LiquidationType.SINGLE}
    rows = LiquidationMinuteRepository(brain).read(market.venue, [BTC], at(0, 0), at(24, 0))[BTC]
    on = rows.ts_ms[rows.in_cascade > 0]
    assert [int(ts - at(6, 0)) // MINUTE_MS for ts in on] == list(range(1, 6))
    assert rows.long_usd[rows.ts_ms == at(6, 0)].tolist() == [2 * 190_000_000.0]
    planted()
    assert kinds(None) == [(2, "cascade")] * 4


def test_a_minute_that_the_recorder_is_in_the_middle_of_waits(brain, market, settings) -> None:
    ledger_of_brain = RecordingLedger(brain)
    ingest_candles(brain, market, (BTC,), SECOND, SECOND, settings)
    shots = [Liquidation(market.venue, BTC, at(6, 0) + ms, "long", 95_000.0, 2_000.0, at(6, 0) + ms) for ms in (1, 2, 3, 60_010)]
    LiquidationRepository(brain).save(shots, 1)
    running = ledger_of_brain.begin(market.venue, "liquidations", at(0, 0), 1)
    ledger_of_brain.extend(running, at(6, 1) + 30_000, market.clock().wire_ms())
    report = ingest_liquidations(brain, market, (BTC,), SECOND, SECOND, settings)
    rows = LiquidationMinuteRepository(brain).read(market.venue, [BTC], at(0, 0), at(24, 0))[BTC]
    assert (len(rows), rows.ts_ms[-1], rows.long_count[-1]) == (361, at(6, 0), 3)
    # A market that runs fast is ahead of who listens to it: what has not been heard yet is not missing.
    assert [c.message for c in report.checks if not c.passed] == []
    assert [(d.state, d.expected) for d in report.days] == [(DayState.OPEN, 356)]


def test_without_candles_nothing_is_called_a_cascade(brain, market, planted) -> None:
    with brain.connect() as connection:
        connection.execute("TRUNCATE candles")
    planted()
    rows = LiquidationRepository(brain).read(market.venue, BTC, at(6, 0), at(7, 0))
    assert {row.kind for row in rows} == {LiquidationType.SINGLE}


def test_what_another_venue_traded_makes_no_cascade(brain, market, planted) -> None:
    """Bars that were lent tell another venue's volume."""
    window = Refetched(BTC, at(6, 0), at(6, 10), "bybit")
    RefetchedWindows(brain).lend(market.venue, "candles", [window], market.clock().wire_ms())
    planted()
    rows = LiquidationRepository(brain).read(market.venue, BTC, at(6, 0), at(7, 0))
    assert {row.kind for row in rows} == {LiquidationType.SINGLE}


def test_a_label_that_rests_on_a_corrected_candle_is_known_since_the_correction(brain, market, planted) -> None:
    bar, corrected_ms = CandleRepository(brain).read_table(market.venue, [BTC], at(6, 1), at(6, 2)), at(20, 0)
    volume = bar.column("volume").to_numpy() * 1.1
    batch = bar.set_column(bar.column_names.index("volume"), "volume", pa.array(volume))
    batch = batch.append_column("known_at_ms", pa.array([at(6, 2) + 2_000]))
    CandleRepository(brain).upsert(market.venue, batch, market.clock().wire_ms(), revision_known_at_ms=corrected_ms)
    planted()

    def kinds(as_of: int) -> set[str]:
        rows = LiquidationRepository(brain).read(market.venue, BTC, at(6, 0), at(6, 2), Pin(as_of=to_datetime(as_of)))
        return {row.kind.value for row in rows if row.size_usd > 1e6}

    assert (kinds(corrected_ms - 1), kinds(corrected_ms)) == ({"single"}, {"cascade"})


def test_a_minute_s_flag_that_rests_on_a_corrected_candle_is_known_since_the_correction(brain, market, planted) -> None:
    corrected_ms = at(20, 0)
    bar = CandleRepository(brain).read_table(market.venue, [BTC], at(6, 1), at(6, 2))
    batch = bar.set_column(bar.column_names.index("volume"), "volume", pa.array(bar.column("volume").to_numpy() * 1.1))
    batch = batch.append_column("known_at_ms", pa.array([at(6, 2) + 2_000]))
    CandleRepository(brain).upsert(market.venue, batch, market.clock().wire_ms(), revision_known_at_ms=corrected_ms)
    planted()

    def minutes(as_of: int | None) -> dict[int, float]:
        pin = Pin(as_of=None if as_of is None else to_datetime(as_of))
        rows = LiquidationMinuteRepository(brain).read(market.venue, [BTC], at(5, 0), at(7, 0), pin)[BTC]
        return dict(zip(((rows.ts_ms - at(6, 0)) // MINUTE_MS).tolist(), rows.in_cascade.tolist(), strict=True))

    whole, before = minutes(None), minutes(corrected_ms - 1)
    assert [minute for minute, on in whole.items() if on] == list(range(1, 6))
    assert whole.keys() - before.keys() == set(range(1, 6))
    assert set(before.values()) == {0.0}
    assert minutes(corrected_ms) == whole
    assert minutes(at(6, 1) + 2_000)[0] == 0.0  # a minute that needs no volume is known as ever


def test_days_before_the_first_recorder_are_unavailable(brain, market, settings) -> None:
    report = ingest_liquidations(brain, market, (BTC,), FIRST, SECOND, settings)
    assert [d.state for d in report.days] == [DayState.UNAVAILABLE] * 2
    report.raise_if_bad()


def test_a_liquidation_of_an_impossible_side_never_reaches_the_library(brain) -> None:
    row = Liquidation("sim", BTC, day_start_ms(FIRST), "buy", 1.0, 1.0, day_start_ms(FIRST))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="side_check") as caught:
        LiquidationRepository(brain).save([row], 1)
    assert not isinstance(caught.value, psycopg.OperationalError)


@pytest.mark.slow
def test_the_recorder_s_process_ends_its_recording_when_it_is_told_to_stop(brain, lively, settings) -> None:
    environment = {
        **os.environ, "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": settings.database.dsn.get_secret_value(),
        "HURACAN_VENUE__URL": lively, "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_SYMBOLS": BTC,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "huracan_platform.cli.main", "record", "liquidations"], env=environment, stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert f"recording liquidations of {BTC}" in process.stdout.readline()
        requests.post(f"{lively}/control/clock", json={"speed": 60}, timeout=5).raise_for_status()
        exchange = MarketData(Settings(venue={"url": lively, "rate_limit": False})).venue
        asyncio.run(_until(lambda: bool(ledger(brain, exchange)) and ledger(brain, exchange)[0].until_ms > 0))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        requests.post(f"{lively}/control/clock", json={"speed": 0}, timeout=5)
    assert [r.ended for r in ledger(brain, exchange)] == ["the recorder was stopped"]


async def _until(done: Callable[[], bool]) -> None:
    for _ in range(400):
        if done():
            return
        await asyncio.sleep(0.05)
    assert done()
