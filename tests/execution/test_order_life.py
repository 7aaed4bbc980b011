"""The order state machine under any sequence of events."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.contracts.order import OrderState
from huracan_platform.contracts.order_life import EventKind, OrderEvent, OrderStatus
from huracan_platform.errors import HaltTradingError
from huracan_platform.execution.order_life import apply_event, new_status

K, S = EventKind, OrderState
QUANTITY = Decimal(10)
VENUE_STATES = [S.OPEN, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED]
EVENTS = st.one_of(
    st.sampled_from([k for k in K if k is not K.OBSERVED]).map(lambda kind: OrderEvent(kind, 1)),
    st.builds(
        lambda state, filled: OrderEvent(K.OBSERVED, 1, state=state, filled=Decimal(filled), venue_order_id="7"),
        st.sampled_from(VENUE_STATES), st.integers(0, 12),
    ),
)


def after(*events: OrderEvent) -> OrderStatus:
    status = new_status(QUANTITY)
    for event in events:
        status = apply_event(status, event)
    return status


def event(kind: EventKind) -> OrderEvent:
    return OrderEvent(kind, 1)


def seen(state: OrderState, filled: int = 0) -> OrderEvent:
    return OrderEvent(K.OBSERVED, 1, state=state, filled=Decimal(filled), venue_order_id="7")


@given(st.lists(EVENTS, max_size=30))
def test_terminal_states_absorb_and_fills_only_grow(events: list[OrderEvent]) -> None:
    status = new_status(QUANTITY)
    for happened in events:
        try:
            later = apply_event(status, happened)
        except HaltTradingError:
            continue  # a contradiction changes nothing
        assert status.filled <= later.filled <= QUANTITY
        assert not status.state.terminal or later.state is status.state
        assert later.state is not S.NOT_ACCEPTED or status.state in (S.UNKNOWN, S.NOT_ACCEPTED)
        assert (later.filled == QUANTITY) <= later.state.terminal
        assert later.not_founds >= status.not_founds
        status = later


@given(st.lists(EVENTS, max_size=30))
def test_an_event_repeated_changes_nothing_but_the_count_of_not_founds(events: list[OrderEvent]) -> None:
    status = new_status(QUANTITY)
    for happened in events:
        try:
            once = apply_event(status, happened)
            twice = apply_event(once, happened)
        except HaltTradingError:
            continue
        assert happened.kind is K.NOT_FOUND or twice == once
        status = once


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([event(K.SENT)], S.SENT),
        ([event(K.SENT), seen(S.OPEN)], S.OPEN),
        ([event(K.SENT), seen(S.PARTIALLY_FILLED, 4)], S.PARTIALLY_FILLED),
        ([event(K.SENT), seen(S.FILLED, 10)], S.FILLED),
        ([event(K.SENT), event(K.NO_ANSWER)], S.UNKNOWN),
        ([event(K.NO_ANSWER)], S.UNKNOWN),
        ([event(K.NO_ANSWER), event(K.NOT_FOUND), event(K.NOT_FOUND)], S.UNKNOWN),
        ([event(K.NO_ANSWER), event(K.PROVEN_ABSENT)], S.NOT_ACCEPTED),
        ([event(K.PROVEN_ABSENT)], S.INTENT),
        ([event(K.SENT), event(K.NO_ANSWER), seen(S.OPEN)], S.OPEN),
        ([event(K.SENT), event(K.REJECTED)], S.REJECTED),
        ([seen(S.OPEN), event(K.NO_ANSWER)], S.OPEN),
        ([seen(S.OPEN), event(K.REJECTED)], S.OPEN),
        ([seen(S.OPEN), event(K.CANCEL_SENT), seen(S.OPEN)], S.PENDING_CANCEL),
        ([seen(S.OPEN), event(K.CANCEL_SENT), seen(S.FILLED, 10)], S.FILLED),
        ([seen(S.OPEN), event(K.CANCEL_SENT), seen(S.CANCELED, 3)], S.CANCELED),
        ([seen(S.FILLED, 6)], S.EXPIRED),
        ([seen(S.FILLED, 10), seen(S.CANCELED)], S.FILLED),
    ],
)
def test_an_order_stands_where_its_events_put_it(events: list[OrderEvent], state: OrderState) -> None:
    assert after(*events).state is state


def test_a_fill_seen_late_still_counts_for_a_canceled_order() -> None:
    assert after(seen(S.CANCELED, 3), seen(S.CANCELED, 4)).filled == 4


@pytest.mark.parametrize("proof", [K.REJECTED, K.PROVEN_ABSENT])
def test_life_in_an_order_proven_absent_stops_trading(proof: EventKind) -> None:
    with pytest.raises(HaltTradingError, match="expected none at the venue"):
        after(event(K.NO_ANSWER), event(proof), seen(S.OPEN))


def test_a_fill_beyond_the_quantity_stops_trading() -> None:
    with pytest.raises(HaltTradingError, match="expected at most 10 filled, got 11"):
        after(seen(S.OPEN, 11))
