"""The ticker of a symbol: last day, best prices, mark, funding and open interest."""

from __future__ import annotations

from typing import Any

import numpy as np

from huracan_platform.clock import HOUR_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.day_statistics import day_statistics
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.market.series import SymbolHistory


def ticker_object(history: SymbolHistory, model: OrderBook, now: int) -> dict[str, Any]:
    """A ticker at a market time; open interest is "0" where the market has none recorded."""
    instrument, premium, day = history.listed.instrument, history.premium(now), day_statistics(history, now)
    book = model.at(now, 1)
    last = instrument.price(history.last_price(now))
    opened = last if day is None else day.open
    held = instrument.quantity(open_interest_lots(history.listed, now))
    hour_ago = instrument.price(history.last_price(max(history.listed.listed_ms, now - HOUR_MS)))
    return {
        "symbol": instrument.symbol, "lastPrice": plain(last), "indexPrice": plain(premium.index),
        "markPrice": plain(premium.mark), "prevPrice24h": plain(opened), "price24hPcnt": f"{last / opened - 1:.6f}",
        "highPrice24h": plain(last if day is None else day.high), "lowPrice24h": plain(last if day is None else day.low),
        "prevPrice1h": plain(hour_ago), "openInterest": plain(held), "openInterestValue": f"{held * premium.mark:.4f}",
        "turnover24h": "0" if day is None else plain(day.quote_volume), "volume24h": "0" if day is None else plain(day.volume),
        "fundingRate": premium.rate_text, "nextFundingTime": str(premium.next_funding_ms),
        "fundingIntervalHour": str(history.listed.funding.interval_hours(now)), "fundingCap": "0.0075",
        "bid1Price": plain(instrument.price(book.best_bid)), "bid1Size": plain(instrument.quantity(int(book.bid_lots[0]))),
        "ask1Price": plain(instrument.price(book.best_ask)), "ask1Size": plain(instrument.quantity(int(book.ask_lots[0]))),
        "predictedDeliveryPrice": "", "basisRate": "", "deliveryFeeRate": "", "deliveryTime": "0", "basis": "",
        "preOpenPrice": "", "preQty": "", "curPreListingPhase": "",
    }


def open_interest_lots(listed: ListedSymbol, now: int) -> int:
    """The latest known open interest in lots, 0 where there is none."""
    known = listed.positioning
    row = -1 if known is None else int(np.searchsorted(known.ts_ms, now, side="right")) - 1
    return 0 if known is None or row < 0 else int(known.open_interest[row])
