"""A settlement of funding among an account's executions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit.asked import LINEAR, SETTLED_IN
from huracan_platform.simulator.bybit.wire import wire_id
from huracan_platform.simulator.exchange.logs import Income
from huracan_platform.simulator.exchange.orders import Fill
from huracan_platform.simulator.venue import Venue

# Settlements are numbered apart from trades and orders.
_FIRST_ID = 1 << 80


def funding_object(venue: Venue, income: Income, fills: Sequence[Fill]) -> dict[str, Any]:
    """A settlement: `execFee` is what was paid, negative where it was received; `fills` are all of the account."""
    listed = venue.listed(income.symbol)
    instrument, funding = listed.instrument, listed.funding
    at = int(np.searchsorted(funding.ts_ms, income.time_ms, side="right")) - 1
    rate = Decimal(f"{funding.rate[at]:.8f}")
    before = [f for f in fills if f.order.instrument.symbol == income.symbol and f.time_ms < income.time_ms]
    amount = sum((instrument.quantity(f.lots) * f.order.request.side.sign for f in before), Decimal(0))
    mark = instrument.price(int(funding.mark_ticks[at]) or venue.history(income.symbol).last_price(income.time_ms))
    number = wire_id(_FIRST_ID + income.number)
    return {
        "category": LINEAR, "symbol": income.symbol, "orderId": number, "orderLinkId": "",
        "side": "Buy" if amount > 0 else "Sell", "orderPrice": "0", "orderQty": "0", "leavesQty": "0", "createType": "",
        "orderType": "UNKNOWN", "stopOrderType": "UNKNOWN", "execFee": plain(-income.amount), "execId": number,
        "execPrice": plain(mark), "execQty": plain(abs(amount)), "execPnl": "0",
        "execType": "Funding", "execValue": plain(abs(amount) * mark), "execTime": str(income.time_ms), "feeCurrency": SETTLED_IN,
        "isMaker": False, "feeRate": plain(rate if amount > 0 else -rate), "tradeIv": "", "markIv": "", "markPrice": plain(mark),
        "indexPrice": "", "underlyingPrice": "", "blockTradeId": "", "closedSize": "0", "seq": income.number, "extraFees": "",
        "marketUnit": "",
    }
