"""Trades and books of a venue that speaks Bybit, recorded by the real process, held against the market that it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests

from huracan_platform.contracts.microstructure import TradeSeconds
from huracan_platform.simulator.exchange.book import NOWHERE, BookModel
from tests.market_data.seconds_process import BTC, ETH, Library, covered, recorded_ms, recording, until
from tests.simulator.bybit.known import DAYS, SEED, SYMBOLS, Known, known_market
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

SPEED = 10
NAMES = {BTC: "BTCUSDT", ETH: "ETHUSDT"}
MINUTE = 60_000
# The venue shows its best prices every 10 ms of wall time and its book every 100 ms, or later on a busy machine: a row is one of
# the market's states of so long before its second's end, and mostly the last one where nobody traded for the shorter time.
SEEN_MS, QUIET_MS = 20_000, 2_000
SHARE = 0.8


@pytest.fixture(scope="module")
def bybit() -> Iterator[str]:
    with running_venue(days=DAYS, seed=SEED, symbols=SYMBOLS, protocol="bybit") as url:
        yield url


@pytest.fixture(scope="module")
def binance() -> Iterator[str]:
    with running_venue(days=DAYS, seed=SEED, symbols=SYMBOLS) as url:
        yield url


@pytest.fixture(scope="module")
def known() -> Known:
    return known_market()


class Shown:
    """What a symbol's market was, from the seed."""

    def __init__(self, known: Known, symbol: str) -> None:
        self._listed, self._history = known.listed(NAMES[symbol]), known.history(NAMES[symbol])
        self._books = BookModel(self._history)

    def traded(self, from_ms: int, until_ms: int) -> list[tuple[int, bool, float, float]]:
        """Time, whether the aggressor bought, price and base of each trade."""
        instrument, found = self._listed.instrument, []
        for row in range(self._listed.bars.row_at(from_ms), self._listed.bars.row_at(until_ms - 1) + 1):
            tape, opened = self._history.tape(row), int(self._listed.bars.ts_ms[row])
            for at, buyer, ticks, lots in zip(tape.told_ms, tape.buyer, tape.price, tape.lots, strict=True):
                if from_ms <= opened + int(at) < until_ms:
                    price, base = float(instrument.price(int(ticks))), float(instrument.quantity(int(lots)))
                    found.append((opened + int(at), bool(buyer), price, base))
        return found

    def seconds(self, rows: TradeSeconds) -> np.ndarray:
        """Bought and sold base, bought and sold worth and the number of trades in each of the rows' seconds, shape (5, n)."""
        sums = dict.fromkeys(rows.ts_ms.tolist(), (0.0, 0.0, 0.0, 0.0, 0))
        for at, bought, price, base in self.traded(int(rows.ts_ms[0]), int(rows.ts_ms[-1]) + 1000):
            second = at // 1000 * 1000
            if second in sums:
                told = (base * bought, base * (not bought), base * price * bought, base * price * (not bought), 1)
                sums[second] = tuple(np.add(sums[second], told))
        return np.array(list(sums.values())).T

    def best(self, at_ms: int) -> tuple[float, float, float, float]:
        """Bid with what stands there, ask with what stands there."""
        (bids, bid_lots), (asks, ask_lots) = self._sides(at_ms, 1)
        instrument = self._listed.instrument
        return (
            float(instrument.price(int(bids[0]))), float(instrument.quantity(int(bid_lots[0]))),
            float(instrument.price(int(asks[0]))), float(instrument.quantity(int(ask_lots[0]))),
        )

    def worth(self, at_ms: int, sign: int, levels: int) -> float:
        """Of the best levels of a side, in quote."""
        instrument = self._listed.instrument
        ticks, lots = self._sides(at_ms, levels)[sign < 0]
        return sum(float(instrument.price(int(t))) * float(instrument.quantity(int(n))) for t, n in zip(ticks, lots, strict=True))

    def states(self, ends_ms: list[int]) -> list[list[int]]:
        """For each time the moments of the market's states until then, newest first, as far back as one may have been seen."""
        times = np.array([at for at, *_ in self.traded(min(ends_ms) - SEEN_MS - MINUTE, max(ends_ms))])
        return [[int(t) for t in times[(times >= end - SEEN_MS) & (times < end)][::-1]] + [end - SEEN_MS] for end in ends_ms]

    def _sides(self, at_ms: int, levels: int) -> list[tuple[np.ndarray, np.ndarray]]:
        state = self._books.at(at_ms)
        return [state.ladder(sign, NOWHERE[sign], levels) for sign in (1, -1)]


def run(*urls: str) -> None:
    """Let the markets go on, from one moment."""
    for url in urls:
        requests.post(f"{url}/control/clock", json={"speed": SPEED}, timeout=5).raise_for_status()


