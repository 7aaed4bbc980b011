"""The recorder of trades and books as a process of its own, against a real venue that misbehaves."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
import requests

from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.recording import KILLED
from tests.market_data.seconds_process import BTC, ETH, Library, covered, recorded_ms, recording, until
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

SPEED = 20


@pytest.fixture
def venue() -> Iterator[str]:
    with running_venue(days=2, symbols=f"{BTC},{ETH}", speed=SPEED) as url:
        yield url


def test_a_killed_recorder_leaves_a_gap_and_goes_on_with_every_second_once(brain, venue: str) -> None:
    library = Library(brain, venue)
    with recording(brain, venue) as first:
        until(lambda: len(library.trades()) > 100 and len(library.book()) > 100)
        first.kill()
        first.wait()
    before = {dataset: library.ledger(dataset)[-1] for dataset in ("trades", "book")}
    with recording(brain, venue):
        until(lambda: all(len(library.ledger(dataset)) > 1 for dataset in before))
        until(lambda: all(recorded_ms(library.ledger(dataset)[-1]) > 200_000 for dataset in before))
    for dataset, rows in (("trades", library.trades()), ("book", library.book())):
        ledger = library.ledger(dataset)
        assert [run.ended for run in ledger] == [KILLED, "the recorder was stopped"]
        assert ledger[0].until_ms >= before[dataset].until_ms
        assert ledger[1].began_ms > ledger[0].until_ms
        assert covered(ledger) <= set(rows.ts_ms.tolist())
        assert (np.diff(rows.ts_ms) > 0).all()
    trades = library.trades()
    bars = library.market.candles(BTC, int(trades.ts_ms[0]), int(trades.ts_ms[-1]))
    compared = 0
    for ts, volume in zip(bars.ts_ms, bars.volume, strict=True):
        minute = trades.at((trades.ts_ms >= ts) & (trades.ts_ms < ts + MINUTE_MS))
        if len(minute) == 60:
            compared += 1
            assert (minute.buy_base + minute.sell_base).sum() == pytest.approx(volume)
    assert compared >= 2
    book = library.book()
    assert (book.bid < book.ask).all()
    assert ArrivalDelays(brain).table()[0]["dataset"] == "book"
    assert Quarantine(brain).entries(every=True) == []


def test_a_book_gap_ends_one_symbol_s_run_and_repeated_late_and_silent_streams_never_make_zeros(brain, venue: str) -> None:
    library = Library(brain, venue)

    def arm(*faults: dict[str, object]) -> None:
        requests.post(f"{venue}/control/faults", json=list(faults), timeout=5).raise_for_status()

    with recording(brain, venue):
        until(lambda: len(library.trades()) > 40 and len(library.book()) > 40)
        arm({"kind": "book_gap", "stream": "btcusdt@depth"})
        until(lambda: len(library.ledger("book")) == 2)
        assert len(library.ledger("book", ETH)) == 1
        arm(
            {"kind": "duplicate_event", "stream": "btcusdt@aggTrade", "count": 20},
            {"kind": "duplicate_event", "stream": "btcusdt@bookTicker", "count": 20},
            {"kind": "late_event", "stream": "ethusdt@aggTrade", "count": 3, "delay_ms": 400},
            {"kind": "reorder_events", "stream": "ethusdt@aggTrade", "count": 3},
        )
        time.sleep(3)
        arm({"kind": "silent_stream", "stream": "btcusdt@aggTrade", "until_ms": 6_000})
        arm({"kind": "silent_stream", "stream": "ethusdt@aggTrade", "until_ms": 1_000})  # it goes on before anything is given up
        until(lambda: len(library.ledger("trades")) == 2 and len(library.ledger("trades", ETH)) >= 2)
        arm({"kind": "silent_stream", "stream": "btcusdt@depth", "until_ms": 6_000})
        until(lambda: len(library.ledger("book")) == 3)
        until(lambda: recorded_ms(library.ledger("book")[-1]) > 60_000)
    first, second, third = library.ledger("book")
    assert "expected the difference after" in (first.ended or "")
    assert "expected one best price from book and quotes" in (second.ended or "")
    assert third.ended == "the recorder was stopped"
    assert "expected the trade numbered" in (library.ledger("trades")[0].ended or "")
    hole = re.search(r"expected the trade numbered (\d+), got (\d+) after (\d+)", library.ledger("trades", ETH)[0].ended or "")
    assert hole is not None
    assert int(hole[3]) + 1 == int(hole[1]) < int(hole[2])
    for symbol in (BTC, ETH):
        for dataset, rows in (("trades", library.trades(symbol)), ("book", library.book(symbol))):
            assert covered(library.ledger(dataset, symbol)) == set(rows.ts_ms.tolist())
        trades = library.trades(symbol)
        bars = library.market.candles(symbol, int(trades.ts_ms[0]), int(trades.ts_ms[-1]))
        for ts, volume in zip(bars.ts_ms, bars.volume, strict=True):
            minute = trades.at((trades.ts_ms >= ts) & (trades.ts_ms < ts + MINUTE_MS))
            if len(minute) == 60:
                assert (minute.buy_base + minute.sell_base).sum() == pytest.approx(volume), (symbol, ts)
