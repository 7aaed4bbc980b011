"""Isolated margin against cases worked out by hand: its wallet, its liquidation price, and that nothing else pays for it."""

from __future__ import annotations

from decimal import Decimal

import ccxt
import pytest

from huracan_platform.simulator.binance.user_stream import UserEvents
from huracan_platform.simulator.exchange.account import Account, Position
from huracan_platform.simulator.exchange.margin import liquidation_price, pools
from tests.simulator.markets import Floor, flat, listed, open_floor
from tests.simulator.pointing import BTC, keys, point
from tests.simulator.raw import signed
from tests.simulator.test_margin import PRICE, fall
from tests.simulator.test_matching import assert_refused

D = Decimal
CENT = D("0.00000001")


def isolated(wallet: int, symbol: str, amount: str, price: str, leverage: int, *, maker: bool = False) -> Account:
    """An account that has opened one isolated position."""
    account = Account(UserEvents(lambda: False), D(wallet), leverage={symbol: leverage}, isolated={symbol: D(0)})
    account.apply_fill(symbol, D(amount), D(price), maker=maker, market_ms=0, trade_id=1)
    return account


def close(account: Account, amount: str, price: str) -> None:
    account.apply_fill("BTCUSDT", D(amount), D(price), maker=False, market_ms=0, trade_id=2)


@pytest.mark.parametrize(("account", "own", "price"), [
    # 100000 / 20 − 0.0005 · 100000 = 4950;  (4950 − 100000) / (0.004 − 1)
    (isolated(50_000, "BTCUSDT", "1", "100000", 20), "4950", "95431.72690763"),
    # 6000 / 10 − 0.0002 · 6000 = 598.8;  (598.8 + 6000) / (2 · 0.004 + 2)
    (isolated(50_000, "BTCUSDT", "-2", "3000", 10, maker=True), "598.8", "3286.25498008"),
    # 350000 / 20 − 175 = 17325, second bracket at 334,045: (17325 + 300 − 350000) / (3.5 · 0.005 − 3.5)
    (isolated(50_000, "BTCUSDT", "3.5", "100000", 20), "17325", "95441.49318019"),
    # 310000 / 20 − 155 = 15345, the first bracket again at 295,838: (15345 − 310000) / (3.1 · 0.004 − 3.1)
    (isolated(50_000, "BTCUSDT", "3.1", "100000", 20), "15345", "95431.72690763"),
])
def test_what_an_isolated_position_stands_on_and_where_it_falls(account: Account, own: str, price: str) -> None:
    assert account.isolated["BTCUSDT"] == D(own)
    found = liquidation_price(account, "BTCUSDT", {})
    assert found is not None
    assert found.quantize(CENT) == D(price)
    (pool,) = pools(account)
    away = D("0.01") if account.position("BTCUSDT").amount > 0 else D("-0.01")
    assert not pool.falls_short({"BTCUSDT": found + away})
    assert pool.falls_short({"BTCUSDT": found - away})


def test_a_part_that_is_closed_takes_its_share_and_its_profit_to_the_cross_wallet() -> None:
    account = isolated(50_000, "BTCUSDT", "1", "100000", 20)
    close(account, "-0.5", "101000")
    # share 4950 / 2 = 2475, profit 500, fee 0.0005 · 50500 = 25.25 from what is kept
    assert (account.isolated["BTCUSDT"], account.cross_wallet) == (D("2449.75"), D(45_000) + 2_475 + 500)
    close(account, "-0.5", "90000")
    # loss 5000, fee 0.0005 · 45000 = 22.5, all of the rest comes back
    assert (account.isolated["BTCUSDT"], account.cross_wallet) == (D(0), D(47_975) + D("2449.75") - 5_000 - D("22.5"))


def test_a_loss_beyond_the_share_is_taken_from_the_rest_of_its_own_wallet() -> None:
    account = isolated(50_000, "BTCUSDT", "1", "100000", 20)
    close(account, "-0.5", "94000")
    # share 2475 less loss 3000: 525 short; 4950 − 2475 − 525 − fee 0.0005 · 47000
    assert (account.isolated["BTCUSDT"], account.cross_wallet) == (D("1926.5"), D(45_000))


