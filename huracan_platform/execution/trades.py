"""Round trips from fills: each from flat to flat, with its profit after fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from huracan_platform.contracts.order import Fill
from huracan_platform.execution.positions import Position, apply_fill

ZERO = Decimal(0)


@dataclass(frozen=True)
class RoundTrip:
    """One position from its first fill to flat. Prices are averages, `pnl` is after `fees`, in quote currency; times ms UTC."""

    symbol: str
    side: str
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    opened_ms: int
    closed_ms: int
    fees: Decimal
    pnl: Decimal
    entry_trade_id: str

    def as_dict(self) -> dict[str, str | int]:
        """Plain values; decimals as text."""
        return {name: value if isinstance(value, int) else str(value) for name, value in vars(self).items()}


def round_trips(fills: Iterable[Fill]) -> list[RoundTrip]:
    """Closed round trips in the order of closing. `fills` of one account, in the order of trading.

    A fill that turns a position around is cut in two: its fee counts for the trip that it closes.
    """
    trips = []
    held: dict[str, tuple[Position, list[Fill]]] = {}
    for fill in fills:
        position, parts = held.get(fill.symbol, (Position(fill.symbol), []))
        for piece in _pieces(position, fill):
            position, parts = apply_fill(position, piece), [*parts, piece]
            if position.quantity == 0:
                trips.append(_trip(parts, position))
                position, parts = Position(fill.symbol), []
        held[fill.symbol] = (position, parts)
    return trips


def _pieces(position: Position, fill: Fill) -> list[Fill]:
    left = abs(position.quantity)
    if position.quantity * fill.side.sign >= 0 or fill.quantity <= left:
        return [fill]
    return [replace(fill, quantity=left), replace(fill, quantity=fill.quantity - left, fee=ZERO)]


def _trip(parts: list[Fill], end: Position) -> RoundTrip:
    side = parts[0].side
    entries = [f for f in parts if f.side is side]
    exits = [f for f in parts if f.side is not side]
    quantity = sum((f.quantity for f in entries), ZERO)
    return RoundTrip(
        symbol=parts[0].symbol, side="long" if side.sign > 0 else "short", quantity=quantity,
        entry_price=_average(entries), exit_price=_average(exits), opened_ms=parts[0].traded_ms, closed_ms=parts[-1].traded_ms,
        fees=end.fees, pnl=end.realised_pnl - end.fees, entry_trade_id=parts[0].trade_id,
    )


def _average(fills: list[Fill]) -> Decimal:
    return sum((f.quantity * f.price for f in fills), ZERO) / sum((f.quantity for f in fills), ZERO)
