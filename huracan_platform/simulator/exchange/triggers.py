"""Conditional orders: they wait for a trade, or the mark price at one, at their trigger and then make an ordinary order."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from huracan_platform.simulator.exchange import admission
from huracan_platform.simulator.exchange.orders import MARK_PRICE, AlgoStatus, Conditional, Order, OrderRequest
from huracan_platform.simulator.serving.problems import VenueRefusal

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.matching import Matching

FIRST_ALGO_ID = 2_000_000_001


class Triggers:
    """The conditional orders of all accounts that wait, by symbol in the order of time; `numbers` are their next ids."""

    def __init__(self, matching: Matching, symbols: tuple[str, ...]) -> None:
        self._matching = matching
        self.waiting: dict[str, list[Conditional]] = {s: [] for s in symbols}
        self.numbers = count(FIRST_ALGO_ID)

    def wait(self, conditional: Conditional) -> None:
        """Record a conditional order and let it wait."""
        symbol, records = conditional.instrument.symbol, conditional.account.records
        records.add_conditional(conditional)
        self.waiting[symbol].append(conditional)
        records.working_in(symbol).conditionals[conditional.algo_id] = conditional
        _tell(conditional, AlgoStatus.NEW, conditional.time_ms)

    def cancel(self, conditional: Conditional, moment: int) -> None:
        """End one that waits."""
        self._pull(conditional)
        _tell(conditional, AlgoStatus.CANCELED, moment)

    def watched(self, conditional: Conditional, last: int) -> int:
        """The price in ticks that an order watches, where the last trade is at `last`."""
        instrument = conditional.instrument
        return instrument.ticks(self._matching.mark(instrument.symbol)) if conditional.working_type == MARK_PRICE else last

    def near(self, symbol: str, low: int, high: int) -> bool:
        """Whether trades from a lowest to a highest price, or the mark price as it is, could fire any."""
        return any(c.fires_at(price) for c in self.waiting[symbol] for price in (low, high, self.watched(c, low)))

    def fire(self, symbol: str, price: int, moment: int) -> None:
        """A trade at a price in ticks: those that watched for it make their orders, unless an earlier one ended them."""
        for conditional in [c for c in self.waiting[symbol] if c.fires_at(self.watched(c, price))]:
            if conditional.open:
                self._trigger(conditional, moment)

    def _pull(self, conditional: Conditional) -> None:
        symbol = conditional.instrument.symbol
        self.waiting[symbol].remove(conditional)
        del conditional.account.records.working_in(symbol).conditionals[conditional.algo_id]

    def _trigger(self, conditional: Conditional, moment: int) -> None:
        request = conditional.request
        self._pull(conditional)
        closable = self._matching.closable(conditional.account, conditional.instrument.symbol, request.side)
        lots = closable if request.close_position else request.lots
        if lots == 0 or (request.reduce_only and closable == 0):
            _tell(conditional, AlgoStatus.EXPIRED, moment)
            return
        conditional.triggered_ms = moment
        _tell(conditional, AlgoStatus.TRIGGERING, moment)
        request = replace(request, kind="MARKET" if request.kind.endswith("MARKET") else "LIMIT", lots=lots)
        try:
            price = admission.reference(self._matching, request, conditional.instrument)
            admission.check(self._matching, conditional.account, request, conditional.instrument, price)
        except VenueRefusal as refused:
            conditional.refusal = refused.message
            _tell(conditional, AlgoStatus.REJECTED, moment)
            return
        conditional.order = self._made_by(conditional, request, moment)
        _tell(conditional, AlgoStatus.TRIGGERED, moment)
        self._matching.enter(conditional.order, moment)
        _tell(conditional, AlgoStatus.FINISHED, moment)

    def _made_by(self, conditional: Conditional, request: OrderRequest, moment: int) -> Order:
        """The ordinary order that a trigger makes."""
        order = self._matching.admit(conditional.account, request, conditional.instrument, moment)
        order.algo_id, order.original_kind, order.trigger = conditional.algo_id, conditional.request.kind, conditional.trigger
        return order


def _tell(conditional: Conditional, status: AlgoStatus, moment: int) -> None:
    conditional.status, conditional.update_ms = status, moment
    conditional.account.listener.conditional_changed(conditional, moment)
