"""Forced orders as a stream: those of the venue's own accounts and those recorded or drawn for other participants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from huracan_platform.simulator.binance.thinned import Thinned
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.liquidation import Liquidation
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Side
from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.market.series import SymbolHistory

FORCE_ORDER_MS = 1_000  # at most one forced order of a symbol is told in that wall time, the latest


def force_event(liquidation: Liquidation) -> dict[str, Any]:
    """A forced order of an account; `S` is the order's side: SELL where a long was liquidated."""
    order, instrument = liquidation.order, liquidation.order.instrument
    executed = plain(instrument.quantity(order.executed))
    return _event(liquidation.time_ms, {
        "s": instrument.symbol, "S": order.request.side.value, "o": "LIMIT", "f": "IOC",
        "q": plain(instrument.quantity(order.request.lots)), "p": plain(liquidation.bankruptcy),
        "ap": f"{order.average_price:.{instrument.price_decimals}f}", "X": order.status.value, "l": executed, "z": executed,
    })


def other_force_event(listed: ListedSymbol, row: int) -> dict[str, Any]:
    """A forced order of another participant, filled whole at the price at which it traded."""
    forced, instrument = listed.liquidations, listed.instrument
    assert forced is not None
    quantity, price = plain(instrument.quantity(int(forced.lots[row]))), plain(instrument.price(int(forced.price_ticks[row])))
    side = Side.SELL if forced.long[row] else Side.BUY
    return _event(int(forced.ts_ms[row]), {
        "s": instrument.symbol, "S": side.value, "o": "LIMIT", "f": "IOC", "q": quantity, "p": price, "ap": price, "X": "FILLED",
        "l": quantity, "z": quantity,
    })


def _event(moment: int, order: dict[str, Any]) -> dict[str, Any]:
    return {"e": "forceOrder", "E": moment, "o": {**order, "T": moment}}


def _forced_until(listed: ListedSymbol, market_ms: int) -> int:
    """How many forced orders of other participants there have been up to a market time."""
    return 0 if listed.liquidations is None else listed.liquidations.between(0, market_ms + 1).stop


class ForceOrders(Thinned):
    """Forced orders of one symbol or of all since somebody began to listen."""

    def __init__(self, histories: list[SymbolHistory], matching: Matching) -> None:
        super().__init__(pace_ms=0)
        self._matching = matching
        self._histories = {h.listed.instrument.symbol: h for h in histories}
        self._seen = len(matching.liquidations)
        self._seen_of_others = {s: _forced_until(h.listed, matching.cursor_ms) for s, h in self._histories.items()}
        self._untold: dict[str, dict[str, Any]] = {}
        self._symbol_due_ms: dict[str, int] = {}

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The latest forced order of every symbol of which none has been told within the second."""
        self._look(now_ms)
        for symbol in [s for s in self._untold if wire_ms >= self._symbol_due_ms.get(s, 0)]:
            self._symbol_due_ms[symbol] = wire_ms + FORCE_ORDER_MS
            yield orjson.dumps(self._untold.pop(symbol))

    def _look(self, now_ms: int) -> None:
        """Keep the latest event of each symbol since the last look."""
        events = [force_event(q) for q in self._matching.liquidations[self._seen :]]
        for symbol, history in self._histories.items():
            # By number, not by time: a venue that follows another hears of some only after their time.
            seen, until = self._seen_of_others[symbol], _forced_until(history.listed, now_ms)
            events += [other_force_event(history.listed, row) for row in range(seen, until)[-1:]]
            self._seen_of_others[symbol] = until
        for event in sorted(events, key=lambda e: e["E"]):
            if event["o"]["s"] in self._histories:
                self._untold[event["o"]["s"]] = event
        self._seen = len(self._matching.liquidations)
