"""Signed REST of orders and executions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.bybit import asked
from huracan_platform.simulator.bybit.asked import Asked
from huracan_platform.simulator.bybit.client import BybitClient
from huracan_platform.simulator.bybit.closing import closed_sizes
from huracan_platform.simulator.bybit.funding import funding_object
from huracan_platform.simulator.bybit.orders import place, read_price, read_quantity, read_trigger
from huracan_platform.simulator.bybit.problems import refusal, wrong
from huracan_platform.simulator.bybit.wire import (
    conditional_object,
    execution_object,
    link_id,
    number_of,
    order_number,
    order_object,
    wire_id,
)
from huracan_platform.simulator.exchange.logs import IncomeType
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Conditional, Order
from huracan_platform.simulator.venue import Venue

Result = dict[str, Any]
WEEK_MS = 7 * DAY_MS
CLOSED_MOST = 500
_NOT_FOUND = (110001, "order not exists or too late to cancel")


@dataclass(frozen=True)
class TradeEndpoints:
    """Handlers by path; each takes the client and what it sent, and returns the result."""

    venue: Venue
    matching: Matching

    def create(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/order/create"""
        instrument = self.venue.listed(asked.symbol(sent, self.venue)).instrument
        return _ids(place(client, self.matching, sent, instrument))

    def amend(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/order/amend: another quantity or price, and another trigger of one that waits."""
        order = self._working(client, sent)
        instrument = order.instrument
        market = order.request.price is None
        lots = read_quantity(sent, instrument, market=market) if sent.get("qty") else order.request.lots
        price = read_price(sent, "price", instrument) if sent.get("price") else order.request.price
        if isinstance(order, Conditional):
            self._amend_conditional(order, sent, lots, price)
        else:
            if lots <= order.executed:
                raise refusal(110064, "The number of contracts modified cannot be less than or equal to the filled quantity")
            client.changes.change(order, lots, price or 0)
        return _ids(order)

    def _amend_conditional(self, order: Conditional, sent: Asked, lots: int, price: int | None) -> None:
        instrument, request = order.instrument, replace(order.request, lots=lots, price=price)
        trigger = order.trigger
        if sent.get("triggerPrice"):
            direction = "1" if order.fires_at(order.trigger + 1) else "2"
            mark = self.matching.mark(instrument.symbol)
            request, trigger, _ = read_trigger({**sent, "triggerDirection": direction}, request, instrument, mark)
        if (request, trigger) == (order.request, order.trigger):
            raise wrong("The order remains unchanged as the parameters entered match the existing ones.")
        order.request, order.trigger, order.update_ms = request, trigger, self.matching.cursor_ms
        order.account.listener.conditional_changed(order, order.update_ms)

    def cancel(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/order/cancel"""
        order = self._working(client, sent)
        _withdraw(client, order)
        return _ids(order)

    def cancel_all(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/order/cancel-all: of a symbol, a base or a settlement coin; conditional ones too unless filtered."""
        self.matching.advance()
        if not any(sent.get(name) for name in ("symbol", "baseCoin", "settleCoin")):
            raise wrong("symbol, baseCoin or settleCoin is required")
        found = self._open(client, sent)
        for order in found:
            _withdraw(client, order)
        return {"list": [_ids(order) for order in found], "success": "1"}

    def realtime(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/order/realtime: what is open; with openOnly=1 the last 500 that are not; one by its id whatever it is."""
        self.matching.advance()
        if sent.get("orderId") or sent.get("orderLinkId"):
            asked.category(sent)
            found = [order for order in [self._find(client, sent)] if order is not None]
        elif not any(sent.get(name) for name in ("symbol", "baseCoin", "settleCoin")):
            raise wrong("symbol or settleCoin or baseCoin is required")
        elif sent.get("openOnly", "0") == "0":
            found = self._open(client, sent)
        else:
            found = [o for o in self._all(client, sent) if not _is_open(o)][:CLOSED_MOST]
        return self._listed(client, sent, found)

    def history(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/order/history: orders that have ended, newest first; of the last seven days unless times are sent."""
        self.matching.advance()
        since, until = asked.window(sent, self.matching.cursor_ms, WEEK_MS, WEEK_MS)
        if sent.get("orderId") or sent.get("orderLinkId"):
            asked.category(sent)
            found = [order for order in [self._find(client, sent)] if order is not None]
        else:
            found = [o for o in self._all(client, sent) if since <= o.time_ms <= until and not _is_open(o)]
        return self._listed(client, sent, found)

    def executions(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/execution/list: newest first, funding among them; of the last seven days unless times are sent."""
        self.matching.advance()
        symbols, kind = asked.symbols(sent, self.venue), sent.get("execType", "")
        since, until = asked.window(sent, self.matching.cursor_ms, WEEK_MS, WEEK_MS)
        fills, number, link = client.account.records.fills, number_of(sent.get("orderId", "")), sent.get("orderLinkId", "")
        rows = [
            execution_object(fill, closed) for fill, closed in zip(fills, closed_sizes(fills), strict=True)
            if (not sent.get("orderId") or order_number(fill.order) == number)
            and (not link or link_id(fill.order.request) == link)
        ]
        if not sent.get("orderId") and not link:
            settled = [i for i in client.account.income if i.kind is IncomeType.FUNDING_FEE and since <= i.time_ms <= until]
            rows += [funding_object(self.venue, income, fills) for income in settled]
        rows = [
            row for row in sorted(rows, key=lambda row: int(row["execTime"]), reverse=True)
            if row["symbol"] in symbols and since <= int(row["execTime"]) <= until and kind in ("", row["execType"])
        ]
        found, cursor = asked.page(sent, rows, asked.rows(sent, 50, 100))
        return {"category": sent["category"], "list": found, "nextPageCursor": cursor}

    def _listed(self, client: BybitClient, sent: Asked, found: list[Order | Conditional]) -> Result:
        rows, cursor = asked.page(sent, found, asked.rows(sent, 20, 50))
        return {"category": sent["category"], "list": [self._object(client, o) for o in rows], "nextPageCursor": cursor}

    @staticmethod
    def _object(client: BybitClient, order: Order | Conditional) -> Result:
        view = client.view
        if isinstance(order, Conditional):
            return conditional_object(order, view.fee_of_conditional(order))
        return order_object(order, view.fee_of(order), view.reasons.get(order.order_id, "EC_NoError"))

    def _all(self, client: BybitClient, sent: Asked) -> list[Order | Conditional]:
        """Orders of the symbols that are asked for, newest first; one that a trigger made is its conditional order."""
        symbols, wanted = asked.symbols(sent, self.venue), sent.get("orderFilter", "")
        records = client.account.records
        orders: list[Order | Conditional] = [o for o in records.orders.values() if o.algo_id is None]
        found = (orders if wanted in ("", "Order") else []) + (
            list(records.conditionals.values()) if wanted in ("", "StopOrder", "tpslOrder") else []
        )
        return sorted((o for o in found if o.instrument.symbol in symbols), key=lambda o: o.time_ms, reverse=True)

    def _open(self, client: BybitClient, sent: Asked) -> list[Order | Conditional]:
        return [o for o in self._all(client, sent) if _is_open(o)]

    def _find(self, client: BybitClient, sent: Asked) -> Order | Conditional | None:
        records, number, link = client.account.records, number_of(sent.get("orderId", "")), sent.get("orderLinkId", "")
        symbol = sent.get("symbol", "")
        found: Order | Conditional | None
        if sent.get("orderId"):
            found = records.conditionals.get(number) or records.orders.get(number)
        else:
            names: list[Order | Conditional] = [o for o in records.orders.values() if o.algo_id is None]
            mine = [o for o in [*names, *records.conditionals.values()] if link_id(o.request) == link]
            found = max(mine, key=lambda o: (_is_open(o), o.accepted_wire_ms), default=None)
        return found if found is None or symbol in ("", found.instrument.symbol) else None

    def _working(self, client: BybitClient, sent: Asked) -> Order | Conditional:
        """The open order that is named; 110001 where there is none."""
        self.matching.advance()
        asked.symbol(sent, self.venue)
        if not sent.get("orderId") and not sent.get("orderLinkId"):
            raise wrong("orderId or orderLinkId is required")
        order = self._find(client, sent)
        if order is None or not _is_open(order):
            raise refusal(*_NOT_FOUND)
        return order.order if isinstance(order, Conditional) and order.order is not None else order


def _is_open(order: Order | Conditional) -> bool:
    if isinstance(order, Conditional) and order.order is not None:
        return order.order.open
    return order.open


def _withdraw(client: BybitClient, order: Order | Conditional) -> None:
    if isinstance(order, Conditional):
        if order.order is None:
            client.desk.withdraw_conditional(order)
            return
        order = order.order
    client.desk.withdraw(order)


def _ids(order: Order | Conditional) -> Result:
    number = order.algo_id if isinstance(order, Conditional) else order_number(order)
    return {"orderId": wire_id(number), "orderLinkId": link_id(order.request)}