def test_a_position_turned_around_binds_its_margin_anew() -> None:
    account = isolated(50_000, "BTCUSDT", "1", "100000", 20)
    close(account, "-1.5", "100000")
    # all 4950 back; 0.5 · 100000 / 20 = 2500 bound, less the fee of the whole order 0.0005 · 150000 = 75
    assert (account.isolated["BTCUSDT"], account.cross_wallet) == (D(2_425), D(45_000) + 4_950 - 2_500)


def test_funding_is_paid_from_its_own_wallet() -> None:
    account = isolated(50_000, "BTCUSDT", "1", "100000", 20)
    account.apply_funding("BTCUSDT", D("0.0001"), D(100_000), 0)
    assert (account.isolated["BTCUSDT"], account.cross_wallet) == (D(4_940), D(45_000))


def test_cross_positions_stand_together_without_the_isolated_one() -> None:
    held = {
        "BTCUSDT": Position(D(1), D(100_000)), "ETHUSDT": Position(D(-10), D(3_000)), "SOLUSDT": Position(D(100), D(150)),
    }
    account = Account(UserEvents(lambda: False), D(20_000), held, isolated={"BTCUSDT": D(5_000)})
    marks = {"BTCUSDT": D(100_000), "ETHUSDT": D(3_100), "SOLUSDT": D(140)}
    # 20000 − 5000, SOL −1000 and 0.004 · 14000 = 56 to keep: (13944 + 30000) / (0.04 + 10)
    price = liquidation_price(account, "ETHUSDT", marks)
    assert price is not None
    assert price.quantize(CENT) == D("4376.89243028")
    # ETH −1000 and 0.004 · 31000 = 124 to keep: (15000 − 1124 − 15000) / (0.4 − 100)
    price = liquidation_price(account, "SOLUSDT", marks)
    assert price is not None
    assert price.quantize(CENT) == D("11.28514056")
    assert [(p.isolated, p.symbols, p.wallet) for p in pools(account)] == [
        (False, ("ETHUSDT", "SOLUSDT"), D(15_000)), (True, ("BTCUSDT",), D(5_000)),
    ]


def risking(to: int) -> Floor:
    """One BTC in isolated margin at 20, one ETH in cross margin, orders in both, and a fall of BTC to `to` ticks."""
    eth = listed(flat(PRICE, 10, 400_000), base="ETH")
    floor = open_floor(listed(fall(to)), wallet=50_000, others=[eth])
    floor.clients.first.endpoints.margin.set_isolated("BTCUSDT", isolated=True)
    floor.order(side="BUY", type="MARKET")
    floor.order(side="BUY", type="MARKET", symbol="ETHUSDT", quantity="0.1")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        floor.order(side="SELL", type="LIMIT", timeInForce="GTC", price="104000", quantity="0.01", symbol=symbol)
    return floor


def test_only_the_isolated_position_is_liquidated_and_nothing_else_pays_for_it() -> None:
    floor = risking(PRICE - 70_000)
    cross = floor.account.cross_wallet
    floor.go_to(6)
    account = floor.account
    assert [q.order.instrument.symbol for q in floor.matching.liquidations] == ["BTCUSDT"]
    assert (account.position("BTCUSDT").amount, account.position("ETHUSDT").amount) == (0, D("0.1"))
    assert account.isolated == {"BTCUSDT": D(0)}
    assert account.cross_wallet >= cross
    assert (floor.desk.resting("BTCUSDT"), len(floor.desk.resting("ETHUSDT"))) == ([], 1)
    assert account.wallet == 50_000 + sum((i.amount for i in account.income), D(0))


