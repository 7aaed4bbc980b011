"""The public book: never crossed, follows the tape, and its differences lead to its snapshots."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.depth_stream import Depth
from huracan_platform.simulator.binance.subscriptions import StreamName
from huracan_platform.simulator.exchange.book import BookModel
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.synthetic import generate_symbol
from tests.simulator.markets import MINUTE, START_MS


def model(minutes: int = 300) -> tuple[SymbolHistory, OrderBook]:
    history = SymbolHistory(generate_symbol("BTC", 9, START_MS, minutes)[0])
    return history, OrderBook(BookModel(history), lambda: None)


def test_the_book_never_crosses_and_is_sorted() -> None:
    history, book_model = model()
    for row in range(300):
        for index in range(-1, len(history.tape(row)), 3):
            book = book_model.view(book_model.states.after_trade(row, index), 50)
            assert book.best_bid < book.best_ask
            assert np.all(np.diff(book.bid_ticks) < 0)
            assert np.all(np.diff(book.ask_ticks) > 0)
            assert book.bid_lots.min() > 0
            assert book.ask_lots.min() > 0


def test_what_stands_at_a_moment_does_not_depend_on_what_was_asked_before() -> None:
    asked, book_model = model()
    end = START_MS + 300 * MINUTE
    moments = np.random.default_rng(3).integers(START_MS - MINUTE, end + MINUTE, 60).tolist()
    trades = [START_MS + 7 * MINUTE + int(offset) + shift for offset in asked.tape(7).offset_ms for shift in (-1, 0, 1)]
    for moment in [*moments, *trades, *reversed(trades), START_MS - 1, *trades]:
        fresh = SymbolHistory(asked.listed)
        assert asked.mark_price(moment) == fresh.mark_price(moment)
        assert asked.last_trade(moment) == fresh.last_trade(moment)
        assert book_model.states.at(moment) == BookModel(fresh).at(moment)


def test_the_last_trade_stands_at_the_side_that_was_hit() -> None:
    history, book_model = model()
    tape = history.tape(5)
    for index in range(len(tape)):
        book = book_model.view(book_model.states.after_trade(5, index), 5)
        assert (book.best_ask if tape.buyer[index] else book.best_bid) == tape.price[index]


def test_the_same_moment_has_the_same_book_whatever_its_depth() -> None:
    _, book_model = model()
    shallow, deep = book_model.at(START_MS + 90_500, 5), book_model.at(START_MS + 90_500, 1_000)
    assert np.array_equal(shallow.bid_ticks, deep.bid_ticks[:5])
    assert np.array_equal(shallow.ask_lots, deep.ask_lots[:5])


def test_differences_applied_to_any_later_snapshot_give_the_book() -> None:
    history, book_model = model()
    stream = Depth(StreamName("btcusdt@depth", "BTCUSDT", "depth", "", 0), history, book_model, START_MS + MINUTE)
    instrument = history.listed.instrument
    for first in range(10):
        snapshot_at = START_MS + MINUTE + first * 150_000 + 40_000
        book = book_model.at(snapshot_at)
        local: dict[str, dict[Decimal, Decimal]] = {
            "b": {instrument.price(p): instrument.quantity(q) for p, q in zip(book.bid_ticks, book.bid_lots, strict=True)},
            "a": {instrument.price(p): instrument.quantity(q) for p, q in zip(book.ask_ticks, book.ask_lots, strict=True)},
        }
        (message,) = stream.present(START_MS + MINUTE + (first + 1) * 150_000, 0)
        event: dict[str, Any] = orjson.loads(message)
        assert event["U"] <= book.update_id <= event["u"]
        for side, levels in local.items():
            for price, quantity in event[side]:
                levels[Decimal(price)] = Decimal(quantity)
        now = book_model.at(START_MS + MINUTE + (first + 1) * 150_000)
        bids = sorted((p for p, q in local["b"].items() if q), reverse=True)[:200]
        asks = sorted(p for p, q in local["a"].items() if q)[:200]
        assert bids == [instrument.price(p) for p in now.bid_ticks[:200]]
        assert asks == [instrument.price(p) for p in now.ask_ticks[:200]]
        assert [local["b"][p] for p in bids] == [instrument.quantity(q) for q in now.bid_lots[:200]]
