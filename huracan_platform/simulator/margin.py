"""Cross margin: what the account is worth, what it must keep, and the price at which a position is taken from it.

One wallet stands for all positions. With signed amount q, entry E, wallet W, and U, M the unrealised profit and the
maintenance margin of the other positions, the position is liquidated where

    W + U − M + q (p − E) = |q| p ratio − cum        p = (W + U − M + cum − q E) / (|q| ratio − q)

https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from huracan_platform.simulator.account import Account
from huracan_platform.simulator.brackets import BRACKETS, maintenance_margin

Marks = Mapping[str, Decimal]


def maintenance_of(account: Account, symbol: str, mark: Decimal) -> Decimal:
    """Maintenance margin of one position at a mark price, USDT."""
    return maintenance_margin(abs(account.position(symbol).notional(mark)))


def maintenance(account: Account, marks: Marks) -> Decimal:
    """Maintenance margin of all positions, USDT."""
    return sum((maintenance_of(account, s, marks[s]) for s in held(account)), Decimal(0))


def held(account: Account) -> list[str]:
    """Symbols with a position."""
    return [s for s, p in account.positions.items() if p.amount]


def must_be_liquidated(account: Account, marks: Marks) -> bool:
    """Whether the margin balance is below the maintenance margin."""
    profit = sum((account.positions[s].unrealised(marks[s]) for s in held(account)), Decimal(0))
    return account.wallet + profit < maintenance(account, marks)


def could_be_liquidated(account: Account, lows: Marks, highs: Marks) -> bool:
    """Whether some path of prices between the lows and the highs could need a liquidation; never False where one does."""
    worth = account.wallet
    for symbol in held(account):
        position, high = account.positions[symbol], highs[symbol]
        worth += position.unrealised(lows[symbol] if position.amount > 0 else high) - maintenance_of(account, symbol, high)
    return worth < 0


def liquidation_price(account: Account, symbol: str, marks: Marks) -> Decimal | None:
    """Mark price of the symbol at which the account is liquidated, all other marks unchanged, USDT.

    None without a position, and where no positive price does it. The bracket is that of the position at this price.
    """
    return _price_where_short_of(account, symbol, marks, [(b.ratio, b.cum, b.cap) for b in BRACKETS])


def bankruptcy_price(account: Account, symbol: str, marks: Marks) -> Decimal | None:
    """Mark price of the symbol at which the account is worth nothing, all other marks unchanged, USDT; None as above."""
    return _price_where_short_of(account, symbol, marks, [(Decimal(0), Decimal(0), Decimal("Infinity"))])


def _price_where_short_of(
    account: Account, symbol: str, marks: Marks, margins: list[tuple[Decimal, Decimal, Decimal]]
) -> Decimal | None:
    """Solve for each (ratio, cum, cap): the margin grows more slowly than the position, so that one solution fits."""
    position = account.position(symbol)
    amount = position.amount
    if amount == 0:
        return None
    worth = account.wallet - amount * position.entry
    for other in held(account):
        if other != symbol:
            worth += account.positions[other].unrealised(marks[other])
            worth -= maintenance_of(account, other, marks[other]) if margins[0][0] else Decimal(0)
    for ratio, cum, cap in margins:
        price = (worth + cum) / (abs(amount) * ratio - amount)
        if abs(amount) * price <= cap:
            return price if price > 0 else None
    return None
