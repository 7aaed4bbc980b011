"""Trades and books of OKX, over a real socket in the words of its documentation; none of its frames of these was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.recording import Recording
from huracan_platform.data.market_data.microstructure.recorder import SecondsRecorder
from huracan_platform.errors import TransientError
from huracan_platform.settings import MicrostructureSettings, Settings
from huracan_platform.simulator.market.synthetic import generate_market
from huracan_platform.venues.client import build_client
from huracan_platform.venues.listed import Contract, listed_contracts
from huracan_platform.venues.microstructure import Dataset
from huracan_platform.venues.microstructure import okx as wire
from huracan_platform.venues.microstructure.feed import listen
from huracan_platform.venues.sockets import close_client
from tests.fakes.okx_server import okx_server
from tests.fakes.okx_streams import NAME, OkxStreams, frame

BTC = "BTC/USDT:USDT"
T0 = 1_791_565_600_000
RULE = MicrostructureSettings(flush_s=0.05, settle_ms=0, lag_ms=300)
CONTRACTS = {NAME: Contract(BTC, 0.01)}


def trade(at: int, number: int, contracts: str, side: str, count: int = 1) -> dict[str, Any]:
    return frame("trades", {
        "instId": NAME, "tradeId": str(number), "px": "50000", "sz": contracts, "side": side, "ts": str(T0 + at),
        "count": str(count), "source": "0", "seqId": 7,
    })


def book(at: int, number: int, previous: int, bids: dict[str, str], asks: dict[str, str]) -> dict[str, Any]:
    rows = {"bids": [[p, n, "0", "1"] for p, n in bids.items()], "asks": [[p, n, "0", "1"] for p, n in asks.items()]}
    told = {**rows, "ts": str(T0 + at), "checksum": 0, "seqId": number, "prevSeqId": previous}
    return frame("books", told, action="snapshot" if previous == -1 else "update")


def best(at: int, number: int, bid: tuple[str, str], ask: tuple[str, str]) -> dict[str, Any]:
    return frame("bbo-tbt", {"bids": [[*bid, "0", "2"]], "asks": [[*ask, "0", "3"]], "ts": str(T0 + at), "seqId": number})


async def recorded(
    brain: Brain, dataset: Dataset, server: OkxStreams, done: Callable[[list[Recording]], bool]
) -> list[Recording]:
    """The ledger once it is as it should be, after the recorder was stopped."""
    streams = wire.OkxStreams(server.client, CONTRACTS)
    recorder = SecondsRecorder(
        brain, "okx", dataset, (BTC,), streams, partial(listen, streams, dataset, 5), SystemClock(), RULE, arrived_ms=lambda: 0
    )

    def ledger() -> list[Recording]:
        return RecordingLedger(brain).between(dataset, 0, 2 * T0, source="okx", symbol=BTC)

    task = asyncio.create_task(recorder.run())
    for _ in range(400):
        await asyncio.sleep(0.05)
        if task.done() or done(await asyncio.to_thread(ledger)):
            break
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    return ledger()


def spans(runs: list[Recording]) -> list[tuple[int, int]]:
    return [(run.began_ms - T0, run.until_ms - T0) for run in runs]


async def test_trades_are_base_by_the_taker_s_side_and_numbers_between_two_of_them_are_a_gap(brain) -> None:
    script = [
        trade(100, 100, "2", "buy"), trade(1_500, 103, "8.55", "sell", count=3), trade(1_500, 103, "8.55", "sell", count=3),
        trade(1_900, 104, "1", "buy"), trade(2_200, 105, "1", "buy"), trade(3_300, 108, "4", "buy", count=1),
        trade(5_200, 110, "3", "sell", count=2), trade(7_000, 111, "1", "buy"),
    ]
    async with OkxStreams(script) as server:
        ledger = await recorded(brain, "trades", server, lambda runs: spans(runs)[-1:] == [(4_000, 7_000)])
    assert server.heard[0] == {"op": "subscribe", "args": [
        {"channel": "trades", "instId": NAME}, {"channel": "mark-price", "instId": NAME}
    ]}
    # What was traded after the last trade nobody knows: its pulses go on, but only the next trade's number would tell.
    assert spans(ledger) == [(1_000, 2_000), (4_000, 7_000)]
    assert [run.ended for run in ledger] == [
        f"trades {BTC}: expected the trade numbered 106, got 108 after 105", "the recorder was stopped"
    ]
    rows = TradeSecondRepository(brain).read("okx", [BTC], 0, 2 * T0)[BTC]
    assert (rows.ts_ms - T0).tolist() == [1_000, 4_000, 5_000, 6_000]
    assert rows.buy_base.tolist() == pytest.approx([0.01, 0, 0, 0])
    assert rows.sell_base.tolist() == pytest.approx([0.0855, 0, 0.03, 0])
    assert rows.sell_usd.tolist() == pytest.approx([4_275.0, 0, 1_500.0, 0])
    assert rows.trades.tolist() == [2, 0, 1, 0]


async def test_a_book_follows_the_numbers_it_is_told_through_a_reset_until_one_is_missing(brain) -> None:
    bids, asks = {str(50_000 - i): str(10 + i) for i in range(12)}, {str(50_001 + i): str(20 + i) for i in range(12)}
    first = [
        book(100, 10, -1, bids, asks), best(120, 10, ("50000", "10"), ("50001", "20")),
        best(1_490, 15, ("50000", "14"), ("50001", "20")), book(1_500, 15, 10, {"50000": "14"}, {}),
        book(2_300, 15, 15, {}, {}),  # nothing has changed for a minute
        book(2_600, 12, 15, {"49995": "0"}, {}),  # numbers begin anew after maintenance
        best(3_090, 20, ("50000", "14"), ("50001", "5")), book(3_100, 20, 12, {}, {"50001": "5"}),
        best(5_100, 30, ("50000", "14"), ("50001", "5")), book(5_200, 30, 25, {"50000": "14"}, {}),
    ]
    second = [
        book(8_100, 40, -1, bids, asks), best(8_110, 40, ("50000", "10"), ("50001", "20")),
        best(10_200, 41, ("50000", "11"), ("50001", "20")), book(10_300, 41, 40, {"50000": "11"}, {}),
    ]
    async with OkxStreams(first, second) as server:
        ledger = await recorded(brain, "book", server, lambda runs: spans(runs)[-1:] == [(9_000, 11_000)])
    begun, left, joined = server.heard  # the other streams of the connection go on
    assert [argument["channel"] for argument in begun["args"]] == ["books", "bbo-tbt", "mark-price"]
    assert [(asked["op"], asked["args"]) for asked in (left, joined)] == [
        (op, [{"channel": "books", "instId": NAME}]) for op in ("unsubscribe", "subscribe")
    ]
    assert spans(ledger) == [(1_000, 3_000), (9_000, 11_000)]  # whole up to the last difference that was heard
    assert ledger[0].ended == f"book {BTC}: expected the difference after 20, got the one after 25"
    rows = BookSecondRepository(brain).read("okx", [BTC], 0, 2 * T0)[BTC]
    assert (rows.ts_ms - T0).tolist() == [1_000, 2_000, 9_000, 10_000]
    assert rows.bid_base.tolist() == pytest.approx([0.14, 0.14, 0.10, 0.11])
    assert rows.ofi_base.tolist() == pytest.approx([0.04, 0, 0, 0.01])
    ten = [sum((50_000 - i) * (10 + i) / 100 for i in range(10)) + 4 / 100 * 50_000 * grown for grown in (1, 0)]
    without = ten[0] - 49_995 * 0.15 + 49_990 * 0.20
    assert rows.bid_usd_10_levels.tolist() == pytest.approx([ten[0], without, ten[1], ten[1] + 500])
    assert (rows.reach_bps == 10_000).all()  # fewer than 400 levels: that is all there are
    assert Quarantine(brain).entries(every=True) == []


async def test_what_is_refused_is_a_lost_stream_that_says_why_and_what_cannot_be_read_is_told() -> None:
    async with OkxStreams([
        trade(100, 1, "1", "bought"), {"event": "error", "code": "60018", "msg": "Wrong URL or channel"},
    ]) as server:
        frames = listen(wire.OkxStreams(server.client, CONTRACTS), "trades", 5)
        told = [await anext(frames) for _ in range(3)]
        with pytest.raises(TransientError, match="expected to hear BTC-USDT-SWAP, got Wrong URL or channel"):
            await anext(frames)
    refusal = "expected a frame of books, bbo-tbt, trades, mark-price, got KeyError('bought')"
    assert [one.refused for one in told] == [None, None, refusal]


async def test_what_one_contract_is_comes_from_the_venue() -> None:
    with okx_server(generate_market((BTC,), 9, 1)) as server:
        client = build_client(Settings(venue={"url": server.url, "ccxt_id": "okx", "rate_limit": False}), "market", "pro")
        try:
            found = await listed_contracts(client, (BTC, "NOPE/USDT:USDT"), "trades and books")
            assert wire.OkxStreams(client, found).url("book") == server.url.replace("http", "ws", 1) + "/ws/v5/public"
        finally:
            await close_client(client)
    assert found == CONTRACTS
