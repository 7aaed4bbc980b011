"""Positions from fills, in Decimal: quantity, average entry price, realised PnL, fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.contracts.order import Fill

ZERO = Decimal(0)


@dataclass(frozen=True)
class Position:
    """One symbol's position. `quantity` is signed (negative short); PnL and fees in quote currency, fees positive = paid."""

    symbol: str
    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    realised_pnl: Decimal = ZERO
    fees: Decimal = ZERO

    def unrealised_pnl(self, mark: Decimal) -> Decimal:
        """PnL if it were closed at the mark, fees left out."""
        return self.quantity * (mark - self.entry_price)


def apply_fill(position: Position, fill: Fill) -> Position:
    """The position after one fill: adding averages the entry, reducing realises, turning around does both."""
    signed = fill.quantity * fill.side.sign
    before, after = position.quantity, position.quantity + signed
    fees = position.fees + fill.fee
    if before * signed >= 0:
        cost = abs(before) * position.entry_price + fill.quantity * fill.price
        return Position(position.symbol, after, cost / abs(after), position.realised_pnl, fees)
    closed = min(abs(before), fill.quantity)
    direction = 1 if before > 0 else -1
    realised = position.realised_pnl + closed * direction * (fill.price - position.entry_price)
    entry = ZERO if after == 0 else fill.price if before * after < 0 else position.entry_price
    return Position(position.symbol, after, entry, realised, fees)


def fold_fills(symbol: str, fills: Iterable[Fill]) -> Position:
    """The position that a symbol's fills make, in the venue's order of trade ids, each trade id once."""
    position = Position(symbol)
    for fill in _in_order(fills):
        position = apply_fill(position, fill)
    return position


class PositionBook:
    """Positions of one account, kept up to date fill by fill; a fill that comes late or twice changes nothing it should not."""

    def __init__(self, fills: Iterable[Fill] = ()) -> None:
        self._fills: dict[str, dict[str, Fill]] = {}
        self._positions: dict[str, Position] = {}
        self.add(fills)

    def add(self, fills: Iterable[Fill]) -> set[str]:
        """Take fills in; the symbols whose position was recomputed."""
        touched = set()
        for fill in fills:
            known = self._fills.setdefault(fill.symbol, {})
            if fill.trade_id not in known:
                known[fill.trade_id] = fill
                touched.add(fill.symbol)
        for symbol in touched:
            self._positions[symbol] = fold_fills(symbol, self._fills[symbol].values())
        return touched

    def position(self, symbol: str) -> Position:
        """The symbol's position, flat where nothing was traded."""
        return self._positions.get(symbol, Position(symbol))

    def all(self) -> list[Position]:
        """Every symbol that was ever traded, by name; flat ones carry their realised PnL."""
        return [self._positions[symbol] for symbol in sorted(self._positions)]

    def with_foreign_part(self) -> list[str]:
        """Symbols whose present position holds trades that no order of ours made, since it was last flat."""
        return [symbol for symbol in sorted(self._fills) if _foreign_since_flat(symbol, self._fills[symbol].values())]

    def next_trade_id(self, symbol: str) -> int | None:
        """The trade id to ask the venue from: the newest known plus one; None before the first."""
        ids = [_number(trade_id) for trade_id in self._fills.get(symbol, ())]
        return max(ids) + 1 if ids else None


def _foreign_since_flat(symbol: str, fills: Iterable[Fill]) -> bool:
    position, foreign = Position(symbol), False
    for fill in _in_order(fills):
        position = apply_fill(position, fill)
        foreign = position.quantity != 0 and (foreign or fill.client_order_id is None)
    return foreign


def _in_order(fills: Iterable[Fill]) -> list[Fill]:
    once = {fill.trade_id: fill for fill in fills}
    return sorted(once.values(), key=lambda fill: (fill.traded_ms, _number(fill.trade_id), fill.trade_id))


def _number(trade_id: str) -> int:
    return int(trade_id) if trade_id.isdigit() else 0
