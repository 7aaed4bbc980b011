"""Every REST method of the exchange's own SDK whose path the venue serves: its typed model parses the answer, with its values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.known import DAY, FUNDING_STEP, HOUR, MINUTE, START, Known
from tests.simulator.pointing import open_account
from tests.simulator.test_conformance_sdk import configuration, sdk

NOW = START + 2 * DAY
KNOWN = Known("BTCUSDT", 2)
LAST = KNOWN.last()
LOW, LOWER = f"{float(LAST) * 0.97:.1f}", f"{float(LAST) * 0.96:.1f}"
B, E = {"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}
BARS = {"interval": "1h", "start_time": START, "limit": 2}
FIVE = {"period": "5m", "limit": 2}
# Paths of the exchange that the venue has not: other products, downloads, composite indices, and depth by retail orders.
ABSENT = {
    "accept_the_offered_quote", "asset_index", "classic_portfolio_margin_account_information",
    "composite_index_symbol_information",
    "futures_tradfi_perps_contract", "get_download_id_for_futures_order_history", "get_download_id_for_futures_trade_history",
    "get_download_id_for_futures_transaction_history", "get_futures_order_history_download_link_by_id",
    "get_futures_trade_download_link_by_id", "get_futures_transaction_history_download_link_by_id", "list_all_convert_pairs",
    "order_status", "quarterly_contract_settlement_price", "query_index_price_constituents",
    "query_insurance_fund_balance_snapshot", "rpi_order_book", "send_quote_request", "toggle_bnb_burn_on_futures_trade",
    "trading_schedule", "send_request", "send_signed_request",
}


class History:
    """An account of one long position of 0.5 BTC, bought whole, with an order and a stop that rest and some that are over."""

    def __init__(self, url: str) -> None:
        name, secret = open_account(url)
        self.rest = sdk.DerivativesTradingUsdsFutures(
            config_rest_api=configuration.ConfigurationRestAPI(api_key=name, api_secret=secret, base_path=url)
        ).rest_api
        made = self.rest.new_order(**B, side="BUY", type="MARKET", quantity=0.5).data()
        self.bought = self.rest.query_order(**B, order_id=made.order_id).data()
        limit = {**B, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.1, "price": LOW}
        self.resting = self.rest.new_order(**limit, new_client_order_id="resting").data()
        self.rest.modify_order(**B, side="BUY", quantity=0.1, price=LOWER, order_id=self.resting.order_id)
        self.gone = self.rest.new_order(**limit).data()
        self.rest.cancel_order(**B, order_id=self.gone.order_id)
        stop = {**B, "algo_type": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": 0.5, "trigger_price": LOW}
        self.stop = self.rest.new_algo_order(**stop, client_algo_id="guard").data()
        self.rest.change_initial_leverage(**E, leverage=7)


@pytest.fixture(scope="module")
def history(floor: str) -> History:
    return History(floor)


def one(answer: Any) -> Any:
    """The object in an answer that is one of several models."""
    return answer.actual_instance


Check = Callable[[Any, History], bool]
CASES: list[tuple[str, dict[str, Any] | Callable[[History], dict[str, Any]], Check]] = [
    ("test_connectivity", {}, lambda a, h: a is None or not dict(a)),
    ("check_server_time", {}, lambda a, h: a.server_time > 1_700_000_000_000),
    ("exchange_information", {}, lambda a, h: [s.symbol for s in a.symbols] == ["BTCUSDT", "ETHUSDT"]),
    ("order_book", {**B, "limit": 10}, lambda a, h: len(a.bids) == len(a.asks) == 10 and float(a.bids[0][0]) <= float(LAST)),
    ("recent_trades_list", {**B, "limit": 1}, lambda a, h: a[0].price == str(LAST)),
    ("old_trades_lookup", {**B, "limit": 1}, lambda a, h: a[0].price == str(LAST)),
    ("compressed_aggregate_trades_list", {**B, "start_time": START, "limit": 1}, lambda a, h: a[0].T == START),
    ("kline_candlestick_data", {**B, **BARS}, lambda a, h: [float(x) for x in a[1][1:6]] == KNOWN.candle(START + HOUR, 60)[1:]),
    ("continuous_contract_kline_candlestick_data", {"pair": "BTCUSDT", "contract_type": "PERPETUAL", **BARS},
     lambda a, h: [float(x) for x in a[1][1:6]] == KNOWN.candle(START + HOUR, 60)[1:]),
    ("mark_price_kline_candlestick_data", {**B, **BARS}, lambda a, h: float(a[0][4]) == KNOWN.candle(START, 60)[4]),
    ("index_price_kline_candlestick_data", {"pair": "BTCUSDT", **BARS},
     lambda a, h: float(a[0][4]) == KNOWN.index_candle(START, 60)[4]),
    ("premium_index_kline_data", {**B, **BARS},
     lambda a, h: [float(x) for x in a[0][1:5]] == KNOWN.premium_candle(START, 60)[1:]),
    ("mark_price", B, lambda a, h: (one(a).mark_price, one(a).next_funding_time) == (str(LAST), NOW + FUNDING_STEP)),
    ("get_funding_rate_history", {**B, "limit": 1},
     lambda a, h: (a[0].funding_time, a[0].funding_rate) == (NOW, KNOWN.rate(NOW))),
    ("get_funding_rate_info", {}, lambda a, h: [r.funding_interval_hours for r in a] == [8, 8]),
    ("ticker24hr_price_change_statistics", B, lambda a, h: one(a).last_price == str(LAST)),
    ("symbol_price_ticker", B, lambda a, h: one(a).price == str(LAST)),
    ("symbol_price_ticker_v2", B, lambda a, h: one(a).price == str(LAST)),
    ("symbol_order_book_ticker", B, lambda a, h: float(one(a).bid_price) < float(one(a).ask_price)),
    ("open_interest", B, lambda a, h: a.time <= NOW and float(a.open_interest) > 0),
    ("open_interest_statistics", {**B, **FIVE}, lambda a, h: [r.timestamp for r in a] == [NOW - 5 * MINUTE, NOW]),
    ("top_trader_long_short_ratio_accounts", {**B, **FIVE}, lambda a, h: 0 < float(a[0].long_account) < 1),
    ("top_trader_long_short_ratio_positions", {**B, **FIVE}, lambda a, h: 0 < float(a[0].long_account) < 1),
    ("long_short_ratio", {**B, **FIVE}, lambda a, h: float(a[0].long_account) + float(a[0].short_account) == pytest.approx(1)),
    ("taker_buy_sell_volume", {**B, **FIVE}, lambda a, h: a[-1].timestamp == NOW - 5 * MINUTE),
    ("basis", {"pair": "BTCUSDT", "contract_type": "PERPETUAL", **FIVE},
     lambda a, h: [r.timestamp for r in a] == [NOW - 5 * MINUTE, NOW]),
    ("adl_risk", B, lambda a, h: (one(a).symbol, one(a).adl_risk) == ("BTCUSDT", "low")),
    ("account_information_v2", {}, lambda a, h: [p.position_amt for p in a.positions] == ["0.500", "0"]),
    ("account_information_v3", {}, lambda a, h: [(p.symbol, p.position_amt) for p in a.positions] == [("BTCUSDT", "0.500")]),
    ("futures_account_balance_v2", {}, lambda a, h: 99_000 < float(a[0].balance) < 100_000),
    ("futures_account_balance_v3", {}, lambda a, h: 99_000 < float(a[0].balance) < 100_000),
    ("futures_account_configuration", {}, lambda a, h: (a.fee_tier, a.can_trade, a.dual_side_position) == (0, True, False)),
    ("position_information_v2", B, lambda a, h: (a[0].position_amt, a[0].leverage) == ("0.500", "20")),
    ("position_information_v3", {}, lambda a, h: [(p.symbol, p.entry_price) for p in a] == [("BTCUSDT", h.bought.avg_price)]),
    ("symbol_configuration", E, lambda a, h: [(c.leverage, c.margin_type) for c in a] == [(7, "CROSSED")]),
    ("user_commission_rate", B, lambda a, h: (a.maker_commission_rate, a.taker_commission_rate) == ("0.0002", "0.0005")),
    ("notional_and_leverage_brackets", B, lambda a, h: [b.initial_leverage for b in one(a)[0].brackets][:2] == [125, 100]),
    ("query_user_rate_limit", {}, lambda a, h: sorted(r.limit for r in a) == [300, 1_200]),
    ("get_current_position_mode", {}, lambda a, h: a.dual_side_position is False),
    ("get_current_multi_assets_mode", {}, lambda a, h: a.multi_assets_margin is False),
    ("get_bnb_burn_status", {}, lambda a, h: a.fee_burn is False),
    ("futures_trading_quantitative_rules_indicators", {}, lambda a, h: a.update_time > 1_700_000_000_000),
    ("position_adl_quantile_estimation", {}, lambda a, h: [(r.symbol, r.adl_quantile.both) for r in a] == [("BTCUSDT", 0)]),
    ("users_force_orders", {}, lambda a, h: a == []),
    ("get_income_history", {"income_type": "COMMISSION"},
     lambda a, h: sum(float(i.income) for i in a) == pytest.approx(-float(h.bought.cum_quote) * 0.0005)),
    ("account_trade_list", B,
     lambda a, h: sum(float(t.qty) for t in a) == 0.5 and {t.order_id for t in a} == {h.bought.order_id}),
    ("query_order", lambda h: {**B, "order_id": h.gone.order_id}, lambda a, h: a.status == "CANCELED"),
    ("query_current_open_order", {**B, "orig_client_order_id": "resting"},
     lambda a, h: (a.order_id, a.price) == (h.resting.order_id, LOWER)),
    ("current_all_open_orders", B, lambda a, h: [o.order_id for o in a] == [h.resting.order_id]),
    ("all_orders", B, lambda a, h: [o.status for o in a] == ["FILLED", "NEW", "CANCELED"]),
    ("get_order_modify_history", lambda h: {**B, "order_id": h.resting.order_id},
     lambda a, h: (a[0].amendment.price.before, a[0].amendment.price.after) == (LOW, LOWER)),
    ("query_algo_order", {"algo_id": None, "client_algo_id": "guard"},
     lambda a, h: (a.algo_id, a.trigger_price) == (h.stop.algo_id, LOW)),
    ("current_all_algo_open_orders", {}, lambda a, h: [o.client_algo_id for o in a] == ["guard"]),
    ("query_all_algo_orders", B, lambda a, h: [o.algo_status for o in a] == ["NEW"]),
    ("test_order", {**B, "side": "BUY", "type": "MARKET", "quantity": 0.1},
     lambda a, h: (a.status, a.orig_qty) == ("NEW", "0.100")),
    ("start_user_data_stream", {}, lambda a, h: len(a.listen_key) == 64),
    ("keepalive_user_data_stream", {}, lambda a, h: len(a.listen_key) == 64),
    ("close_user_data_stream", {}, lambda a, h: True),
]
# Tried where orders are placed and settings changed, in this fixture, in the module of the SDK's life of orders, or refused.
ELSEWHERE = {
    "new_order", "modify_order", "cancel_order", "new_algo_order", "change_initial_leverage", "place_multiple_orders",
    "cancel_multiple_orders", "modify_multiple_orders", "auto_cancel_all_open_orders", "cancel_all_open_orders",
    "cancel_algo_order", "cancel_all_algo_open_orders", "change_margin_type", "change_position_mode", "change_multi_assets_mode",
    "modify_isolated_position_margin", "get_position_margin_change_history",
}


@pytest.mark.parametrize(("name", "arguments", "holds"), CASES, ids=[name for name, _, _ in CASES])
def test_the_typed_answer_has_the_values_of_the_venue(
    history: History, name: str, arguments: dict[str, Any] | Callable[[History], dict[str, Any]], holds: Check
) -> None:
    sent = arguments if isinstance(arguments, dict) else arguments(history)
    answer = getattr(history.rest, name)(**sent).data()
    assert holds(answer, history), answer


def test_every_method_of_the_sdk_is_tried_or_known_to_be_of_another_product(history: History) -> None:
    methods = {n for n, _ in inspect.getmembers(type(history.rest), inspect.isfunction) if not n.startswith("_")}
    tried = {name for name, _, _ in CASES}
    assert methods - tried - ABSENT - ELSEWHERE == set()
    assert (tried | ABSENT | ELSEWHERE) - methods == set()


def test_orders_are_changed_and_cancelled_several_at_a_time(history: History) -> None:
    rest = history.rest
    last = float(one(rest.symbol_price_ticker(**E).data()).price)
    limit = {**E, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    batch = [{**limit, "price": f"{last * share:.2f}"} for share in (0.96, 0.97)]
    placed = [o.order_id for o in rest.place_multiple_orders(batch_orders=batch).data()]
    changes = [{**E, "orderId": str(placed[0]), "side": "BUY", "quantity": "2", "price": f"{last * 0.96:.2f}"}]
    assert [o.orig_qty for o in rest.modify_multiple_orders(batch_orders=changes).data()] == ["2.000"]
    assert [o.status for o in rest.cancel_multiple_orders(**E, order_id_list=placed[:1]).data()] == ["CANCELED"]
    assert rest.cancel_all_open_orders(**E).data().code == 200
    stop = {**E, "algo_type": "CONDITIONAL", "side": "BUY", "type": "STOP_MARKET", "quantity": 1}
    stop |= {"trigger_price": f"{last * 1.02:.2f}"}
    first, second = (rest.new_algo_order(**stop).data().algo_id for _ in range(2))
    assert rest.cancel_algo_order(algo_id=first, client_algo_id=None).data().algo_id == first
    assert rest.cancel_all_algo_open_orders(**E).data().code == 200
    left = [o.algo_id for o in rest.current_all_algo_open_orders(symbol="ETHUSDT").data()]
    assert second not in left


@pytest.mark.parametrize(("name", "arguments", "message"), [
    ("change_position_mode", {"dual_side_position": "false"}, "No need to change position side"),
    ("change_multi_assets_mode", {"multi_assets_margin": "false"}, "does not need to be adjusted"),
    ("change_margin_type", {**B, "margin_type": "CROSSED"}, "No need to change margin type"),
    ("new_order", {**B, "side": "BUY", "type": "MARKET", "quantity": 0.0001}, "Precision is over the maximum"),
    ("query_order", {**B, "order_id": 1}, "Order does not exist"),
    ("kline_candlestick_data", {"symbol": "NOPEUSDT", "interval": "1h"}, "Invalid symbol"),
])
def test_refusals_arrive_in_the_sdk_with_the_venues_words(
    history: History, name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception, match=message):
        getattr(history.rest, name)(**arguments)
