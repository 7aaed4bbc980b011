"""Every REST path of the venue: method, handler, weight; the signed ones take the client that signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from huracan_platform.simulator.binance import rest_status
from huracan_platform.simulator.binance.clients import Client
from huracan_platform.simulator.binance.limits import FUNDING_LIMIT, STATISTICS_LIMIT, SharedLimit
from huracan_platform.simulator.binance.rest_account import AccountEndpoints
from huracan_platform.simulator.binance.rest_market import MarketEndpoints, klines_weight
from huracan_platform.simulator.binance.rest_positioning import PositioningEndpoints
from huracan_platform.simulator.binance.rest_tape import TapeEndpoints
from huracan_platform.simulator.binance.rest_trade import OrderEndpoints
from huracan_platform.simulator.serving.parameters import rows_asked

Parameters = Mapping[str, str]
# The same for every request, or by its parameters.
Count = int | Callable[[Parameters], int]


@dataclass(frozen=True)
class Route:
    """One method of a public path. `shared` is a limit that it has together with other paths, besides its weight."""

    method: str
    path: str
    handle: Callable[[Parameters], bytes]
    weight: Count
    shared: SharedLimit | None = None


@dataclass(frozen=True)
class SignedRoute:
    """One method of a path that is signed. `orders` says how many it counts for at the account's order limits."""

    method: str
    path: str
    handle: Callable[[Client, Parameters], bytes]
    weight: Count
    orders: Count | None = None


def _orders(handle: Callable[[OrderEndpoints, Parameters], bytes]) -> Callable[[Client, Parameters], bytes]:
    return lambda client, parameters: handle(client.orders, parameters)


def _account(handle: Callable[[AccountEndpoints, Parameters], bytes]) -> Callable[[Client, Parameters], bytes]:
    return lambda client, parameters: handle(client.endpoints, parameters)


def _batch_size(parameters: Parameters) -> int:
    """How many orders a batch holds; 1 where it cannot be read and will be refused."""
    try:
        orders = orjson.loads(parameters.get("batchOrders", ""))
    except orjson.JSONDecodeError:
        return 1
    return len(orders) if isinstance(orders, list) else 1


def _by_symbol(one: int, every: int) -> Callable[[Parameters], int]:
    return lambda parameters: one if parameters.get("symbol") else every


def _depth_weight(parameters: Parameters) -> int:
    rows = rows_asked(parameters, 500)
    return 2 if rows <= 50 else 5 if rows <= 100 else 10 if rows <= 500 else 20


def market_routes(market: MarketEndpoints, tape: TapeEndpoints) -> list[Route]:
    """Public paths."""
    return [
        Route("GET", "/fapi/v1/ping", market.ping, 1),
        # Of the spot exchange: python-binance asks for both before anything else.
        Route("GET", "/api/v3/ping", market.ping, 1),
        Route("GET", "/api/v3/time", market.time, 1),
        Route("GET", "/fapi/v1/time", market.time, 1),
        Route("GET", "/fapi/v1/exchangeInfo", market.exchange_info, 1),
        Route("GET", "/fapi/v1/klines", market.klines, klines_weight),
        Route("GET", "/fapi/v1/continuousKlines", market.continuous_klines, klines_weight),
        Route("GET", "/fapi/v1/markPriceKlines", market.mark_price_klines, klines_weight),
        Route("GET", "/fapi/v1/indexPriceKlines", market.index_price_klines, klines_weight),
        Route("GET", "/fapi/v1/premiumIndexKlines", market.premium_index_klines, klines_weight),
        Route("GET", "/fapi/v1/fundingRate", market.funding_rate, 1, FUNDING_LIMIT),
        Route("GET", "/fapi/v1/fundingInfo", market.funding_info, 0, FUNDING_LIMIT),
        Route("GET", "/fapi/v1/premiumIndex", market.premium_index, _by_symbol(1, 10)),
        Route("GET", "/fapi/v1/symbolAdlRisk", market.adl_risk, 1),
        Route("GET", "/fapi/v1/depth", tape.depth, _depth_weight),
        Route("GET", "/fapi/v1/trades", tape.trades, 5),
        Route("GET", "/fapi/v1/historicalTrades", tape.historical_trades, 20),
        Route("GET", "/fapi/v1/aggTrades", tape.aggregate_trades, 20),
        Route("GET", "/fapi/v1/ticker/24hr", tape.day_ticker, _by_symbol(1, 40)),
        Route("GET", "/fapi/v1/ticker/bookTicker", tape.book_ticker, _by_symbol(2, 5)),
        Route("GET", "/fapi/v1/ticker/price", tape.price_ticker, _by_symbol(1, 2)),
        Route("GET", "/fapi/v2/ticker/price", tape.price_ticker, _by_symbol(1, 2)),
    ]


def positioning_routes(positioning: PositioningEndpoints) -> list[Route]:
    """Public paths of open interest and ratios; those under /futures/data weigh nothing and have a limit of their own."""
    return [
        Route("GET", "/fapi/v1/openInterest", positioning.open_interest, 1),
        Route("GET", "/futures/data/openInterestHist", positioning.open_interest_history, 0, STATISTICS_LIMIT),
        Route("GET", "/futures/data/topLongShortAccountRatio", positioning.top_accounts, 0, STATISTICS_LIMIT),
        Route("GET", "/futures/data/topLongShortPositionRatio", positioning.top_positions, 0, STATISTICS_LIMIT),
        Route("GET", "/futures/data/globalLongShortAccountRatio", positioning.all_accounts, 0, STATISTICS_LIMIT),
        Route("GET", "/futures/data/takerlongshortRatio", positioning.taker_volume, 0, STATISTICS_LIMIT),
        Route("GET", "/futures/data/basis", positioning.basis, 0, STATISTICS_LIMIT),
    ]


