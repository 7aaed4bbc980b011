"""One cross-margin account in exact decimals: wallet, positions, fees, funding, margin."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

STARTING_BALANCE = Decimal(100_000)
MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.0005")
DEFAULT_LEVERAGE = 20
CENT = Decimal("0.00000001")  # the venue keeps eight decimals


def rounded(amount: Decimal) -> Decimal:
    """An amount of USDT to the venue's eight decimals."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


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


@dataclass
class Account:
    """Balances of the one client."""

    wallet: Decimal = STARTING_BALANCE
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    fees_paid: Decimal = Decimal(0)
    funding_paid: Decimal = Decimal(0)

    def position(self, symbol: str) -> Position:
        """The symbol's position, flat where there never was one."""
        return self.positions.setdefault(symbol, Position())

    def leverage_of(self, symbol: str) -> int:
        """Leverage set for the symbol."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def apply_fill(self, symbol: str, signed: Decimal, price: Decimal, *, maker: bool, market_ms: int) -> tuple[Decimal, Decimal]:
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
        self.wallet += realised - commission
        self.fees_paid += commission
        return realised, commission

    def apply_funding(self, symbol: str, rate: Decimal, mark: Decimal) -> Decimal:
        """Pay (positive rate: longs pay) or receive funding; returns what the wallet got, USDT."""
        received = rounded(-self.position(symbol).notional(mark) * rate)
        self.wallet += received
        self.funding_paid -= received
        return received

    def unrealised(self, marks: dict[str, Decimal]) -> Decimal:
        """Profit of all positions at the marks, USDT."""
        return sum((p.unrealised(marks[s]) for s, p in self.positions.items()), Decimal(0))

    def position_margin(self, marks: dict[str, Decimal]) -> Decimal:
        """Initial margin of all positions, USDT."""
        return sum((abs(p.notional(marks[s])) / self.leverage_of(s) for s, p in self.positions.items()), Decimal(0))
