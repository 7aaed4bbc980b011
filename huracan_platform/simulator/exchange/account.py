"""An account in exact decimals: wallet, positions, fees, funding, margin.

A position in isolated margin has a wallet of its own: what it binds moves there from the cross wallet as it grows; fees and
funding are paid from it; a part that is closed takes its share of it back, with the profit or after the loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from huracan_platform.simulator.exchange.logs import IncomeLog, IncomeType
from huracan_platform.simulator.exchange.orders import Conditional, Fill, Order
from huracan_platform.simulator.exchange.records import OrderRecords

STARTING_BALANCE = Decimal(100_000)
MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.0005")
DEFAULT_LEVERAGE = 20
LIQUIDATION_FEE = Decimal("0.0125")  # of the notional that a liquidation closes, to the insurance fund
CENT = Decimal("0.00000001")  # the venue keeps eight decimals


def rounded(amount: Decimal) -> Decimal:
    """An amount of USDT to the venue's eight decimals."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class MarginTransfer:
    """Margin that the client put into (positive) or took out of an isolated position: USDT, market ms."""

    symbol: str
    amount: Decimal
    time_ms: int


@dataclass(slots=True)
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

    def leverage_changed(self, symbol: str, leverage: int, market_ms: int) -> None:
        """The account has set another leverage for a symbol."""


@dataclass(eq=False, repr=False)
class Account:
    """Balances of one client. The wallet is its starting balance and the sum of its income, to the last digit.

    `isolated` has the symbols in isolated margin, and what of the wallet their positions stand on, USDT.
    """

    listener: AccountListener
    wallet: Decimal = STARTING_BALANCE
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: dict[str, Decimal] = field(default_factory=dict)
    transfers: list[MarginTransfer] = field(default_factory=list)
    fees_paid: Decimal = Decimal(0)
    funding_paid: Decimal = Decimal(0)
    insurance_paid: Decimal = Decimal(0)
    income: IncomeLog = field(default_factory=IncomeLog)
    records: OrderRecords = field(default_factory=OrderRecords)

    def position(self, symbol: str) -> Position:
        """The symbol's position, flat where there never was one."""
        found = self.positions.get(symbol)
        return found if found is not None else self.positions.setdefault(symbol, Position())

    @property
    def cross_wallet(self) -> Decimal:
        """What of the wallet is not with an isolated position, USDT."""
        return self.wallet - sum(self.isolated.values()) if self.isolated else self.wallet

    def leverage_of(self, symbol: str) -> int:
        """Leverage set for the symbol."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def apply_fill(
        self, symbol: str, signed: Decimal, price: Decimal, *, maker: bool, market_ms: int, trade_id: int
    ) -> tuple[Decimal, Decimal]:
        """Book a fill of `signed` base units at `price`; returns realised profit and commission, USDT."""
        position = self.position(symbol)
        before = position.amount
        closing = Decimal(0)
        if before * signed < 0:
            closing = -signed if abs(signed) <= abs(before) else before
        realised = rounded(closing * (price - position.entry)) if closing else closing
        commission = rounded(abs(signed) * price * (MAKER_FEE if maker else TAKER_FEE))
        after = before + signed
        if closing == 0 and after:
            position.entry = (position.entry * before + price * signed) / after
        elif after == 0:
            position.entry = Decimal(0)
        elif after * before < 0:
            position.entry = price
        position.amount, position.update_ms = after, market_ms
        position.realised += realised
        self.fees_paid += commission
        if symbol in self.isolated:
            share = abs(closing / before) if closing else Decimal(0)
            self._move_margin(symbol, share, realised, abs(signed) - abs(closing), price, commission)
        if closing:
            self._earn(symbol, IncomeType.REALIZED_PNL, realised, market_ms, trade_id)
        self._earn(symbol, IncomeType.COMMISSION, -commission, market_ms, trade_id)
        return realised, commission

    def _move_margin(
        self, symbol: str, closed: Decimal, realised: Decimal, opened: Decimal, price: Decimal, commission: Decimal
    ) -> None:
        """Move an isolated position's margin: the share of it that is closed, less a loss, goes back to the cross wallet, a
        loss beyond the share is taken from the rest; what is opened binds its initial margin, and pays its fee."""
        bound = self.isolated[symbol]
        share = bound if closed == 1 else rounded(bound * closed)
        kept = bound - share + min(Decimal(0), share + realised) + rounded(opened * price / self.leverage_of(symbol)) - commission
        self.isolated[symbol] = kept if self.positions[symbol].amount else Decimal(0)

    def apply_funding(self, symbol: str, rate: Decimal, mark: Decimal, market_ms: int) -> Decimal:
        """Pay (positive rate: longs pay) or receive funding; returns what the wallet got, USDT."""
        received = rounded(-self.position(symbol).notional(mark) * rate)
        self.funding_paid -= received
        if symbol in self.isolated:
            self.isolated[symbol] += received
        self._earn(symbol, IncomeType.FUNDING_FEE, received, market_ms, None)
        return received

    def settle_insurance(self, symbol: str, closed: Decimal, left: Decimal, market_ms: int) -> Decimal:
        """Pay the insurance fund for a liquidation of `closed` USDT, as far as what is `left` of the wallet that its position
        stood on reaches. It fills up what is below zero once nothing stands on that any more. Returns what the wallet got."""
        received = -min(max(left, Decimal(0)), rounded(closed * LIQUIDATION_FEE))
        standing = any(p.amount for s, p in self.positions.items() if s not in self.isolated)
        if left < 0 and not (self.position(symbol).amount or (standing and symbol not in self.isolated)):
            received = -left
        self.insurance_paid -= received
        self._earn(symbol, IncomeType.INSURANCE_CLEAR, received, market_ms, None)
        return received

    def transfer_margin(self, symbol: str, amount: Decimal, market_ms: int) -> None:
        """Put margin into an isolated position, or take some out (negative), USDT."""
        self.isolated[symbol] += amount
        self.transfers.append(MarginTransfer(symbol, amount, market_ms))

    def _earn(self, symbol: str, kind: IncomeType, amount: Decimal, market_ms: int, trade_id: int | None) -> None:
        self.wallet += amount
        self.income.add(symbol, kind, amount, market_ms, trade_id)

    def unrealised(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Profit of the positions in the symbols of the marks, USDT."""
        return sum((self.positions[s].unrealised(mark) for s, mark in marks.items()), Decimal(0))

    def position_margin(self, symbol: str, mark: Decimal) -> Decimal:
        """Initial margin of a position, USDT."""
        return abs(self.position(symbol).notional(mark)) / self.leverage_of(symbol)

    def cross_available(self, marks: Mapping[str, Decimal]) -> Decimal:
        """What of the cross wallet and of the profit on it no position binds, USDT."""
        free = self.cross_wallet
        for symbol, position in self.positions.items():
            if position.amount and symbol not in self.isolated:
                free += position.unrealised(marks[symbol]) - self.position_margin(symbol, marks[symbol])
        return free
