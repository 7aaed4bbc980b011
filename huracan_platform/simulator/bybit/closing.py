"""What closed a position and what came of it: a walk through an account's fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.simulator.exchange.orders import Fill, Order

ZERO = Decimal(0)


@dataclass
class Closing:
    """What one order closed of a position: base units, and USDT; `open_fee` the fees of opening that part."""

    order: Order
    size: Decimal = ZERO
    exit_value: Decimal = ZERO
    realised: Decimal = ZERO
    open_fee: Decimal = ZERO
    close_fee: Decimal = ZERO
    fills: int = 0
    created_ms: int = 0
    updated_ms: int = 0

    @property
    def entry_value(self) -> Decimal:
        """Value of the part at the price at which it was entered, USDT."""
        return self.exit_value + self.order.request.side.sign * self.realised

    @property
    def profit(self) -> Decimal:
        """Profit after the fees of opening and closing, USDT."""
        return self.realised - self.open_fee - self.close_fee


@dataclass
class _Held:
    amount: Decimal = ZERO
    fees: Decimal = ZERO


def closed_sizes(fills: Sequence[Fill]) -> list[Decimal]:
    """What each of an account's fills, from the first, closed of a position, base units."""
    held: dict[str, Decimal] = {}
    sizes = []
    for fill in fills:
        symbol, signed = fill.order.instrument.symbol, _signed(fill)
        before = held.get(symbol, ZERO)
        sizes.append(min(abs(signed), abs(before)) if before * signed < 0 else ZERO)
        held[symbol] = before + signed
    return sizes


def closings(fills: Sequence[Fill]) -> list[Closing]:
    """The closing orders among an account's fills, from the first, in the order in which they began to close."""
    held: dict[str, _Held] = {}
    found: dict[int, Closing] = {}
    for fill, closed in zip(fills, closed_sizes(fills), strict=True):
        position, signed = held.setdefault(fill.order.instrument.symbol, _Held()), _signed(fill)
        part = closed / abs(signed)
        if closed:
            closing = found.setdefault(fill.order.order_id, Closing(fill.order, created_ms=fill.time_ms))
            opened = position.fees * closed / abs(position.amount)
            position.fees -= opened
            closing.size += closed
            closing.exit_value += closed * fill.order.instrument.price(fill.price)
            closing.realised += fill.realised
            closing.open_fee += opened
            closing.close_fee += fill.commission * part
            closing.fills += 1
            closing.updated_ms = fill.time_ms
        position.amount += signed
        position.fees += fill.commission * (1 - part)
    return list(found.values())


def _signed(fill: Fill) -> Decimal:
    return fill.order.instrument.quantity(fill.lots) * fill.order.request.side.sign
