"""Every REST path of the venue: method, handler, weight, and whether it must be signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from huracan_platform.simulator.rest_account import AccountEndpoints
from huracan_platform.simulator.rest_market import MarketEndpoints, klines_weight
from huracan_platform.simulator.rest_positioning import PositioningEndpoints
from huracan_platform.simulator.rest_tape import TapeEndpoints
from huracan_platform.simulator.rest_trade import OrderEndpoints

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Route:
    """One method of a path. `order` counts it against the order limits besides its weight."""

    method: str
    path: str
    handle: Callable[[Parameters], bytes]
    weight: Callable[[Parameters], int]
    signed: bool = False
    order: bool = False


def _fixed(weight: int) -> Callable[[Parameters], int]:
    return lambda _parameters: weight


def _by_symbol(one: int, every: int) -> Callable[[Parameters], int]:
    return lambda parameters: one if parameters.get("symbol") else every


def _depth_weight(parameters: Parameters) -> int:
    limit = parameters.get("limit", "500")
    rows = int(limit) if limit.isdigit() else 500
    return 2 if rows <= 50 else 5 if rows <= 100 else 10 if rows <= 500 else 20


def market_routes(market: MarketEndpoints, tape: TapeEndpoints) -> list[Route]:
    """Public paths."""
    return [
        Route("GET", "/fapi/v1/ping", market.ping, _fixed(1)),
        Route("GET", "/fapi/v1/time", market.time, _fixed(1)),
        Route("GET", "/fapi/v1/exchangeInfo", market.exchange_info, _fixed(1)),
        Route("GET", "/fapi/v1/klines", market.klines, klines_weight),
        Route("GET", "/fapi/v1/continuousKlines", market.continuous_klines, klines_weight),
        Route("GET", "/fapi/v1/fundingRate", market.funding_rate, _fixed(1)),
        Route("GET", "/fapi/v1/fundingInfo", market.funding_info, _fixed(0)),
        Route("GET", "/fapi/v1/premiumIndex", market.premium_index, _by_symbol(1, 10)),
        Route("GET", "/fapi/v1/depth", tape.depth, _depth_weight),
        Route("GET", "/fapi/v1/trades", tape.trades, _fixed(5)),
        Route("GET", "/fapi/v1/historicalTrades", tape.historical_trades, _fixed(20)),
        Route("GET", "/fapi/v1/aggTrades", tape.aggregate_trades, _fixed(20)),
        Route("GET", "/fapi/v1/ticker/24hr", tape.day_ticker, _by_symbol(1, 40)),
        Route("GET", "/fapi/v1/ticker/bookTicker", tape.book_ticker, _by_symbol(2, 5)),
        Route("GET", "/fapi/v1/ticker/price", tape.price_ticker, _by_symbol(1, 2)),
        Route("GET", "/fapi/v2/ticker/price", tape.price_ticker, _by_symbol(1, 2)),
    ]


def positioning_routes(positioning: PositioningEndpoints) -> list[Route]:
    """Public paths of open interest and ratios; those under /futures/data weigh nothing."""
    return [
        Route("GET", "/fapi/v1/openInterest", positioning.open_interest, _fixed(1)),
        Route("GET", "/futures/data/openInterestHist", positioning.open_interest_history, _fixed(0)),
        Route("GET", "/futures/data/topLongShortAccountRatio", positioning.top_accounts, _fixed(0)),
        Route("GET", "/futures/data/globalLongShortAccountRatio", positioning.all_accounts, _fixed(0)),
        Route("GET", "/futures/data/takerlongshortRatio", positioning.taker_volume, _fixed(0)),
    ]


def order_routes(orders: OrderEndpoints) -> list[Route]:
    """Signed paths of orders and trades."""
    return [
        Route("POST", "/fapi/v1/order", orders.place, _fixed(0), signed=True, order=True),
        Route("GET", "/fapi/v1/order", orders.find, _fixed(1), signed=True),
        Route("DELETE", "/fapi/v1/order", orders.cancel, _fixed(1), signed=True),
        Route("PUT", "/fapi/v1/order", orders.amend, _fixed(1), signed=True, order=True),
        Route("GET", "/fapi/v1/orderAmendment", orders.amendments, _fixed(1), signed=True),
        Route("POST", "/fapi/v1/batchOrders", orders.place_several, _fixed(5), signed=True, order=True),
        Route("PUT", "/fapi/v1/batchOrders", orders.amend_several, _fixed(5), signed=True, order=True),
        Route("DELETE", "/fapi/v1/batchOrders", orders.cancel_several, _fixed(1), signed=True),
        Route("POST", "/fapi/v1/countdownCancelAll", orders.countdown, _fixed(10), signed=True),
        Route("GET", "/fapi/v1/openOrder", orders.find_open, _fixed(1), signed=True),
        Route("GET", "/fapi/v1/openOrders", orders.open_orders, _by_symbol(1, 40), signed=True),
        Route("GET", "/fapi/v1/allOrders", orders.all_orders, _fixed(5), signed=True),
        Route("DELETE", "/fapi/v1/allOpenOrders", orders.cancel_all, _fixed(1), signed=True),
        Route("POST", "/fapi/v1/algoOrder", orders.place_conditional, _fixed(0), signed=True, order=True),
        Route("GET", "/fapi/v1/algoOrder", orders.find_conditional, _fixed(1), signed=True),
        Route("DELETE", "/fapi/v1/algoOrder", orders.cancel_conditional, _fixed(1), signed=True),
        Route("GET", "/fapi/v1/openAlgoOrders", orders.open_conditionals, _by_symbol(1, 40), signed=True),
        Route("GET", "/fapi/v1/allAlgoOrders", orders.all_conditionals, _fixed(5), signed=True),
        Route("DELETE", "/fapi/v1/algoOpenOrders", orders.cancel_all_conditional, _fixed(1), signed=True),
        Route("GET", "/fapi/v1/userTrades", orders.user_trades, _fixed(5), signed=True),
    ]


def account_routes(account: AccountEndpoints) -> list[Route]:
    """Signed paths of the account and its settings."""
    return [
        Route("GET", "/fapi/v2/account", account.account_v2, _fixed(5), signed=True),
        Route("GET", "/fapi/v3/account", account.account_v3, _fixed(5), signed=True),
        Route("GET", "/fapi/v2/balance", account.balance, _fixed(5), signed=True),
        Route("GET", "/fapi/v3/balance", account.balance, _fixed(5), signed=True),
        Route("GET", "/fapi/v2/positionRisk", account.position_risk_v2, _fixed(5), signed=True),
        Route("GET", "/fapi/v3/positionRisk", account.position_risk_v3, _fixed(5), signed=True),
        Route("POST", "/fapi/v1/leverage", account.leverage, _fixed(1), signed=True),
        Route("POST", "/fapi/v1/marginType", account.margin_type, _fixed(1), signed=True),
        Route("GET", "/fapi/v1/positionSide/dual", account.position_mode, _fixed(30), signed=True),
        Route("POST", "/fapi/v1/positionSide/dual", account.set_position_mode, _fixed(1), signed=True),
        Route("GET", "/fapi/v1/multiAssetsMargin", account.multi_assets, _fixed(30), signed=True),
        Route("GET", "/fapi/v1/commissionRate", account.commission_rate, _fixed(20), signed=True),
        Route("GET", "/fapi/v1/symbolConfig", account.symbol_config, _fixed(5), signed=True),
        Route("GET", "/fapi/v1/income", account.income, _fixed(30), signed=True),
        Route("GET", "/fapi/v1/leverageBracket", account.leverage_bracket, _fixed(1), signed=True),
    ]
