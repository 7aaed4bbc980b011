"""What follows a kill -9: an order that never left, and a second executor beside the first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from huracan_platform.brain.connection import Brain
from tests.faults.conftest import Running
from tests.faults.invariants import broken_invariants, read_ledger

pytestmark = pytest.mark.slow
Start = Callable[..., Running]


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
