"""Three venues recorded at once: each over its own connection, in its own words, under its own name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
import requests

from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import SystemClock
from huracan_platform.data.market_data.liquidations import venues
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.alternatives import alternative_settings
from huracan_platform.venues.liquidation_feed import LiquidationStream, liquidation_stream, listen
from huracan_platform.venues.liquidation_wires import liquidation_wire
from huracan_platform.venues.listed import Contract
from tests.fakes.liquidation_server import OkxStream
from tests.recorded import recording
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"
EVER = 4_000_000_000_000
OKX = liquidation_wire("okx")


@pytest.fixture(scope="module")
def binance() -> Iterator[str]:
    with running_venue(days=9, symbols=BTC) as url:
        yield url


@pytest.fixture(scope="module")
def bybit() -> Iterator[str]:
    with running_venue(days=9, symbols=BTC, protocol="bybit") as url:
        yield url


def settings_of(binance: str, *others: tuple[str, str, str]) -> Settings:
    alternatives = [{"name": name, "ccxt_id": ccxt_id, "url": url} for name, ccxt_id, url in others]
    return Settings(venue={"url": binance, "rate_limit": False, "alternatives": alternatives}, symbols=(BTC,))


def speed(url: str, market_seconds: float) -> None:
    requests.post(f"{url}/control/clock", json={"speed": market_seconds}, timeout=5).raise_for_status()


async def until(done, task: asyncio.Task[None]) -> None:
    """Wait for the condition, then stop what records as a signal would."""
    for _ in range(900):
        await asyncio.sleep(0.05)
        if task.done() or await asyncio.to_thread(done):
            break
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    assert await asyncio.to_thread(done)


def names_of(url: str) -> str:
    return str(requests.get(f"{url}/control/identity", timeout=5).json()["venue"])


@pytest.mark.slow
async def test_each_venue_is_recorded_under_its_name_and_one_that_fails_leaves_the_others_alone(brain, binance, bybit) -> None:
    settings = settings_of(binance, ("bybit", "bybit", bybit), ("gone", "bybit", "http://127.0.0.1:1"))
    first, second = names_of(binance), names_of(bybit)
    told, store = [], LiquidationRepository(brain)
    record = venues.record_venues(
        brain, {"binanceusdm": settings, **alternative_settings(settings)}, SystemClock(), told.append
    )
    task = asyncio.create_task(record)
    for url in (binance, bybit):
        await asyncio.to_thread(speed, url, 600)

    def both() -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
        """What each of the two told of the time in which both were recorded."""
        found = RecordingLedger(brain).between("liquidations", 0, EVER)
        span = max((r.began_ms for r in found), default=0), min((r.until_ms for r in found), default=0)
        one, other = ({(r.ts_ms, r.side) for r in store.read(name, BTC, *span)} for name in (first, second))
        return one, other

    def heard() -> bool:
        sources = {r.source for r in RecordingLedger(brain).between("liquidations", 0, EVER)}
        return sources == {first, second} and len(both()[0]) >= 3

    await until(heard, task)
    for url in (binance, bybit):
        speed(url, 0)
    assert sorted(told) == sorted([first, second])
    assert {r.source for r in RecordingLedger(brain).between("liquidations", 0, EVER)} == {first, second}
    assert {(s.source, s.state) for s in RecorderBeats(brain).all()} == {(first, "stopped"), (second, "stopped")}
    # The same market at both: Bybit tells every liquidation, Binance at most one a second and symbol.
    some, every = both()
    assert some
    assert some <= every
    assert {d["source"] for d in ArrivalDelays(brain).table()} == {first, second}


async def test_okx_is_asked_in_its_words_and_its_sizes_are_contracts(brain) -> None:
    frames = [
        json.loads(line)["raw"] for line in recording("payloads/liquidation_frames_2026_10.jsonl").read_text().splitlines()
        if json.loads(line)["venue"] == "okx_swap"
    ]
    start = 1_791_565_600_000
    async with OkxStream(frames, start) as server:
        stream = LiquidationStream(server.url, OKX, {"BTC-USDT-SWAP": Contract(BTC, 0.01)})
        recorder = LiquidationRecorder(
            brain, "okx", lambda: listen(stream, "okx", 5), SystemClock(), Settings().liquidations
        )
        task = asyncio.create_task(recorder.run())
        await until(lambda: recorder.recorded >= 1 and RecordingLedger(brain).latest("okx", "liquidations") is not None, task)
    (row,) = LiquidationRepository(brain).read("okx", BTC, 0, EVER)  # the other frame is of a contract not asked for
    assert (row.side, row.price, row.ts_ms) == ("long", 82655.7, 1_791_565_600_771)
    assert row.size_usd == pytest.approx(0.0855 * 82655.7)
    assert server.heard[0] == {"op": "subscribe", "args": [
        {"channel": "liquidation-orders", "instType": "SWAP"}, {"channel": "mark-price", "instId": "BTC-USDT-SWAP"}
    ]}
    latest = RecordingLedger(brain).latest("okx", "liquidations")
    assert latest is not None
    assert latest[1].began_ms == start


async def test_a_stream_that_is_refused_is_lost_and_says_why() -> None:
    async with OkxStream([{"event": "error", "code": "60018", "msg": "Wrong URL or channel"}], 0) as server:
        stream = LiquidationStream(server.url, OKX, {"BTC-USDT-SWAP": Contract(BTC)})
        with pytest.raises(TransientError, match="expected to hear BTC-USDT-SWAP, got Wrong URL or channel"):
            async for _ in listen(stream, "okx", 5):
                pass


@pytest.mark.parametrize(("ccxt_id", "contract", "size"), [("binanceusdm", "BTCUSDT", 1.0), ("bybit", "BTCUSDT", 1.0)])
async def test_a_stream_knows_what_one_contract_is(binance, bybit, ccxt_id, contract, size) -> None:
    url = binance if ccxt_id == "binanceusdm" else bybit
    settings = Settings(venue={"url": url, "rate_limit": False, "ccxt_id": ccxt_id})
    stream = await liquidation_stream(settings, [BTC, "DOGE/USDT:USDT"])
    assert stream.contracts == {contract: Contract(BTC, size)}
    assert stream.url.startswith("ws://127.0.0.1:")
    with pytest.raises(PermanentError, match="expected a venue that lists one of DOGE/USDT:USDT, got"):
        await liquidation_stream(settings, ["DOGE/USDT:USDT"])


def test_a_bybit_ticker_says_nothing_of_the_half_second_that_is_still_bundled() -> None:
    wire = liquidation_wire("bybit")
    assert wire.whole_ms({"topic": "tickers.BTCUSDT", "ts": 10_000, "data": {}}) == 9_500
    assert wire.whole_ms({"topic": "allLiquidation.BTCUSDT", "ts": 10_000, "data": []}) == 10_000
    assert wire.whole_ms({"success": True, "op": "subscribe"}) is None


async def test_venues_that_can_never_be_recorded_end_the_recorder(brain, binance) -> None:
    settings = settings_of(binance).model_copy(update={"symbols": ("DOGE/USDT:USDT",)})
    with pytest.raises(PermanentError, match="expected a venue that lists one of DOGE"):
        await venues.record_venues(brain, {"binanceusdm": settings}, SystemClock())
