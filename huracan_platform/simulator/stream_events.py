"""Messages of the market streams as JSON objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from huracan_platform.simulator.book import BookModel
from huracan_platform.simulator.liquidation import Liquidation
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.wire_orders import plain


def mark_event(history: SymbolHistory, now: int) -> dict[str, Any]:
    """Mark price, last settled rate and next settlement of a symbol."""
    premium = history.premium(now)
    return {
        "e": "markPriceUpdate", "E": now, "s": history.listed.instrument.symbol, "p": plain(premium.mark),
        "i": plain(premium.index), "P": plain(premium.settle), "r": premium.rate_text, "T": premium.next_funding_ms,
    }


def book_event(history: SymbolHistory, model: BookModel, now: int) -> dict[str, Any]:
    """Best bid and ask of a symbol."""
    book, instrument = model.at(now, 1), history.listed.instrument
    return {
        "e": "bookTicker", "u": book.update_id, "s": instrument.symbol, "b": plain(instrument.price(book.best_bid)),
        "B": plain(instrument.quantity(int(book.bid_lots[0]))), "a": plain(instrument.price(book.best_ask)),
        "A": plain(instrument.quantity(int(book.ask_lots[0]))), "T": now, "E": now,
    }


def force_event(liquidation: Liquidation) -> dict[str, Any]:
    """A forced order; `S` is the order's side: SELL where a long was liquidated."""
    order, instrument = liquidation.order, liquidation.order.instrument
    executed = plain(instrument.quantity(order.executed))
    return {
        "e": "forceOrder", "E": liquidation.time_ms,
        "o": {
            "s": instrument.symbol, "S": order.request.side.value, "o": "LIMIT", "f": "IOC",
            "q": plain(instrument.quantity(order.request.lots)), "p": plain(liquidation.bankruptcy),
            "ap": f"{order.average_price:.{instrument.price_decimals}f}", "X": order.status.value, "l": executed, "z": executed,
            "T": liquidation.time_ms,
        },
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
