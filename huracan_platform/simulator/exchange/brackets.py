"""Leverage brackets: how far a position may be levered at its size, and what maintenance margin it needs.

Notionals in USDT. The table is that of the venue's largest contract; every listed symbol has it. `cum` makes the
maintenance margin continuous from one bracket to the next: cum_k = cum_{k−1} + floor_k · (ratio_k − ratio_{k−1}).
https://www.binance.com/en/futures/trading-rules/perpetual/leverage-margin
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache


@dataclass(frozen=True)
class Bracket:
    """Positions worth `floor` to `cap` USDT: highest leverage, and maintenance margin of notional · ratio − cum."""

    number: int
    leverage: int
    floor: Decimal
    cap: Decimal
    ratio: Decimal
    cum: Decimal


def _table(rows: list[tuple[int, int, str]]) -> tuple[Bracket, ...]:
    """Brackets from (leverage, cap, ratio), smallest positions first."""
    brackets: list[Bracket] = []
    floor, last, cum = Decimal(0), Decimal(rows[0][2]), Decimal(0)
    for number, (leverage, cap, text) in enumerate(rows, 1):
        ratio = Decimal(text)
        cum += floor * (ratio - last)
        brackets.append(Bracket(number, leverage, floor, Decimal(cap), ratio, cum))
        floor, last = Decimal(cap), ratio
    return tuple(brackets)


BRACKETS = _table([
    (125, 300_000, "0.004"), (100, 800_000, "0.005"), (75, 3_000_000, "0.0065"), (50, 12_000_000, "0.01"),
    (25, 70_000_000, "0.02"), (20, 100_000_000, "0.025"), (10, 230_000_000, "0.05"), (5, 480_000_000, "0.1"),
    (4, 600_000_000, "0.125"), (3, 800_000_000, "0.15"), (2, 1_200_000_000, "0.25"), (1, 1_800_000_000, "0.5"),
])


def bracket_of(notional: Decimal) -> Bracket:
    """The bracket of a position of that absolute value, USDT; beyond the table its last one."""
    return next((b for b in BRACKETS if notional <= b.cap), BRACKETS[-1])


def maintenance_margin(notional: Decimal) -> Decimal:
    """Margin that a position of that absolute value must keep, USDT."""
    bracket = bracket_of(notional)
    return notional * bracket.ratio - bracket.cum


@cache
def most_notional(leverage: int) -> Decimal:
    """Largest position that the leverage allows, USDT."""
    return max(b.cap for b in BRACKETS if b.leverage >= leverage)
