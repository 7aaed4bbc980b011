"""Messages of the market streams as JSON objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.day_statistics import DayStatistics, day_statistics
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape

MARK_AVERAGED_MS = 10_000


def mark_event(history: SymbolHistory, now: int) -> dict[str, Any]:
    """Mark price, its moving average, last settled rate and next settlement of a symbol."""
    premium = history.premium(now)
    return {
        "e": "markPriceUpdate", "E": now, "s": history.listed.instrument.symbol, "p": plain(premium.mark),
        "ap": _moving_average(history, now), "i": plain(premium.index), "P": plain(premium.settle), "r": premium.rate_text,
        "T": premium.next_funding_ms,
    }


def _moving_average(history: SymbolHistory, now: int) -> str:
    """Mean of the mark over the last minute."""
    marks = [history.mark_price(now - back) for back in range(0, MINUTE_MS, MARK_AVERAGED_MS)]
    return f"{sum(marks) / len(marks):.{history.listed.instrument.price_decimals}f}"


def mini_ticker_event(history: SymbolHistory, now: int) -> dict[str, Any] | None:
    """Prices and volumes of the last day; None before the first trade."""
    day = day_statistics(history, now)
    return None if day is None else _mini_ticker(history, day)


def ticker_event(history: SymbolHistory, now: int) -> dict[str, Any] | None:
    """Statistics of the last day in full; None before the first trade."""
    day = day_statistics(history, now)
    return None if day is None else {
        **_mini_ticker(history, day), "e": "24hrTicker", "p": plain(day.change), "P": day.change_percent, "w": plain(day.average),
        "Q": plain(day.last_quantity), "O": day.open_ms, "C": day.close_ms, "F": day.first_id, "L": day.last_id, "n": day.trades,
    }


def _mini_ticker(history: SymbolHistory, day: DayStatistics) -> dict[str, Any]:
    return {
        "e": "24hrMiniTicker", "E": day.close_ms, "s": history.listed.instrument.symbol, "c": plain(day.last),
        "o": plain(day.open), "h": plain(day.high), "l": plain(day.low), "v": plain(day.volume), "q": plain(day.quote_volume),
    }


def book_event(history: SymbolHistory, model: OrderBook, now: int) -> dict[str, Any]:
    """Best bid and ask of a symbol."""
    book, instrument = model.at(now, 1), history.listed.instrument
    return {
        "e": "bookTicker", "u": book.update_id, "s": instrument.symbol, "b": plain(instrument.price(book.best_bid)),
        "B": plain(instrument.quantity(int(book.bid_lots[0]))), "a": plain(instrument.price(book.best_ask)),
        "A": plain(instrument.quantity(int(book.ask_lots[0]))), "T": now, "E": now,
    }


def continuous_kline_event(history: SymbolHistory, interval: str, row: I64, event_ms: int, *, closed: bool) -> dict[str, Any]:
    """A bar (10,) as the continuous kline stream of the perpetual tells it."""
    event = kline_event(history, interval, row, event_ms, closed=closed)
    bar = {name: value for name, value in event["k"].items() if name != "s"}
    return {"e": "continuous_kline", "E": event_ms, "ps": event["s"], "ct": "PERPETUAL", "k": bar}


def kline_event(history: SymbolHistory, interval: str, row: I64, event_ms: int, *, closed: bool) -> dict[str, Any]:
    """A bar (10,) as the kline stream tells it."""
    instrument = history.listed.instrument
    ts, open_, high, low, close, lots, quote, count, bought, bought_quote = (int(v) for v in row)
    minute = history.listed.bars.row_at(min(event_ms, ts + INTERVALS_MS[interval] - 1))
    first_row = int(np.searchsorted(history.listed.bars.ts_ms, ts))

    def value(amount: int) -> str:
        return plain(instrument.price(amount).scaleb(-instrument.quantity_decimals))

    return {
        "e": "kline", "E": event_ms, "s": instrument.symbol,
        "k": {
            "t": ts, "T": ts + INTERVALS_MS[interval] - 1, "s": instrument.symbol, "i": interval,
            "f": history.first_id(first_row) if count else -1, "L": _last_id(history, minute, event_ms) if count else -1,
            "o": plain(instrument.price(open_)), "c": plain(instrument.price(close)), "h": plain(instrument.price(high)),
            "l": plain(instrument.price(low)), "v": plain(instrument.quantity(lots)), "n": count, "x": closed, "q": value(quote),
            "V": plain(instrument.quantity(bought)), "Q": value(bought_quote), "B": "0",
        },
    }


def _last_id(history: SymbolHistory, row: int, event_ms: int) -> int:
    tape = history.tape(row)
    elapsed = event_ms - int(history.listed.bars.ts_ms[row])
    return history.last_id(row, int(np.searchsorted(tape.offset_ms, elapsed, side="right")) - 1)


def trade_event(kind: str, history: SymbolHistory, tape: MinuteTape, index: int, opened: int) -> dict[str, Any]:
    """A public trade, as `aggTrade` or `trade`."""
    instrument, moment = history.listed.instrument, opened + int(tape.told_ms[index])
    number, first, last = (int(ids[index]) for ids in (tape.ids, tape.first_ids, tape.last_ids))
    event = {
        "e": kind, "E": moment, "T": moment, "s": instrument.symbol, "p": plain(instrument.price(int(tape.price[index]))),
        "q": plain(instrument.quantity(int(tape.lots[index]))), "m": not tape.buyer[index],
    }
    return event | ({"a": number, "f": first, "l": last} if kind == "aggTrade" else {"t": number, "X": "MARKET"})