def order_routes() -> list[SignedRoute]:
    """Signed paths of orders and trades."""
    return [
        SignedRoute("POST", "/fapi/v1/order", _orders(OrderEndpoints.place), 0, orders=1),
        SignedRoute("POST", "/fapi/v1/order/test", _orders(OrderEndpoints.rehearse), 0),
        SignedRoute("GET", "/fapi/v1/order", _orders(OrderEndpoints.find), 1),
        SignedRoute("DELETE", "/fapi/v1/order", _orders(OrderEndpoints.cancel), 1),
        SignedRoute("PUT", "/fapi/v1/order", _orders(OrderEndpoints.amend), 1, orders=1),
        SignedRoute("GET", "/fapi/v1/orderAmendment", _orders(OrderEndpoints.amendments), 1),
        SignedRoute("POST", "/fapi/v1/batchOrders", _orders(OrderEndpoints.place_several), 5, orders=_batch_size),
        SignedRoute("PUT", "/fapi/v1/batchOrders", _orders(OrderEndpoints.amend_several), 5, orders=_batch_size),
        SignedRoute("DELETE", "/fapi/v1/batchOrders", _orders(OrderEndpoints.cancel_several), 1),
        SignedRoute("POST", "/fapi/v1/countdownCancelAll", _orders(OrderEndpoints.countdown), 10),
        SignedRoute("GET", "/fapi/v1/openOrder", _orders(OrderEndpoints.find_open), 1),
        SignedRoute("GET", "/fapi/v1/openOrders", _orders(OrderEndpoints.open_orders), _by_symbol(1, 40)),
        SignedRoute("GET", "/fapi/v1/allOrders", _orders(OrderEndpoints.all_orders), 5),
        SignedRoute("DELETE", "/fapi/v1/allOpenOrders", _orders(OrderEndpoints.cancel_all), 1),
        SignedRoute("POST", "/fapi/v1/algoOrder", _orders(OrderEndpoints.place_conditional), 0, orders=1),
        SignedRoute("GET", "/fapi/v1/algoOrder", _orders(OrderEndpoints.find_conditional), 1),
        SignedRoute("DELETE", "/fapi/v1/algoOrder", _orders(OrderEndpoints.cancel_conditional), 1),
        SignedRoute("GET", "/fapi/v1/openAlgoOrders", _orders(OrderEndpoints.open_conditionals), _by_symbol(1, 40)),
        SignedRoute("GET", "/fapi/v1/allAlgoOrders", _orders(OrderEndpoints.all_conditionals), 5),
        SignedRoute("DELETE", "/fapi/v1/algoOpenOrders", _orders(OrderEndpoints.cancel_all_conditional), 1),
        SignedRoute("GET", "/fapi/v1/userTrades", _orders(OrderEndpoints.user_trades), 5),
    ]


def account_routes() -> list[SignedRoute]:
    """Signed paths of the account and its settings."""
    return [
        SignedRoute("GET", "/fapi/v2/account", _account(AccountEndpoints.account_v2), 5),
        SignedRoute("GET", "/fapi/v3/account", _account(AccountEndpoints.account_v3), 5),
        SignedRoute("GET", "/fapi/v2/balance", _account(AccountEndpoints.balance), 5),
        SignedRoute("GET", "/fapi/v3/balance", _account(AccountEndpoints.balance), 5),
        SignedRoute("GET", "/fapi/v2/positionRisk", _account(AccountEndpoints.position_risk_v2), 5),
        SignedRoute("GET", "/fapi/v3/positionRisk", _account(AccountEndpoints.position_risk_v3), 5),
        SignedRoute("POST", "/fapi/v1/leverage", _account(AccountEndpoints.leverage), 1),
        SignedRoute("POST", "/fapi/v1/marginType", _account(AccountEndpoints.margin_type), 1),
        SignedRoute("POST", "/fapi/v1/positionMargin", _account(AccountEndpoints.position_margin), 1),
        SignedRoute("GET", "/fapi/v1/positionMargin/history", _account(AccountEndpoints.position_margin_history), 1),
        SignedRoute("GET", "/fapi/v1/positionSide/dual", _account(AccountEndpoints.position_mode), 30),
        SignedRoute("POST", "/fapi/v1/positionSide/dual", _account(AccountEndpoints.set_position_mode), 1),
        SignedRoute("GET", "/fapi/v1/multiAssetsMargin", _account(AccountEndpoints.multi_assets), 30),
        SignedRoute("GET", "/fapi/v1/commissionRate", _account(AccountEndpoints.commission_rate), 20),
        SignedRoute("GET", "/fapi/v1/symbolConfig", _account(AccountEndpoints.symbol_config), 5),
        SignedRoute("GET", "/fapi/v1/income", _account(AccountEndpoints.income), 30),
        SignedRoute("GET", "/fapi/v1/leverageBracket", _account(AccountEndpoints.leverage_bracket), 1),
        SignedRoute("GET", "/fapi/v1/accountConfig", rest_status.account_configuration, 5),
        SignedRoute("GET", "/fapi/v1/apiTradingStatus", rest_status.trading_status, _by_symbol(1, 10)),
        SignedRoute("GET", "/fapi/v1/rateLimit/order", rest_status.order_limits, 1),
        SignedRoute("GET", "/fapi/v1/feeBurn", rest_status.fee_burn, 30),
        SignedRoute("POST", "/fapi/v1/multiAssetsMargin", rest_status.set_multi_assets, 1),
        SignedRoute("GET", "/fapi/v1/adlQuantile", rest_status.adl_quantiles, 5),
        SignedRoute("GET", "/fapi/v1/forceOrders", rest_status.forced_orders, _by_symbol(20, 50)),
    ]
