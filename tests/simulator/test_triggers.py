"""What a trigger brings to the market: after the trade that pulled it, and only what the account may order then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from huracan_platform.simulator.exchange.orders import AlgoStatus, Status
from tests.simulator.markets import flat, listed, open_floor
from tests.simulator.test_matching import assert_refused

PRICE = 1_000_000  # ticks: 100,000.0 USDT
D = Decimal
RISE = [*flat(PRICE, 2), (PRICE, PRICE + 3_000, PRICE, PRICE + 3_000, 40_000), *flat(PRICE + 3_000, 4)]


def test_the_trade_that_pulls_a_trigger_does_not_fill_the_order_that_it_makes() -> None:
    swing = [(PRICE, PRICE, PRICE, PRICE, 400), *[(PRICE, PRICE + 500, PRICE - 500, PRICE, 400_000)] * 8]
    floor = open_floor(listed(swing), minute=0.9)
    target = floor.stop(side="BUY", type="TAKE_PROFIT", triggerPrice="99970", price="99970", timeInForce="GTC", quantity="0.01")
    floor.go_to(8)
    assert target.order is not None
    assert target.order.status is Status.FILLED
    made = [fill.time_ms for fill in floor.fills if fill.maker]
    assert not made or min(made) > target.triggered_ms


@pytest.mark.parametrize(("sent", "wallet", "reason"), [
    ({"quantity": "10"}, 100, "Margin is insufficient."),
    ({"quantity": "30"}, 40_000_000, ""),
    ({"quantity": "2000"}, 40_000_000, "Exceeded the maximum allowable position at current leverage."),
    ({"quantity": "1", "type": "STOP", "price": "150000"}, 40_000_000, "Limit price can't be higher than 105"),
])
def test_what_the_account_may_not_order_is_rejected_when_it_is_triggered(sent: dict[str, str], wallet: int, reason: str) -> None:
    floor = open_floor(listed(RISE), wallet=wallet)
    stop = floor.stop(side="BUY", triggerPrice="100200", **sent)
    floor.go_to(5)
    told = [(m["o"]["X"], m["o"]["rm"][: len(reason)]) for m in floor.told if m["e"] == "ALGO_UPDATE"]
    if not reason:
        assert stop.status is AlgoStatus.FINISHED
        assert floor.account.position("BTCUSDT").amount == 30
        return
    assert told == [("NEW", ""), ("TRIGGERING", ""), ("REJECTED", reason)]
    assert stop.order is None
    assert (floor.account.wallet, len(floor.fills)) == (D(wallet), 0)


def test_a_stop_that_closes_needs_no_margin() -> None:
    floor = open_floor(listed(RISE), wallet=6_000)
    floor.order(side="SELL", type="MARKET", quantity="1")
    floor.stop(side="BUY", triggerPrice="100200", closePosition="true")
    floor.go_to(5)
    assert floor.account.position("BTCUSDT").amount == 0
    assert not floor.matching.liquidations


def test_each_order_watches_the_price_that_it_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = open_floor(listed(RISE))
    mark = D("100000")
    monkeypatch.setattr(floor.venue.history("BTCUSDT"), "mark_price", lambda _market_ms: mark)
    on_last = floor.stop(side="BUY", triggerPrice="100200", quantity="0.1", workingType="CONTRACT_PRICE")
    on_mark = floor.stop(side="BUY", triggerPrice="100200", quantity="0.1", workingType="MARK_PRICE")
    floor.go_to(4)
    assert (on_last.status, on_mark.status) == (AlgoStatus.FINISHED, AlgoStatus.NEW)
    assert_refused(-2021, floor.stop, side="BUY", triggerPrice="100250", quantity="0.1")
    assert floor.stop(side="BUY", triggerPrice="100250", quantity="0.1", workingType="MARK_PRICE").open
    mark = D("100200")
    floor.go_to(4.5)
    assert on_mark.status is AlgoStatus.FINISHED
