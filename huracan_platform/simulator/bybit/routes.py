"""Every REST path of the protocol: method, handler, and how many requests a second a key has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from huracan_platform.simulator.bybit.asked import Asked
from huracan_platform.simulator.bybit.client import BybitClient
from huracan_platform.simulator.bybit.rest_account import AccountEndpoints
from huracan_platform.simulator.bybit.rest_history import HistoryEndpoints
from huracan_platform.simulator.bybit.rest_market import MarketEndpoints
from huracan_platform.simulator.bybit.rest_position import PositionEndpoints
from huracan_platform.simulator.bybit.rest_trade import TradeEndpoints


@dataclass(frozen=True)
class SignedRoute:
    """One method of a path that must be signed."""

    method: str
    path: str
    handle: Callable[[BybitClient, Asked], dict[str, Any]]
    per_second: int


def public_routes(market: MarketEndpoints, history: HistoryEndpoints) -> dict[str, Callable[[Asked], dict[str, Any]]]:
    """Public paths, all by GET."""
    return {
        "/v5/market/time": market.time,
        "/v5/market/instruments-info": market.instruments,
        "/v5/market/kline": market.klines,
        "/v5/market/mark-price-kline": market.price_klines,
        "/v5/market/index-price-kline": market.index_klines,
        "/v5/market/premium-index-price-kline": market.premium_klines,
        "/v5/market/tickers": market.tickers,
        "/v5/market/orderbook": market.orderbook,
        "/v5/market/recent-trade": market.recent_trades,
        "/v5/market/risk-limit": market.risk_limit,
        "/v5/market/funding/history": history.funding,
        "/v5/market/open-interest": history.open_interest,
        "/v5/market/account-ratio": history.account_ratio,
    }


def signed_routes(trade: TradeEndpoints, position: PositionEndpoints, account: AccountEndpoints) -> list[SignedRoute]:
    """Signed paths."""
    return [
        SignedRoute("POST", "/v5/order/create", trade.create, 10),
        SignedRoute("POST", "/v5/order/amend", trade.amend, 10),
        SignedRoute("POST", "/v5/order/cancel", trade.cancel, 10),
        SignedRoute("POST", "/v5/order/cancel-all", trade.cancel_all, 10),
        SignedRoute("GET", "/v5/order/realtime", trade.realtime, 50),
        SignedRoute("GET", "/v5/order/history", trade.history, 50),
        SignedRoute("GET", "/v5/execution/list", trade.executions, 50),
        SignedRoute("GET", "/v5/position/list", position.positions, 50),
        SignedRoute("GET", "/v5/position/closed-pnl", position.closed_pnl, 50),
        SignedRoute("POST", "/v5/position/set-leverage", position.set_leverage, 10),
        SignedRoute("POST", "/v5/position/trading-stop", position.trading_stop, 10),
        SignedRoute("POST", "/v5/position/switch-mode", position.switch_mode, 10),
        SignedRoute("GET", "/v5/account/wallet-balance", account.wallet, 50),
        SignedRoute("GET", "/v5/account/info", account.info, 50),
        SignedRoute("POST", "/v5/account/set-margin-mode", account.set_margin_mode, 10),
        SignedRoute("GET", "/v5/account/fee-rate", account.fee_rate, 10),
        SignedRoute("GET", "/v5/account/transaction-log", account.transaction_log, 50),
        SignedRoute("GET", "/v5/user/query-api", account.key, 10),
    ]