def agreeing(told: list[Any], shown: list[list[Any]], moments: list[list[int]], ends: list[int]) -> None:
    """Every row is a state of its time, and those that had time to be seen are mostly the last one."""
    assert all(one in states for one, states in zip(told, shown, strict=True))
    quiet = [at for at, end in enumerate(ends) if moments[at][0] < end - QUIET_MS]
    assert len(quiet) > 10
    assert np.mean([told[at] == shown[at][0] for at in quiet]) >= SHARE


def arm(url: str, *faults: dict[str, object]) -> None:
    requests.post(f"{url}/control/faults", json=list(faults), timeout=5).raise_for_status()


def test_what_is_recorded_at_bybit_is_what_its_market_was(brain, bybit: str, binance: str, known: Known) -> None:
    own, other = Library(brain, bybit, "bybit"), Library(brain, binance)
    beside = json.dumps([{"name": "binance", "ccxt_id": "binanceusdm", "url": binance}])
    wanted = json.dumps(["trades"])
    with recording(
        brain, bybit, HURACAN_VENUE__CCXT_ID="bybit", HURACAN_VENUE__ALTERNATIVES=beside, HURACAN_SOURCES__ALTERNATIVES=wanted
    ):
        run(bybit, binance)
        until(lambda: len(own.trades()) > 20 and len(own.book()) > 20)
        arm(bybit, {"kind": "duplicate_event", "stream": "publicTrade.ETHUSDT", "count": 20})
        until(lambda: all(len(rows) > 120 for s in NAMES for rows in (own.trades(s), own.book(s), other.trades(s))))
    for symbol in NAMES:
        shown, trades, book = Shown(known, symbol), own.trades(symbol), own.book(symbol)
        for dataset, rows in (("trades", trades), ("book", book)):
            assert [run.ended for run in own.ledger(dataset, symbol)] == ["the recorder was stopped"]
            assert covered(own.ledger(dataset, symbol)) == set(rows.ts_ms.tolist())
        told = np.array([trades.buy_base, trades.sell_base, trades.buy_usd, trades.sell_usd, trades.trades])
        assert trades.trades.sum() > 20
        np.testing.assert_allclose(told, shown.seconds(trades), rtol=1e-12)
        same = other.trades(symbol)
        _, here, there = np.intersect1d(trades.ts_ms, same.ts_ms, return_indices=True)
        assert len(here) > 60
        np.testing.assert_allclose(trades.at(here).signed_base, same.at(there).signed_base, rtol=1e-9, atol=1e-12)
        ends = (book.ts_ms + 1000).tolist()
        moments = shown.states(ends)
        bests = list(zip(book.bid, book.bid_base, book.ask, book.ask_base, strict=True))
        agreeing(bests, [[shown.best(at) for at in states] for states in moments], moments, ends)
        for name, sign in (("bid_usd_10_levels", 1), ("ask_usd_10_levels", -1)):
            worths = [[pytest.approx(shown.worth(at, sign, 10)) for at in states] for states in moments]
            agreeing(getattr(book, name).tolist(), worths, moments, ends)
    assert other.ledger("book") == []


def test_a_hole_or_a_silence_in_bybit_s_book_is_a_gap_with_its_reason(brain, bybit: str) -> None:
    library = Library(brain, bybit, "bybit")
    with recording(brain, bybit, HURACAN_VENUE__CCXT_ID="bybit", HURACAN_MICROSTRUCTURE__STALE_S="3"):
        run(bybit)
        until(lambda: all(len(library.book(symbol)) > 20 for symbol in NAMES))
        arm(bybit, {"kind": "book_gap", "stream": "orderbook.200.BTCUSDT"})
        until(lambda: len(library.ledger("book")) == 2)
        arm(bybit, {"kind": "silent_stream", "stream": "orderbook.200.BTCUSDT", "until_ms": 5_000})
        until(lambda: len(library.ledger("book")) >= 3)
        until(lambda: recorded_ms(library.ledger("book")[-1]) > 15_000)
        assert len(library.ledger("trades")) == 1
    first, second, *_ = library.ledger("book")
    assert "expected the difference after" in (first.ended or "")
    # A hole is one symbol's: its stream alone is joined anew, and the other symbol's recording goes on.
    assert library.ledger("book", ETH)[0].until_ms >= second.began_ms + 1000
    assert "expected one best price from book and quotes" in (second.ended or "")
    for symbol in NAMES:
        rows = library.book(symbol)
        assert covered(library.ledger("book", symbol)) == set(rows.ts_ms.tolist())
        assert (rows.bid < rows.ask).all()
