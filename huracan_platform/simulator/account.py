"""A cross-margin account in exact decimals: wallet, positions, fees, funding, margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Protocol

from huracan_platform.simulator.orders import Conditional, Fill, Order
from huracan_platform.simulator.records import OrderRecords

STARTING_BALANCE = Decimal(100_000)
MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.0005")
DEFAULT_LEVERAGE = 20
LIQUIDATION_FEE = Decimal("0.0125")  # of the notional that a liquidation closes, to the insurance fund
CENT = Decimal("0.00000001")  # the venue keeps eight decimals


def rounded(amount: Decimal) -> Decimal:
    """An amount of USDT to the venue's eight decimals."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


class IncomeType(StrEnum):
    """Why the wallet changed, as the venue names it."""

    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@dataclass(frozen=True)
class Income:
    """One change of the wallet: USDT, market ms, and the trade that made it (None: no trade did)."""

    number: int
    symbol: str
    kind: IncomeType
    amount: Decimal
    time_ms: int
    trade_id: int | None


@dataclass
class Position:
    """Net position: `amount` in base units, negative when short; `entry` the mean entry price; `update_ms` market time."""

    amount: Decimal = Decimal(0)
    entry: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    update_ms: int = 0

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit at the mark price, USDT."""
        return rounded(self.amount * (mark - self.entry))

    def notional(self, mark: Decimal) -> Decimal:
        """Signed value at the mark price, USDT."""
        return self.amount * mark


class AccountListener(Protocol):
    """Hears of everything that the user stream of an account tells."""

    def order_changed(self, order: Order, execution: str, fill: Fill | None, market_ms: int) -> None:
        """An ordinary order was accepted, filled, cancelled or expired."""

    def conditional_changed(self, conditional: Conditional, market_ms: int) -> None:
        """A conditional order was accepted, triggered, cancelled or expired."""

    def account_changed(self, reason: str, symbol: str | None, market_ms: int) -> None:
        """Balance or position changed; reason as the venue names it."""


@dataclass(eq=False)
class Account:
    """Balances of one client. The wallet is its starting balance and the sum of its income, to the last digit."""

    listener: AccountListener
    wallet: Decimal = STARTING_BALANCE
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    fees_paid: Decimal = Decimal(0)
    funding_paid: Decimal = Decimal(0)
    insurance_paid: Decimal = Decimal(0)
    income: list[Income] = field(default_factory=list)
    records: OrderRecords = field(default_factory=OrderRecords)

    def position(self, symbol: str) -> Position:
        """The symbol's position, flat where there never was one."""
        return self.positions.setdefault(symbol, Position())

    def leverage_of(self, symbol: str) -> int:
        """Leverage set for the symbol."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def apply_fill(
        self, symbol: str, signed: Decimal, price: Decimal, *, maker: bool, market_ms: int, trade_id: int
    ) -> tuple[Decimal, Decimal]:
        """Book a fill of `signed` base units at `price`; returns realised profit and commission, USDT."""
        position = self.position(symbol)
        closing = Decimal(0)
        if position.amount * signed < 0:
            closing = -signed if abs(signed) <= abs(position.amount) else position.amount
        realised = rounded(closing * (price - position.entry))
        commission = rounded(abs(signed) * price * (MAKER_FEE if maker else TAKER_FEE))
        after = position.amount + signed
        if closing == 0 and after:
            position.entry = (position.entry * position.amount + price * signed) / after
        elif after == 0:
            position.entry = Decimal(0)
        elif after * position.amount < 0:
            position.entry = price
        position.amount, position.update_ms = after, market_ms
        position.realised += realised
        self.fees_paid += commission
        if closing:
            self._earn(symbol, IncomeType.REALIZED_PNL, realised, market_ms, trade_id)
        self._earn(symbol, IncomeType.COMMISSION, -commission, market_ms, trade_id)
        return realised, commission

    def apply_funding(self, symbol: str, rate: Decimal, mark: Decimal, market_ms: int) -> Decimal:
        """Pay (positive rate: longs pay) or receive funding; returns what the wallet got, USDT."""
        received = rounded(-self.position(symbol).notional(mark) * rate)
        self.funding_paid -= received
        self._earn(symbol, IncomeType.FUNDING_FEE, received, market_ms, None)
        return received

    def settle_insurance(self, symbol: str, closed: Decimal, market_ms: int) -> Decimal:
        """Pay the insurance fund for a liquidation of `closed` USDT, as far as the wallet reaches. It fills up a wallet
        below zero once no position is left that could. Returns what the wallet got, USDT."""
        received = -min(max(self.wallet, Decimal(0)), rounded(closed * LIQUIDATION_FEE))
        if self.wallet < 0 and not any(p.amount for p in self.positions.values()):
            received = -self.wallet
        self.insurance_paid -= received
        self._earn(symbol, IncomeType.INSURANCE_CLEAR, received, market_ms, None)
        return received

    def _earn(self, symbol: str, kind: IncomeType, amount: Decimal, market_ms: int, trade_id: int | None) -> None:
        self.wallet += amount
        self.income.append(Income(len(self.income) + 1, symbol, kind, amount, market_ms, trade_id))

    def unrealised(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Profit of all positions at the marks, USDT."""
        return sum((p.unrealised(marks[s]) for s, p in self.positions.items()), Decimal(0))

    def position_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Initial margin of all positions, USDT."""
        return sum((abs(p.notional(marks[s])) / self.leverage_of(s) for s, p in self.positions.items()), Decimal(0))
