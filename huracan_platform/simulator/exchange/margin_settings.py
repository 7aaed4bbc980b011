"""What a client sets for the margin of its positions: leverage, cross or isolated, and how much an isolated one has."""

from __future__ import annotations

from decimal import Decimal

from huracan_platform.simulator.exchange.account import rounded
from huracan_platform.simulator.exchange.admission import TOO_LARGE, reachable
from huracan_platform.simulator.exchange.brackets import most_notional
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Side
from huracan_platform.simulator.serving.problems import VenueRefusal


class MarginSettings:
    """Changes of an account's settings, refused as the venue refuses them."""

    def __init__(self, matching: Matching, desk: OrderDesk) -> None:
        self._matching, self._desk, self._account = matching, desk, desk.account

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Change the leverage, unless position and resting orders are too large for it or their margin would not be there."""
        account, before = self._account, self._account.leverage_of(symbol)
        if leverage < before and symbol in account.isolated and account.position(symbol).amount:
            raise VenueRefusal(-4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.")
        if max(reachable(self._matching, account, symbol, side) for side in Side) > most_notional(leverage):
            raise VenueRefusal(-2027, TOO_LARGE)
        account.leverage[symbol] = leverage
        if leverage < before and self._desk.available() < 0:
            account.leverage[symbol] = before
            raise VenueRefusal(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
        if leverage != before:
            account.listener.leverage_changed(symbol, leverage, self._matching.cursor_ms)

    def set_isolated(self, symbol: str, *, isolated: bool) -> None:
        """Change the margin type of a symbol that has neither orders nor a position."""
        account, working = self._account, self._account.records.working_in(symbol)
        if isolated == (symbol in account.isolated):
            raise VenueRefusal(-4046, "No need to change margin type.")
        if working.orders or working.conditionals:
            raise VenueRefusal(-4047, "Margin type cannot be changed if there exists open orders.")
        if account.position(symbol).amount:
            raise VenueRefusal(-4048, "Margin type cannot be changed if there exists position.")
        if isolated:
            account.isolated[symbol] = Decimal(0)
        else:
            del account.isolated[symbol]

    def transfer_margin(self, symbol: str, amount: Decimal) -> None:
        """Put USDT from the cross wallet into an isolated position, or take out (negative) what it does not need."""
        account, mark = self._account, self._matching.mark(symbol)
        if symbol not in account.isolated:
            raise VenueRefusal(-4049, "Add margin only support for isolated position.")
        position = account.position(symbol)
        if position.amount == 0:
            raise VenueRefusal(-4054, "Cannot add position margin: position is 0.")
        if amount > 0 and amount > self._desk.available():
            raise VenueRefusal(-4050, "Cross balance insufficient.")
        spare = account.isolated[symbol] + min(Decimal(0), position.unrealised(mark)) - account.position_margin(symbol, mark)
        if amount < 0 and -amount > spare:
            raise VenueRefusal(-4051, "Isolated balance insufficient.")
        account.transfer_margin(symbol, rounded(amount), self._matching.cursor_ms)
        account.listener.account_changed("MARGIN_TRANSFER", symbol, self._matching.cursor_ms)
