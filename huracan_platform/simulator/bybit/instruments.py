"""What Bybit publishes of its contracts: filters and risk limits."""

from __future__ import annotations

from typing import Any

from huracan_platform.simulator.bybit.asked import SETTLED_IN
from huracan_platform.simulator.exchange.brackets import BRACKETS
from huracan_platform.simulator.market.bars import ListedSymbol

MOST_LEVERAGE = BRACKETS[0].leverage
HIGHEST_PRICE = "10000000"


def instrument_object(listed: ListedSymbol, now: int) -> dict[str, Any]:
    """A row of instruments-info."""
    instrument, end = listed.instrument, listed.told_end_ms(now)
    tick, lot, band = str(instrument.tick), str(instrument.lot), str(instrument.price_band)
    return {
        "symbol": instrument.symbol, "contractType": "LinearPerpetual", "status": status_of(listed, now),
        "baseCoin": instrument.base,
        "quoteCoin": SETTLED_IN, "launchTime": str(listed.listed_ms), "deliveryTime": str(end or 0), "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{MOST_LEVERAGE}.00", "leverageStep": "1"},
        "priceFilter": {"minPrice": tick, "maxPrice": HIGHEST_PRICE, "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": str(instrument.max_quantity), "minOrderQty": lot, "qtyStep": lot,
            "postOnlyMaxOrderQty": str(instrument.max_quantity), "maxMktOrderQty": str(instrument.max_market_quantity),
            "minNotionalValue": str(instrument.min_notional),
        },
        "unifiedMarginTrade": True, "fundingInterval": listed.funding.interval_hours(now) * 60, "settleCoin": SETTLED_IN,
        "copyTrading": "none", "upperFundingRate": "0.0075", "lowerFundingRate": "-0.0075", "isPreListing": False,
        "preListingInfo": None, "displayName": "", "symbolType": "",
        "riskParameters": {"priceLimitRatioX": band, "priceLimitRatioY": band},
    }


def status_of(listed: ListedSymbol, now: int) -> str:
    """What instruments-info calls it at a market time."""
    if listed.has_ended(now):
        return "Closed"
    return "Trading" if listed.trades_at(now) else "PreLaunch"


def risk_limits(symbol: str) -> list[dict[str, Any]]:
    """The tiers of a symbol, smallest positions first."""
    return [
        {
            "id": bracket.number, "symbol": symbol, "riskLimitValue": str(bracket.cap), "maintenanceMargin": str(bracket.ratio),
            "initialMargin": f"{1 / bracket.leverage:.4f}", "isLowestRisk": int(bracket.number == 1),
            "maxLeverage": f"{bracket.leverage}.00", "mmDeduction": str(bracket.cum),
        }
        for bracket in BRACKETS
    ]
