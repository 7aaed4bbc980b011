"""Sums over an account's fills and income, kept up as they come: what positions and orders have brought and paid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.logs import Income, IncomeType
from huracan_platform.simulator.exchange.orders import Order

ZERO = Decimal(0)


@dataclass
class Earned:
    """Of one symbol: signed base units, market ms of the first fill, number of the last trade, and USDT of all times and of the
    present position: profit, fees, funding and insurance."""

    amount: Decimal = ZERO
    first_ms: int = 0
    last_trade: int = -1
    total: Decimal = ZERO
    present: Decimal = ZERO


class Tally:
    """Looks at what is new each time that it is asked."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._fills, self._income = 0, 0
        self._symbols: dict[str, Earned] = defaultdict(Earned)
        self._fees: dict[int, Decimal] = defaultdict(Decimal)
        self._realised = ZERO

    def symbol(self, name: str) -> Earned:
        """What a symbol has brought."""
        self._catch_up()
        return self._symbols[name]

    def realised(self) -> Decimal:
        """Realised profit of all symbols before fees, USDT."""
        self._catch_up()
        return self._realised

    def fees(self, order: Order) -> Decimal:
        """What an order's executions have paid, USDT."""
        self._catch_up()
        return self._fees.get(order.order_id, ZERO)

    def _catch_up(self) -> None:
        income, fills = self._account.income, self._account.records.fills
        while self._income < len(income):
            change = income[self._income]
            opens = False
            if change.trade_id is not None and change.trade_id != self._symbols[change.symbol].last_trade:
                if self._fills == len(fills):
                    return  # its fill is about to be noted
                opens = self._fill()
            self._add(change, opens=opens)
            self._income += 1

    def _fill(self) -> bool:
        """Note the next fill; whether it opens a position where none of its side was."""
        fill = self._account.records.fills[self._fills]
        self._fills += 1
        earned, order = self._symbols[fill.order.instrument.symbol], fill.order
        before = earned.amount
        earned.amount = before + order.instrument.quantity(fill.lots) * order.request.side.sign
        earned.first_ms, earned.last_trade = earned.first_ms or fill.time_ms, fill.trade_id
        self._fees[order.order_id] += fill.commission
        return earned.amount != 0 and before * earned.amount <= 0

    def _add(self, change: Income, *, opens: bool) -> None:
        earned = self._symbols[change.symbol]
        earned.total += change.amount
        realises = change.kind is IncomeType.REALIZED_PNL
        # Where a fill turns a position over, the profit is that of the old one.
        earned.present = (ZERO if realises else change.amount) if opens else earned.present + change.amount
        self._realised += change.amount if realises else ZERO
