"""The order journal and the lease in the database: fenced, chained, never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.brain.execution.orders import OrderRepository
from huracan_platform.brain.execution.risk import InstallationRepository
from huracan_platform.contracts.order import Fill, OrderIntent, OrderKind, OrderRequest, OrderState, Side
from huracan_platform.contracts.order_life import EventKind, Lease, OrderEvent, OrderStatus
from huracan_platform.errors import HaltTradingError
from huracan_platform.execution.ids import client_order_id

D = Decimal
NOW = 1_750_000_000_000
BTC = "BTC/USDT:USDT"


def maker(now: int = NOW) -> Callable[[str, int], OrderIntent]:
    request = OrderRequest(BTC, Side.BUY, OrderKind.LIMIT, D("0.10"), False, price=D("50000.5"))

    def make(installation: str, number: int) -> OrderIntent:
        identifier = client_order_id(installation, "a", "s", number)
        return OrderIntent(number, identifier, "a", "s", request, "d", "m", 1, now, now + 5000, D("49000.1"))

    return make


@pytest.fixture
def lease(brain: Brain) -> Lease:
    InstallationRepository(brain).establish(UUID(int=7))
    lease = LeaseRepository(brain).acquire("executor", "me", 60)
    assert lease is not None
    return lease


@pytest.fixture
def orders(brain: Brain) -> OrderRepository:
    return OrderRepository(brain, "v", "a")


def test_an_intent_comes_back_as_it_was_committed(orders: OrderRepository, lease: Lease) -> None:
    intent = orders.commit_intent(maker(), lease, NOW)
    stored = orders.by_client_order_id(intent.client_order_id)
    assert stored is not None
    assert (stored.intent, stored.status) == (intent, OrderStatus(OrderState.INTENT, D("0.10")))
    assert [o.intent for o in orders.alive()] == [intent]
    assert orders.protect_prices() == {}, "an entry that filled nothing names no stop"
    orders.append(intent.intent_id, OrderEvent(EventKind.OBSERVED, NOW), OrderStatus(OrderState.OPEN, D("0.10"), D("0.01")), None)
    assert orders.protect_prices()[BTC][0] == D("49000.1")


def test_sequence_numbers_run_past_the_wire_clock_so_a_restored_backup_repeats_none(
    orders: OrderRepository, lease: Lease, brain: Brain
) -> None:
    given = [orders.commit_intent(maker(), lease, NOW).intent_id for _ in range(3)]
    assert given == [NOW, NOW + 1, NOW + 2]
    with brain.connect() as connection:
        connection.execute("UPDATE installation SET last_seq = 5")  # an older backup
    assert orders.commit_intent(maker(), lease, NOW + 1000).intent_id == NOW + 1000


@pytest.mark.parametrize("statement", ["UPDATE {} SET venue = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize(
    "table", ["order_intents", "order_events", "fills", "pre_trade_denials", "governor_states", "trading_states"]
)
def test_journals_refuse_change(module_brain: Brain, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="journal"), module_brain.connect() as connection:
        connection.execute(statement.format(table))


@pytest.mark.parametrize(
    ("first", "then"),
    [(("filled", "0.1"), ("open", "0.1")), (("canceled", "0"), ("filled", "0.1")), (("open", "0.05"), ("open", "0.04"))],
)
def test_the_database_itself_keeps_terminal_states_and_filled_quantities(
    orders: OrderRepository, lease: Lease, brain: Brain, first: tuple[str, str], then: tuple[str, str]
) -> None:
    orders.commit_intent(maker(), lease, NOW)
    with brain.connect() as connection:
        connection.execute("UPDATE orders SET state = %s, filled = %s", first)
    with pytest.raises(psycopg.errors.RestrictViolation), brain.connect() as connection:
        connection.execute("UPDATE orders SET state = %s, filled = %s", then)


def test_the_chain_verifies_and_names_an_event_that_was_tampered_with(
    orders: OrderRepository, lease: Lease, brain: Brain
) -> None:
    intent = orders.commit_intent(maker(), lease, NOW)
    after = OrderStatus(OrderState.OPEN, D("0.10"), venue_order_id="9")
    orders.append(intent.intent_id, OrderEvent(EventKind.OBSERVED, NOW, OrderState.OPEN, D(0), "9"), after, None)
    assert orders.verify_chain() == 2
    with brain.connect() as connection:
        connection.execute("ALTER TABLE order_events DISABLE TRIGGER journal")
        connection.execute("""UPDATE order_events SET event = event || '{"filled": "1"}' WHERE chain_seq = 2""")
    with pytest.raises(HaltTradingError, match="event 2: expected hash"):
        orders.verify_chain()


def test_a_second_holder_waits_for_the_lease_and_then_fences_the_first(
    brain: Brain, orders: OrderRepository, lease: Lease
) -> None:
    leases = LeaseRepository(brain)
    assert leases.acquire("executor", "other", 60) is None
    with brain.connect() as connection:
        connection.execute("UPDATE executor_leases SET expires_at = clock_timestamp()")
    assert leases.renew(lease, 60) is False  # one that ran out is never ours again
    other = leases.acquire("executor", "other", 60)
    assert other == Lease("executor", "other", 2)
    with pytest.raises(HaltTradingError, match="expected me, epoch 1, got other, epoch 2"):
        orders.commit_intent(maker(), lease, NOW)
    assert orders.alive() == []
    assert leases.renew(other, 60) is True


def test_an_expired_lease_writes_no_intent_and_marks_nothing_sent(brain: Brain, orders: OrderRepository, lease: Lease) -> None:
    intent = orders.commit_intent(maker(), lease, NOW)
    LeaseRepository(brain).release(lease)
    with pytest.raises(HaltTradingError, match="expired"):
        orders.commit_intent(maker(), lease, NOW)
    with pytest.raises(HaltTradingError, match="expired"):
        orders.append(intent.intent_id, OrderEvent(EventKind.SENT, NOW), OrderStatus(OrderState.SENT, D("0.10")), lease)
    assert [o.status.state for o in orders.alive()] == [OrderState.INTENT]


def test_a_trade_is_recorded_once(brain: Brain) -> None:
    fills = FillRepository(brain, "v", "a")
    fill = Fill("v", "a", BTC, "7", None, "9", Side.BUY, D("0.1"), D(50000), D("2.5"), "USDT", False, NOW)
    assert fills.record([(fill, None), (fill, None)], NOW) == [fill]
    assert fills.record([(replace(fill, price=D(1)), None)], NOW) == []
    assert fills.all() == [fill]