def test_a_gap_beyond_its_wallet_is_borne_by_the_insurance_fund_not_by_the_cross_wallet() -> None:
    gap = [*flat(PRICE, 2), *flat(PRICE - 150_000, 4, 400_000)]
    floor = open_floor(listed(gap), wallet=50_000)
    floor.clients.first.endpoints.margin.set_isolated("BTCUSDT", isolated=True)
    floor.order(side="BUY", type="MARKET")
    cross = floor.account.cross_wallet
    floor.go_to(4)
    assert floor.account.cross_wallet == floor.account.wallet == cross
    assert floor.account.insurance_paid < -9_000


def test_margin_put_in_moves_the_price_away_and_only_what_is_spare_comes_out() -> None:
    floor = risking(PRICE - 20_000)
    margin, account = floor.clients.first.endpoints.margin, floor.account
    own, before = account.isolated["BTCUSDT"], liquidation_price(account, "BTCUSDT", {})
    margin.transfer_margin("BTCUSDT", D(1_000))
    after = liquidation_price(account, "BTCUSDT", {})
    assert account.isolated["BTCUSDT"] == own + 1_000
    assert before is not None
    assert after is not None
    assert (before - after).quantize(D("0.0001")) == (D(1_000) / D("0.996")).quantize(D("0.0001"))
    assert_refused(-4051, lambda: margin.transfer_margin("BTCUSDT", D(-1_200)))
    assert_refused(-4050, lambda: margin.transfer_margin("BTCUSDT", D(60_000)))
    assert_refused(-4049, lambda: margin.transfer_margin("ETHUSDT", D(1)))
    margin.transfer_margin("BTCUSDT", D(-900))
    assert [(t.symbol, t.amount) for t in account.transfers] == [("BTCUSDT", D(1_000)), ("BTCUSDT", D(-900))]


def test_the_margin_type_is_changed_over_http_and_refused_with_orders_or_a_position(fresh: str) -> None:
    def margin_type(wanted: str) -> tuple[int, int]:
        status, answer = signed(fresh, "POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType=wanted)
        return status, answer["code"]

    assert margin_type("CROSSED") == (400, -4046)
    assert margin_type("SIDEWAYS") == (400, -1130)
    exchange = point(ccxt.binanceusdm(keys()), fresh)
    exchange.load_markets()
    exchange.set_margin_mode("isolated", BTC)
    below = float(exchange.price_to_precision(BTC, exchange.fetch_ticker(BTC)["last"] * 0.98))
    order = exchange.create_order(BTC, "limit", "buy", 0.1, below)
    assert margin_type("CROSSED") == (400, -4047)
    exchange.cancel_order(order["id"], BTC)
    cost = D(str(exchange.create_order(BTC, "market", "buy", 0.1)["cost"]))
    assert margin_type("CROSSED") == (400, -4048)
    risk = signed(fresh, "GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")[1][0]
    own = (cost / 20).quantize(CENT) - (cost * D("0.0005")).quantize(CENT)
    assert (risk["marginType"], D(risk["isolatedWallet"])) == ("isolated", own)
    assert D(risk["liquidationPrice"]) == ((own - cost) / (D("0.0004") - D("0.1"))).quantize(CENT)
    assert signed(fresh, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=10)[1]["code"] == -4161
    assert exchange.add_margin(BTC, 100)["amount"] == 100
    assert exchange.reduce_margin(BTC, 40)["amount"] == 40
    history = signed(fresh, "GET", "/fapi/v1/positionMargin/history", symbol="BTCUSDT")[1]
    assert [(h["type"], h["amount"]) for h in history] == [(2, "40.00000000"), (1, "100.00000000")]
    assert signed(fresh, "POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="0", type=1)[1]["code"] == -4055
    assert signed(fresh, "POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="5", type=1)[1]["code"] == -4049
    totals = signed(fresh, "GET", "/fapi/v2/account")[1]
    assert D(totals["totalCrossWalletBalance"]) == D(totals["totalWalletBalance"]) - own - 60
    exchange.create_order(BTC, "market", "sell", 0.1)
    assert margin_type("CROSSED") == (200, 200)
