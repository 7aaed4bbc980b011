"""Cross margin, liquidation and conservation against cases worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from huracan_platform.simulator.binance.user_stream import UserEvents
from huracan_platform.simulator.exchange.account import Account, Position
from huracan_platform.simulator.exchange.brackets import BRACKETS, maintenance_margin, most_notional
from huracan_platform.simulator.exchange.logs import IncomeType
from huracan_platform.simulator.exchange.margin import bankruptcy_price, liquidation_price, pools
from huracan_platform.simulator.exchange.orders import Status
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import START_MS, Floor, flat, listed, open_floor
from tests.simulator.test_matching import assert_refused

PRICE = 1_000_000  # ticks: 100,000.0 USDT
D = Decimal
CENT = D("0.00000001")


def holding(wallet: int, **positions: tuple[str, str]) -> Account:
    """An account with (amount, entry) by symbol."""
    held = {s: Position(D(amount), D(entry)) for s, (amount, entry) in positions.items()}
    return Account(UserEvents(lambda: False), D(wallet), held)


def fall(to: int, minutes: int = 5) -> list[tuple[int, int, int, int, int]]:
    """Two quiet minutes, one that falls to `to` ticks, and quiet ones there."""
    return [*flat(PRICE, 2), (PRICE, PRICE, to, to, 400_000), *flat(to, minutes, 400_000)]


@pytest.mark.parametrize(("notional", "margin"), [
    ("100000", "400"), ("300000", "1200"), ("500000", "2200"), ("800000", "3700"), ("1000000", "5000"),
    ("20000000", "268000"), ("1800000000", "478518000"),
])
def test_maintenance_margin_by_bracket(notional: str, margin: str) -> None:
    assert maintenance_margin(D(notional)) == D(margin)


def test_brackets_join_without_a_step_and_carry_the_published_deductions() -> None:
    assert [int(b.cum) for b in BRACKETS[:7]] == [0, 300, 1_500, 12_000, 132_000, 482_000, 2_982_000]
    for before, after in pairwise(BRACKETS):
        assert after.floor * after.ratio - after.cum == after.floor * before.ratio - before.cum
    assert [int(most_notional(x)) for x in (125, 100, 21, 20, 1)] == [300_000, 800_000, 70_000_000, 100_000_000, 1_800_000_000]


@pytest.mark.parametrize(("account", "price"), [
    (holding(10_000, BTCUSDT=("1", "100000")), "90361.44578313"),  # (10000 − 100000) / (0.004 − 1)
    (holding(10_000, BTCUSDT=("-1", "100000")), "109561.75298805"),  # (10000 + 100000) / (0.004 + 1)
    (holding(50_000, BTCUSDT=("5", "100000")), "90391.95979899"),  # second bracket: (50000 + 300 − 500000) / (0.025 − 5)
    (holding(10_000, BTCUSDT=("1", "100000"), ETHUSDT=("-10", "3000")), "91489.95983936"),  # ETH: −1000, 124 to keep
    (holding(200_000, BTCUSDT=("1", "100000")), None),  # the wallet carries the whole fall
    (holding(10_000, BTCUSDT=("0", "0")), None),
])
def test_liquidation_prices_worked_out_by_hand(account: Account, price: str | None) -> None:
    marks = {"BTCUSDT": D(100_000), "ETHUSDT": D(3_100)}
    found = liquidation_price(account, "BTCUSDT", marks)
    assert (found if found is None else found.quantize(CENT)) == (None if price is None else D(price))


def test_an_account_is_sound_at_its_liquidation_price_and_not_a_tick_beyond() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        amount = D(int(rng.integers(1, 200_000)) * int(rng.choice([-1, 1]))) / 1_000
        account = holding(int(rng.integers(1_000, 900_000)), BTCUSDT=(str(amount), "100000"), ETHUSDT=("-7", "3000"))
        marks = {"BTCUSDT": D(100_000), "ETHUSDT": D(3_050)}
        price = liquidation_price(account, "BTCUSDT", marks)
        if price is None:
            continue
        away = D("0.01") if amount > 0 else D("-0.01")
        assert not pools(account)[0].falls_short(marks | {"BTCUSDT": price + away})
        assert pools(account)[0].falls_short(marks | {"BTCUSDT": price - away})
        beyond = {"BTCUSDT": price - away, "ETHUSDT": D(3_050)}
        assert pools(account)[0].could_fall_short(marks | {"BTCUSDT": min(price - away, D(100_000))},
                                   marks | {"BTCUSDT": max(price - away, D(100_000))}), beyond


def test_the_bankruptcy_price_leaves_nothing() -> None:
    account = holding(10_000, BTCUSDT=("2", "100000"))
    assert bankruptcy_price(account, "BTCUSDT", {"BTCUSDT": D(100_000)}) == D(95_000)


def leveraged(bars: list[tuple[int, int, int, int, int]], side: str = "BUY") -> Floor:
    """One BTC on 6,000 USDT."""
    floor = open_floor(listed(bars), wallet=6_000)
    floor.order(side=side, type="MARKET")
    return floor


def test_a_long_is_closed_at_market_by_the_first_trade_beyond_its_liquidation_price() -> None:
    floor = leveraged(fall(PRICE - 70_000))
    floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="95200", quantity="0.002", newClientOrderId="rests")
    stop = floor.stop(side="SELL", triggerPrice="80000", closePosition="true")
    price = liquidation_price(floor.account, "BTCUSDT", floor.matching.marks(floor.account))
    assert price is not None
    floor.desk.cancel({"symbol": "BTCUSDT", "origClientOrderId": "rests"})
    resting = floor.order(side="SELL", type="LIMIT", timeInForce="GTC", price="104000", quantity="0.002")
    floor.go_to(6)
    tape = floor.venue.history("BTCUSDT").tape(2)
    first = next(int(tape.offset_ms[i]) for i in range(len(tape)) if int(tape.price[i]) < price * 10)
    forced = floor.matching.liquidations[0].order
    assert forced.time_ms == START_MS + 2 * 60_000 + first
    assert floor.account.position("BTCUSDT").amount == 0
    assert (resting.status, stop.open, forced.status) == (Status.CANCELED, False, Status.FILLED)
    assert (forced.request.side.value, forced.request.client_order_id) == ("SELL", "autoclose-1")
    steps = [m["o"]["x"] for m in floor.told if m["e"] == "ORDER_TRADE_UPDATE" and m["o"]["c"] == "autoclose-1"]
    assert steps == ["NEW"] + ["CALCULATED"] * (len(steps) - 1)
    fee = (forced.quote * D("0.0125")).quantize(CENT)
    left = D(6_000) + sum((i.amount for i in floor.account.income if i.kind is not IncomeType.INSURANCE_CLEAR), D(0))
    assert floor.account.insurance_paid == min(max(left, D(0)), fee) if left >= 0 else left
    assert floor.account.wallet == max(left - fee, D(0))


def test_a_short_is_closed_by_a_rise() -> None:
    rise = [*flat(PRICE, 2), (PRICE, PRICE + 70_000, PRICE, PRICE + 70_000, 400_000), *flat(PRICE + 70_000, 4)]
    floor = leveraged(rise, "SELL")
    floor.go_to(5)
    assert floor.account.position("BTCUSDT").amount == 0
    assert floor.matching.liquidations[0].order.request.side.value == "BUY"


def test_a_fall_that_stops_above_the_liquidation_price_takes_nothing() -> None:
    price = liquidation_price(leveraged(flat(PRICE, 5)).account, "BTCUSDT", {"BTCUSDT": D(100_000)})
    assert price is not None
    floor = leveraged(fall(int(price * 10) + 1))
    floor.go_to(6)
    assert (floor.matching.liquidations, floor.account.position("BTCUSDT").amount) == ([], 1)


def test_a_gap_beyond_bankruptcy_is_borne_by_the_insurance_fund() -> None:
    gap = [*flat(PRICE, 2), *flat(PRICE - 150_000, 4, 400_000)]
    floor = leveraged(gap)
    floor.go_to(4)
    assert floor.account.wallet == 0
    assert floor.account.insurance_paid < -8_000
    assert floor.account.wallet == 6_000 + sum((i.amount for i in floor.account.income), D(0))


def test_a_loss_in_one_symbol_takes_the_larger_position_first() -> None:
    eth = listed(flat(PRICE, 10, 400_000), base="ETH")
    floor = open_floor(listed(fall(PRICE - 70_000)), wallet=7_000, others=[eth])
    floor.order(side="BUY", type="MARKET")
    floor.order(side="BUY", type="MARKET", symbol="ETHUSDT", quantity="0.2")
    floor.go_to(6)
    assert floor.matching.liquidations[0].order.instrument.symbol == "BTCUSDT"
    assert floor.account.position("BTCUSDT").amount == 0


def test_funding_can_liquidate_what_a_quiet_price_would_not() -> None:
    floor = open_floor(listed(flat(PRICE, 30), funding=[(5, 0.0075)]), wallet=5_800)
    floor.order(side="BUY", type="MARKET", quantity="1.1")
    floor.account.wallet = D(1_200)
    floor.go_to(4)
    assert floor.account.position("BTCUSDT").amount == D("1.1")
    floor.go_to(6)
    assert floor.account.position("BTCUSDT").amount == 0


def test_size_and_leverage_are_held_together() -> None:
    floor = open_floor(listed(flat(PRICE, 10)))
    floor.account.leverage["BTCUSDT"] = 125
    assert_refused(-2027, floor.order, side="BUY", type="MARKET", quantity="3.1")
    assert floor.order(side="BUY", type="MARKET", quantity="2.9").status is Status.FILLED
    assert_refused(-2027, floor.order, side="BUY", type="LIMIT", timeInForce="GTC", price="99000", quantity="0.2")
    assert floor.order(side="SELL", type="MARKET", quantity="5").status is Status.FILLED


def test_leverage_is_not_raised_above_what_resting_orders_allow() -> None:
    floor = open_floor(listed(flat(PRICE, 10)), wallet=10_000_000)
    settings = floor.clients.first.endpoints.margin
    settings.set_leverage("BTCUSDT", 5)
    floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="99000", quantity="400")
    with pytest.raises(VenueRefusal) as caught:
        settings.set_leverage("BTCUSDT", 125)
    assert caught.value.code == -2027
    settings.set_leverage("BTCUSDT", 25)
