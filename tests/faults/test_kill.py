"""kill -9 at every point of the send path, then a restart: judged by the venue's own ledger."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.orders import OrderRepository
from huracan_platform.execution.failpoints import Failpoint
from tests.faults.conftest import Running
from tests.faults.driver import BTC, QUANTITY
from tests.faults.invariants import broken_invariants, read_ledger

pytestmark = pytest.mark.slow
Start = Callable[..., Running]
NOTHING_SENT = (Failpoint.BEFORE_INTENT_COMMIT, Failpoint.AFTER_INTENT_COMMIT, Failpoint.AFTER_MARK_SENT)
SCRIPT = ("buy", "limit", "cancel")


@pytest.mark.parametrize("failpoint", list(Failpoint))
def test_a_kill_at_each_failpoint_leaves_one_order_one_stop_and_nothing_to_reconcile(
    failpoint: Failpoint, start_driver: Start, venue_url: str, brain: Brain
) -> None:
    killed = start_driver(*SCRIPT, failpoint=f"{failpoint}:kill").finish()
    assert killed.code == -9, killed.errors
    assert len(killed.steps) == (2 if failpoint is Failpoint.DURING_CANCEL else 0)

    restarted = start_driver("settle").finish()
    assert restarted.code == 0, restarted.errors
    settled = restarted.steps[0]
    ledger = read_ledger(venue_url)

    assert broken_invariants(ledger, brain) == []
    assert (settled["events"], settled["unknown"], settled["unexplained"], settled["state"]) == (0, 0, [], "active")
    bought = Decimal(0) if failpoint in NOTHING_SENT else QUANTITY
    assert Decimal(settled["positions"].get(BTC, "0")) == bought
    assert sum(Decimal(p["amount"]) for p in ledger["positions"].values()) == bought
    assert Decimal(100_000) + Decimal(settled["money"]) == Decimal(ledger["balances"]["USDT"]["wallet"])
    with brain.connect() as connection:
        (venue, account), = connection.execute("SELECT DISTINCT venue, account FROM order_events").fetchall() or [("", "")]
    OrderRepository(brain, venue, account).verify_chain()


def test_an_intent_killed_before_its_send_is_proven_absent_and_trading_goes_on(
    start_driver: Start, venue_url: str, brain: Brain
) -> None:
    assert start_driver("buy", failpoint="after_mark_sent:kill").finish().code == -9
    again = start_driver("settle", "buy", "settle").finish()
    assert [s.get("outcome") for s in again.steps] == [None, "ack", None], again.errors
    with brain.connect() as connection:
        states = connection.execute("SELECT state FROM orders ORDER BY intent_id").fetchall()
    assert [s for s, in states] == ["not_accepted", "filled", "open"]
    assert broken_invariants(read_ledger(venue_url), brain) == []


def test_of_two_executors_at_once_one_trades(start_driver: Start, venue_url: str, brain: Brain) -> None:
    first = start_driver("buy", "hold=6")
    first.wait_for_step()
    second = start_driver("buy").finish()
    assert second.code != 0
    assert "lease" in second.errors
    assert first.finish().code == 0
    ledger = read_ledger(venue_url)
    assert len(ledger["accepts"]) == 2  # one entry, one stop
    assert broken_invariants(ledger, brain) == []
