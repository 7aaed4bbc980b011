"""The venue's rule book: exchangeInfo with filters as Binance USD-M publishes them."""

from __future__ import annotations

from typing import Any

from huracan_platform.simulator.binance.limits import RATE_LIMITS
from huracan_platform.simulator.exchange.account import LIQUIDATION_FEE
from huracan_platform.simulator.exchange.brackets import BRACKETS
from huracan_platform.simulator.exchange.instruments import MOST_PRICE, Instrument
from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.venue import Venue

ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
PERPETUAL_DELIVERY_MS = 4_133_404_800_000


def exchange_info(venue: Venue) -> dict[str, Any]:
    """The whole answer of `GET /fapi/v1/exchangeInfo`."""
    now = venue.clock.market_ms()
    return {
        "timezone": "UTC",
        "serverTime": venue.clock.wire_ms(),
        "futuresType": "U_MARGINED",
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_symbol(listed, now) for s in venue.symbols if (listed := venue.listed(s)).is_announced(now)],
    }


def _symbol(listed: ListedSymbol, now: int) -> dict[str, Any]:
    instrument, end = listed.instrument, listed.told_end_ms(now)
    return {
        "symbol": instrument.symbol, "pair": instrument.symbol, "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_DELIVERY_MS if end is None else end, "onboardDate": listed.listed_ms,
        "status": _status(listed, now),
        "maintMarginPercent": f"{BRACKETS[0].ratio * 100:.4f}", "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base, "quoteAsset": "USDT", "marginAsset": "USDT",
        "pricePrecision": instrument.price_decimals, "quantityPrecision": instrument.quantity_decimals,
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "underlyingSubType": ["Layer-1"],
        "triggerProtect": str(instrument.price_band), "liquidationFee": f"{LIQUIDATION_FEE:.6f}",
        "marketTakeBound": str(instrument.price_band),
        "filters": _filters(instrument), "orderTypes": ORDER_TYPES, "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _status(listed: ListedSymbol, now: int) -> str:
    """One that was delisted stays in the rule book as SETTLING."""
    if listed.has_ended(now):
        return "SETTLING"
    return "TRADING" if listed.trades_at(now) else "PENDING_TRADING"


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = str(instrument.tick), str(instrument.lot)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": str(MOST_PRICE), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": str(instrument.max_quantity), "stepSize": lot},
        {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": str(instrument.max_market_quantity), "stepSize": lot},
        {"filterType": "MAX_NUM_ORDERS", "limit": instrument.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": instrument.max_conditional_orders},
        {"filterType": "MIN_NOTIONAL", "notional": str(instrument.min_notional)},
        {
            "filterType": "PERCENT_PRICE", "multiplierUp": str(1 + instrument.price_band),
            "multiplierDown": str(1 - instrument.price_band), "multiplierDecimal": "4",
        },
    ]
