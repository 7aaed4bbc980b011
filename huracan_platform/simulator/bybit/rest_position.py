"""Signed REST of positions: leverage, stops, and what closed positions have brought."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit import asked
from huracan_platform.simulator.bybit.asked import Asked
from huracan_platform.simulator.bybit.client import BybitClient
from huracan_platform.simulator.bybit.closing import Closing, closings
from huracan_platform.simulator.bybit.instruments import MOST_LEVERAGE
from huracan_platform.simulator.bybit.orders import read_price
from huracan_platform.simulator.bybit.problems import refusal, wrong
from huracan_platform.simulator.bybit.wire import SIDES, UNNAMED, order_number, wire_id
from huracan_platform.simulator.exchange.account import rounded
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import LIQUIDATION, OrderRequest, Side
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Result = dict[str, Any]
WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True)
class PositionEndpoints:
    """Handlers by path; each takes the client and what it sent, and returns the result."""

    venue: Venue
    matching: Matching

    def positions(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/position/list: of a symbol, flat or not; of a settlement coin those that are not flat."""
        self.matching.advance()
        if asked.category(sent) and not sent.get("symbol") and not sent.get("settleCoin"):
            raise wrong("Symbol or settleCoin is required")
        names = asked.symbols(sent, self.venue)
        if not sent.get("symbol"):
            names = [s for s in names if client.account.position(s).amount]
        found, cursor = asked.page(sent, names, asked.rows(sent, 20, 200))
        return {"category": sent["category"], "list": [client.view.position(s) for s in found], "nextPageCursor": cursor}

    def set_leverage(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/position/set-leverage"""
        self.matching.advance()
        symbol = asked.symbol(sent, self.venue)
        wanted, other = parameters.decimal(sent, "buyLeverage"), parameters.decimal(sent, "sellLeverage")
        if wanted is None or wanted != other:
            raise wrong("buy leverage not equal sell leverage")
        if wanted != int(wanted) or not 1 <= wanted <= MOST_LEVERAGE:
            raise wrong(f"leverage: expected a whole number from 1 to {MOST_LEVERAGE}, got {wanted}")
        if int(wanted) == client.account.leverage_of(symbol):
            raise refusal(110043, "leverage not modified")
        try:
            client.settings.set_leverage(symbol, int(wanted))
        except VenueRefusal as refused:
            if refused.code == -2027:
                raise refusal(110013, "Cannot set leverage due to risk limit level.") from None
            raise
        return {}

    def trading_stop(self, client: BybitClient, sent: Asked) -> Result:
        """POST /v5/position/trading-stop: stop loss and take profit of a whole position; "0" takes one away."""
        self.matching.advance()
        symbol = asked.symbol(sent, self.venue)
        amount = client.account.position(symbol).amount
        if not amount:
            raise refusal(10001, "can not set tp/sl/ts for zero position")
        if sent.get("tpslMode", "Full") not in ("", "Full") or sent.get("trailingStop", "0") not in ("", "0"):
            raise wrong("expected tpslMode Full and no trailingStop")
        if not sent.get("stopLoss") and not sent.get("takeProfit"):
            raise wrong("stopLoss or takeProfit is required")
        for name, kind in (("stopLoss", "STOP_MARKET"), ("takeProfit", "TAKE_PROFIT_MARKET")):
            if sent.get(name):
                self._set_stop(client, symbol, amount, kind, sent, name)
        return {}

    def _set_stop(self, client: BybitClient, symbol: str, amount: Decimal, kind: str, sent: Asked, name: str) -> None:
        instrument, present = self.venue.listed(symbol).instrument, client.view.attached(symbol, kind)
        clears = parameters.decimal(sent, name) == 0
        trigger = 0 if clears else read_price(sent, name, instrument)
        if present is None if clears else present is not None and present.trigger == trigger:
            raise refusal(34040, "not modified")
        side = Side.SELL if amount > 0 else Side.BUY
        records = client.account.records
        request = OrderRequest(
            f"{UNNAMED}{len(records.orders) + len(records.conditionals)}", side, kind, "GTC", 0, None, reduce_only=False,
            close_position=True,
        )
        last = instrument.ticks(self.matching.mark(symbol))
        above = (side is Side.BUY) == (kind == "STOP_MARKET")
        if not clears and (trigger <= last if above else trigger >= last):
            raise refusal(10001, f"{name}:{trigger} set for position should be {'higher' if above else 'lower'} than {last}")
        if present is not None:
            client.desk.withdraw_conditional(present)
        if not clears:
            client.desk.submit_conditional(request, instrument, trigger, "CONTRACT_PRICE")

    def switch_mode(self, _client: BybitClient, sent: Asked) -> Result:
        """POST /v5/position/switch-mode: one-way is all there is."""
        asked.category(sent)
        if sent.get("mode") == "0":
            raise refusal(110025, "Position mode is not modified")
        raise refusal(110029, "Hedge mode is not supported for this symbol")

    def closed_pnl(self, client: BybitClient, sent: Asked) -> Result:
        """GET /v5/position/closed-pnl: one row for each closing order, newest first; of seven days unless times are sent."""
        self.matching.advance()
        symbols = asked.symbols(sent, self.venue)
        since, until = asked.window(sent, self.matching.cursor_ms, WEEK_MS, WEEK_MS)
        found = [
            c for c in reversed(closings(client.account.records.fills))
            if c.order.instrument.symbol in symbols and since <= c.created_ms <= until
        ]
        rows, cursor = asked.page(sent, found, asked.rows(sent, 50, 100))
        return {
            "category": sent["category"], "nextPageCursor": cursor,
            "list": [_closing_object(c, client.account.leverage_of(c.order.instrument.symbol)) for c in rows],
        }


def _closing_object(closing: Closing, leverage: int) -> Result:
    order, instrument = closing.order, closing.order.instrument
    return {
        "symbol": instrument.symbol, "orderId": wire_id(order_number(order)), "side": SIDES[order.request.side],
        "qty": plain(instrument.quantity(order.request.lots)), "orderPrice": plain(instrument.price(order.request.price or 0)),
        "orderType": "Market" if order.request.price is None else "Limit",
        "execType": "BustTrade" if order.request.kind == LIQUIDATION else "Trade", "closedSize": plain(closing.size),
        "cumEntryValue": plain(rounded(closing.entry_value)), "avgEntryPrice": plain(rounded(closing.entry_value / closing.size)),
        "cumExitValue": plain(rounded(closing.exit_value)), "avgExitPrice": plain(rounded(closing.exit_value / closing.size)),
        "closedPnl": plain(rounded(closing.profit)), "fillCount": str(closing.fills), "leverage": str(leverage),
        "openFee": plain(rounded(closing.open_fee)), "closeFee": plain(rounded(closing.close_fee)),
        "createdTime": str(closing.created_ms), "updatedTime": str(closing.updated_ms),
    }
