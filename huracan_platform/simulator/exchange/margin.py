"""Margin: what must be kept for positions, and the price at which they are taken from their account.

Positions in cross margin stand together on the cross wallet, one in isolated margin on its own. With signed amount q,
entry E, the wallet W they stand on, and U, M the unrealised profit and the maintenance margin of the others that stand on
it, a position is liquidated where

    W + U − M + q (p − E) = |q| p ratio − cum        p = (W + U − M + cum − q E) / (|q| ratio − q)

https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.brackets import BRACKETS, maintenance_margin

Marks = Mapping[str, Decimal]
ZERO = Decimal(0)


def maintenance_of(account: Account, symbol: str, mark: Decimal) -> Decimal:
    """Maintenance margin of one position at a mark price, USDT."""
    return maintenance_margin(abs(account.position(symbol).notional(mark)))


def held(account: Account) -> list[str]:
    """Symbols with a position."""
    return [s for s, p in account.positions.items() if p.amount]


@dataclass(frozen=True)
class Pool:
    """Positions that stand on one wallet of `wallet` USDT: all in cross margin, or one in isolated margin."""

    account: Account
    wallet: Decimal
    symbols: tuple[str, ...]
    isolated: bool

    def profit(self, marks: Marks) -> Decimal:
        """Unrealised profit, USDT."""
        return sum((self.account.positions[s].unrealised(marks[s]) for s in self.symbols), ZERO)

    def maintenance(self, marks: Marks) -> Decimal:
        """Margin that must be kept, USDT."""
        return sum((maintenance_of(self.account, s, marks[s]) for s in self.symbols), ZERO)

    def falls_short(self, marks: Marks) -> bool:
        """Whether the margin balance is below the maintenance margin."""
        return self.wallet + self.profit(marks) < self.maintenance(marks)

    def could_fall_short(self, lows: Marks, highs: Marks) -> bool:
        """Whether some path of prices between the lows and the highs could need a liquidation; never False where one does."""
        worth = self.wallet
        for symbol in self.symbols:
            position, high = self.account.positions[symbol], highs[symbol]
            worth += position.unrealised(lows[symbol] if position.amount > 0 else high)
            worth -= maintenance_of(self.account, symbol, high)
        return worth < 0


def pools(account: Account) -> list[Pool]:
    """What the account's positions stand on, the cross wallet first."""
    symbols = held(account)
    cross = tuple(s for s in symbols if s not in account.isolated)
    alone = [Pool(account, account.isolated[s], (s,), True) for s in symbols if s in account.isolated]
    return [Pool(account, account.cross_wallet, cross, False), *alone] if cross else alone


def pool_of(account: Account, symbol: str) -> Pool | None:
    """What a position stands on; None without a position."""
    return next((pool for pool in pools(account) if symbol in pool.symbols), None)


def maintenance(account: Account, marks: Marks) -> Decimal:
    """Maintenance margin of all positions, USDT."""
    return sum((maintenance_of(account, s, marks[s]) for s in held(account)), ZERO)


def liquidation_price(account: Account, symbol: str, marks: Marks) -> Decimal | None:
    """Mark price of the symbol at which its position is liquidated, all other marks unchanged, USDT.

    None without a position, and where no positive price does it. The bracket is that of the position at this price.
    """
    return _price_where_short_of(account, symbol, marks, [(b.ratio, b.cum, b.cap) for b in BRACKETS])


def bankruptcy_price(account: Account, symbol: str, marks: Marks) -> Decimal | None:
    """Mark price of the symbol at which nothing is left of its wallet, all other marks unchanged, USDT; None as above."""
    return _price_where_short_of(account, symbol, marks, [(ZERO, ZERO, Decimal("Infinity"))])


def _price_where_short_of(
    account: Account, symbol: str, marks: Marks, margins: list[tuple[Decimal, Decimal, Decimal]]
) -> Decimal | None:
    """Solve for each (ratio, cum, cap): the margin grows more slowly than the position, so that one solution fits."""
    pool = pool_of(account, symbol)
    if pool is None:
        return None
    position = account.positions[symbol]
    amount = position.amount
    worth = pool.wallet - amount * position.entry
    for other in pool.symbols:
        if other != symbol:
            worth += account.positions[other].unrealised(marks[other])
            worth -= maintenance_of(account, other, marks[other]) if margins[0][0] else ZERO
    for ratio, cum, cap in margins:
        price = (worth + cum) / (abs(amount) * ratio - amount)
        if abs(amount) * price <= cap:
            return price if price > 0 else None
    return None
