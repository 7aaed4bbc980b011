"""Balances and positions as JSON objects of the venue's REST and user-stream messages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.account import MarginTransfer, Position, rounded
from huracan_platform.simulator.exchange.brackets import maintenance_margin, most_notional
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.logs import Income
from huracan_platform.simulator.exchange.margin import liquidation_price, maintenance
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.venue import Venue

_ASSET = "USDT"


def income_object(income: Income) -> dict[str, Any]:
    """A row of the income history."""
    return {
        "symbol": income.symbol, "incomeType": income.kind.value, "income": plain(income.amount), "asset": _ASSET,
        "info": str(income.trade_id or income.kind.value), "time": income.time_ms, "tranId": income.number,
        "tradeId": "" if income.trade_id is None else str(income.trade_id),
    }


def transfer_object(transfer: MarginTransfer) -> dict[str, Any]:
    """A row of the history of a position's margin."""
    return {
        "symbol": transfer.symbol, "type": 1 if transfer.amount > 0 else 2, "deltaType": "USER_ADJUST",
        "amount": plain(abs(transfer.amount)), "asset": _ASSET, "time": transfer.time_ms, "positionSide": "BOTH",
    }


class AccountView:
    """Reads an account at the market clock's now."""

    def __init__(self, venue: Venue, matching: Matching, desk: OrderDesk) -> None:
        self._venue, self._matching, self._desk, self._account = venue, matching, desk, desk.account

    def totals(self) -> dict[str, str]:
        """Sums of the account, USDT."""
        account, marks = self._account, self._matching.marks(self._account)
        unrealised, free = account.unrealised(marks), self._desk.available()
        margin = rounded(sum((account.position_margin(s, mark) for s, mark in marks.items()), Decimal(0)))
        available, order_margin = rounded(max(Decimal(0), free)), rounded(account.cross_available(marks) - free)
        cross = account.unrealised({s: m for s, m in marks.items() if s not in account.isolated})
        return {
            "walletBalance": plain(account.wallet), "unrealizedProfit": plain(unrealised),
            "marginBalance": plain(account.wallet + unrealised), "initialMargin": plain(margin + order_margin),
            "positionInitialMargin": plain(margin), "openOrderInitialMargin": plain(order_margin),
            "maintMargin": plain(rounded(maintenance(account, marks))), "availableBalance": plain(available),
            "crossUnPnl": plain(cross), "crossWalletBalance": plain(account.cross_wallet), "maxWithdrawAmount": plain(available),
        }

    def account(self, version: int) -> dict[str, Any]:
        """`/fapi/v2/account` with every symbol, or `/fapi/v3/account` with those in use."""
        totals, now = self.totals(), self._matching.cursor_ms
        asset = {"asset": _ASSET, **totals, "marginAvailable": True, "updateTime": now}
        sums = {f"total{name[0].upper()}{name[1:]}": value for name, value in totals.items()
                if name not in ("availableBalance", "maxWithdrawAmount", "crossUnPnl", "crossWalletBalance")}
        positions = [self._account_position(s, version) for s in self._symbols(version)]
        return {
            "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False, "updateTime": now,
            "multiAssetsMargin": False, **sums, "totalCrossWalletBalance": totals["crossWalletBalance"],
            "totalCrossUnPnl": totals["crossUnPnl"], "availableBalance": totals["availableBalance"],
            "maxWithdrawAmount": totals["maxWithdrawAmount"], "assets": [asset], "positions": positions,
        }

    def balance(self) -> list[dict[str, Any]]:
        """`/fapi/v2|v3/balance`."""
        totals = self.totals()
        return [{
            "accountAlias": "sim", "asset": _ASSET, "balance": totals["walletBalance"],
            "crossWalletBalance": totals["crossWalletBalance"], "crossUnPnl": totals["crossUnPnl"],
            "availableBalance": totals["availableBalance"], "maxWithdrawAmount": totals["maxWithdrawAmount"],
            "initialMargin": totals["initialMargin"], "marginBalance": totals["marginBalance"], "marginAvailable": True,
            "updateTime": self._matching.cursor_ms,
        }]

    def position_risk(self, symbol: str | None, version: int) -> list[dict[str, Any]]:
        """`/fapi/v2/positionRisk` for every symbol, or `/fapi/v3/positionRisk` for those with a position."""
        symbols = [symbol] if symbol else self._symbols(version)
        if symbol and version == 3 and self._account.position(symbol).amount == 0:
            return []
        return [self._risk(s, version) for s in symbols]

    def _symbols(self, version: int) -> list[str]:
        held = self._account.positions
        return list(self._venue.traded) if version == 2 else [s for s in self._venue.symbols if s in held and held[s].amount]

    def _common(self, symbol: str) -> tuple[Position, Decimal, dict[str, Any]]:
        position, mark = self._account.position(symbol), self._matching.mark(symbol)
        notional = position.notional(mark)
        margin, unrealised = rounded(self._account.position_margin(symbol, mark)), position.unrealised(mark)
        own = self._account.isolated.get(symbol)
        resting = rounded(self._desk.order_margin(symbol))
        return position, mark, {
            "symbol": symbol, "positionSide": "BOTH", "positionAmt": plain(position.amount),
            "entryPrice": f"{position.entry:.8f}", "breakEvenPrice": f"{position.entry:.8f}", "notional": plain(notional),
            "isolatedWallet": plain(own or Decimal(0)), "isolatedMargin": "0" if own is None else plain(own + unrealised),
            "initialMargin": plain(margin + resting),
            "positionInitialMargin": plain(margin), "openOrderInitialMargin": plain(resting),
            "maintMargin": plain(rounded(maintenance_margin(abs(notional)))), "updateTime": position.update_ms,
        }

    def _account_position(self, symbol: str, version: int) -> dict[str, Any]:
        position, mark, row = self._common(symbol)
        row["unrealizedProfit"] = plain(position.unrealised(mark))
        if version == 2:
            row |= self._v2(symbol) | {"isolated": symbol in self._account.isolated}
        return row

    def _risk(self, symbol: str, version: int) -> dict[str, Any]:
        position, mark, row = self._common(symbol)
        row |= {
            "unRealizedProfit": plain(position.unrealised(mark)), "markPrice": plain(mark),
            "liquidationPrice": self._liquidation(symbol), "marginAsset": _ASSET, "adl": 0,
            "bidNotional": "0", "askNotional": "0",
        }
        kind = {"marginType": self._margin_type(symbol), "isAutoAddMargin": "false"}
        return row | self._v2(symbol) | kind if version == 2 else row

    def _margin_type(self, symbol: str) -> str:
        return "isolated" if symbol in self._account.isolated else "cross"

    def _v2(self, symbol: str) -> dict[str, Any]:
        leverage = self._account.leverage_of(symbol)
        most = plain(most_notional(leverage))
        return {"leverage": str(leverage), "maxNotional": most, "maxNotionalValue": most}

    def _liquidation(self, symbol: str) -> str:
        price = liquidation_price(self._account, symbol, self._matching.marks(self._account))
        return "0" if price is None else f"{price:.8f}"

    def event(self, reason: str, symbol: str | None, market_ms: int) -> dict[str, Any]:
        """ACCOUNT_UPDATE with the wallet and, where one changed, the position."""
        account, positions = self._account, []
        if symbol is not None:
            position = account.position(symbol)
            positions.append({
                "s": symbol, "pa": plain(position.amount), "ep": f"{position.entry:.8f}", "bep": f"{position.entry:.8f}",
                "cr": plain(position.realised), "up": plain(position.unrealised(self._matching.mark(symbol))),
                "mt": self._margin_type(symbol), "iw": plain(account.isolated.get(symbol, Decimal(0))), "ps": "BOTH",
            })
        # Fees and realised profit are told with their order; only what came otherwise is a balance change.
        change = "0" if reason in ("ORDER", "MARGIN_TRANSFER") else plain(account.income[-1].amount)
        balances = [{"a": _ASSET, "wb": plain(account.wallet), "cw": plain(account.cross_wallet), "bc": change}]
        return {
            "e": "ACCOUNT_UPDATE", "E": market_ms, "T": market_ms, "a": {"m": reason, "B": balances, "P": positions},
        }
