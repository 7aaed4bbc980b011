"""What an account looks like at the market clock's now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit.asked import LINEAR, SETTLED_IN
from huracan_platform.simulator.bybit.closing import ZERO
from huracan_platform.simulator.bybit.tally import Tally
from huracan_platform.simulator.bybit.wire import wire_id
from huracan_platform.simulator.exchange.account import rounded
from huracan_platform.simulator.exchange.brackets import bracket_of
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.logs import IncomeType
from huracan_platform.simulator.exchange.margin import liquidation_price, maintenance, maintenance_of
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Conditional, Fill, Order
from huracan_platform.simulator.venue import Venue


class View:
    """Reads one account. `reasons` say why orders were turned away, by their number."""

    def __init__(self, venue: Venue, matching: Matching, desk: OrderDesk) -> None:
        self._venue, self._matching, self._desk, self._account = venue, matching, desk, desk.account
        self._tally = Tally(desk.account)
        self.reasons: dict[int, str] = {}

    def fee_of(self, order: Order) -> Decimal:
        """What an order's executions have paid, USDT."""
        return self._tally.fees(order)

    def fee_of_conditional(self, conditional: Conditional) -> Decimal:
        """What the executions of the order that a trigger made have paid, USDT."""
        return ZERO if conditional.order is None else self.fee_of(conditional.order)

    def closed_by(self, fill: Fill) -> Decimal:
        """What the last fill of a symbol closed of its position, base units."""
        instrument = fill.order.instrument
        signed = instrument.quantity(fill.lots) * fill.order.request.side.sign
        before = self._account.position(instrument.symbol).amount - signed
        return min(abs(signed), abs(before)) if before * signed < 0 else ZERO

    def attached(self, symbol: str, kind: str) -> Conditional | None:
        """The stop loss (STOP_MARKET) or take profit (TAKE_PROFIT_MARKET) that is set for a position."""
        waiting = self._desk.waiting(symbol)
        return next((c for c in waiting if c.request.close_position and c.request.kind == kind), None)

    def position(self, symbol: str) -> dict[str, Any]:
        """The position of a symbol, flat or not."""
        account, instrument = self._account, self._venue.listed(symbol).instrument
        position, mark = account.position(symbol), self._matching.mark(symbol)
        amount, value, tier = position.amount, abs(position.notional(mark)), bracket_of(abs(position.notional(mark)))
        price = liquidation_price(account, symbol, self._matching.marks(account))
        margin, kept = plain(rounded(value / account.leverage_of(symbol))), plain(rounded(maintenance_of(account, symbol, mark)))
        earned = self._tally.symbol(symbol)
        stops = {kind: self.attached(symbol, kind) for kind in ("STOP_MARKET", "TAKE_PROFIT_MARKET")}
        loss, gain = ("" if c is None else plain(instrument.price(c.trigger)) for c in stops.values())
        return {
            "category": LINEAR, "positionIdx": 0, "riskId": tier.number, "riskLimitValue": plain(tier.cap), "symbol": symbol,
            "side": "Buy" if amount > 0 else "Sell" if amount < 0 else "", "size": plain(abs(amount)),
            "avgPrice": plain(rounded(position.entry)), "entryPrice": plain(rounded(position.entry)),
            "positionValue": plain(value), "tradeMode": 0, "autoAddMargin": 0, "positionStatus": "Normal",
            "leverage": str(account.leverage_of(symbol)), "markPrice": plain(mark),
            "liqPrice": "" if price is None else plain(round(price, instrument.price_decimals)), "bustPrice": "",
            "positionIM": margin, "positionIMByMp": margin, "positionMM": kept, "positionMMByMp": kept, "positionBalance": "0",
            "takeProfit": gain, "stopLoss": loss, "trailingStop": "0", "sessionAvgPrice": "", "delta": "", "gamma": "",
            "vega": "", "theta": "", "unrealisedPnl": plain(position.unrealised(mark)),
            "curRealisedPnl": plain(earned.present),
            "cumRealisedPnl": plain(earned.total), "adlRankIndicator": 0,
            "createdTime": str(earned.first_ms), "updatedTime": str(position.update_ms),
            "seq": earned.last_trade, "isReduceOnly": False, "mmrSysUpdatedTime": "",
            "leverageSysUpdatedTime": "", "tpslMode": "Full",
        }

    def wallet(self) -> dict[str, Any]:
        """The unified account; USDT is all there is, and counts as USD."""
        account, marks = self._account, self._matching.marks(self._account)
        unrealised, free = account.unrealised(marks), self._desk.available()
        positions = rounded(sum((account.position_margin(s, mark) for s, mark in marks.items()), ZERO))
        orders, kept = rounded(account.cross_available(marks) - free), rounded(maintenance(account, marks))
        equity, bound = account.wallet + unrealised, positions + orders
        rates = [f"{part / equity:.4f}" if equity > 0 else "0" for part in (bound, kept)]
        total = plain(equity)
        return {
            "accountType": "UNIFIED", "accountLTV": "0", "accountIMRate": rates[0], "accountIMRateByMp": rates[0],
            "accountMMRate": rates[1], "accountMMRateByMp": rates[1], "totalEquity": total,
            "totalWalletBalance": plain(account.wallet), "totalMarginBalance": total,
            "totalAvailableBalance": plain(rounded(max(ZERO, free))), "totalPerpUPL": plain(unrealised),
            "totalInitialMargin": plain(bound), "totalInitialMarginByMp": plain(bound), "totalMaintenanceMargin": plain(kept),
            "totalMaintenanceMarginByMp": plain(kept),
            "coin": [{
                "coin": SETTLED_IN, "equity": total, "usdValue": total, "walletBalance": plain(account.wallet), "free": "",
                "locked": "0", "spotHedgingQty": "0", "borrowAmount": "0", "availableToWithdraw": "", "accruedInterest": "0",
                "totalOrderIM": plain(orders), "totalPositionIM": plain(positions), "totalPositionMM": plain(kept),
                "unrealisedPnl": plain(unrealised), "cumRealisedPnl": plain(self._tally.realised()),
                "bonus": "0", "marginCollateral": True,
                "collateralSwitch": True, "availableToBorrow": "", "spotBorrow": "0",
            }],
        }

    def log(self) -> list[dict[str, Any]]:
        """The transaction log, oldest first: one row for each trade and for each other change of the wallet."""
        account = self._account
        rows: list[dict[str, Any]] = []
        fills, sizes = {f.trade_id: f for f in account.records.fills}, dict[str, Decimal]()
        cash = account.wallet - sum((i.amount for i in account.income), ZERO)
        profit = ZERO
        for income in account.income:
            cash += income.amount
            if income.kind is IncomeType.REALIZED_PNL:
                profit = income.amount  # its commission follows and makes the row
                continue
            fill = None if income.trade_id is None else fills[income.trade_id]
            if fill is not None:
                signed = fill.order.instrument.quantity(fill.lots) * fill.order.request.side.sign
                sizes[income.symbol] = sizes.get(income.symbol, ZERO) + signed
            kinds = {IncomeType.COMMISSION: "TRADE", IncomeType.FUNDING_FEE: "SETTLEMENT"}
            fee, funding = (-income.amount, ZERO) if fill is not None else (ZERO, income.amount)
            rows.append({
                "id": f"{account.position(income.symbol).update_ms}_{income.symbol}_{income.number}", "symbol": income.symbol,
                "category": LINEAR, "side": "None" if fill is None else fill.order.request.side.value.capitalize(),
                "transactionTime": str(income.time_ms), "type": kinds.get(income.kind, "LIQUIDATION"), "transSubType": "",
                "qty": "0" if fill is None else plain(fill.order.instrument.quantity(fill.lots)),
                "size": plain(sizes.get(income.symbol, ZERO)), "currency": SETTLED_IN,
                "tradePrice": "0" if fill is None else plain(fill.order.instrument.price(fill.price)),
                "funding": plain(funding) if income.kind is IncomeType.FUNDING_FEE else "", "fee": plain(fee),
                "cashFlow": plain(profit if income.kind is not IncomeType.INSURANCE_CLEAR else income.amount),
                "change": plain(income.amount + profit), "cashBalance": plain(cash), "feeRate": "", "bonusChange": "",
                "tradeId": "" if fill is None else wire_id(fill.trade_id), "orderId": "", "orderLinkId": "", "extraFees": "",
            })
            profit = ZERO
        return rows
