"""The order state machine: what an event makes of a status. Pure; every write of an order goes through it.

What the venue says in so many words counts, silence does not: a missing answer makes an order UNKNOWN, and only proof
takes it out of there. Terminal states absorb everything; a contradiction stops trading instead of being smoothed over.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from huracan_platform.contracts.order import OrderState
from huracan_platform.contracts.order_life import EventKind, OrderEvent, OrderStatus
from huracan_platform.errors import HaltTradingError

UNSETTLED = frozenset({OrderState.INTENT, OrderState.SENT, OrderState.UNKNOWN})
WITHOUT_FILLS = frozenset({OrderState.REJECTED, OrderState.NOT_ACCEPTED})


def new_status(quantity: Decimal) -> OrderStatus:
    """A committed intent that was not sent."""
    return OrderStatus(OrderState.INTENT, quantity)


def apply_event(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """The status after the event; the same object where the event changes nothing.

    Raises
    ------
    HaltTradingError
        When the venue's view contradicts what is proven: a fill beyond the quantity, or life in an order that was
        refused or proven absent.
    """
    if event.kind is EventKind.OBSERVED:
        return _observe(status, event)
    if status.state.terminal:
        return status
    if event.kind is EventKind.SENT and status.state is OrderState.INTENT:
        return replace(status, state=OrderState.SENT)
    if event.kind is EventKind.NO_ANSWER and status.state in UNSETTLED:
        return replace(status, state=OrderState.UNKNOWN, code=event.code)
    if event.kind is EventKind.NOT_FOUND and status.state is OrderState.UNKNOWN:
        return replace(status, not_founds=status.not_founds + 1)
    if event.kind is EventKind.PROVEN_ABSENT and status.state is OrderState.UNKNOWN:
        return replace(status, state=OrderState.NOT_ACCEPTED)
    if event.kind is EventKind.REJECTED and status.state in UNSETTLED:
        return replace(status, state=OrderState.REJECTED, code=event.code)
    if event.kind is EventKind.CANCEL_SENT and status.state in (OrderState.OPEN, OrderState.PARTIALLY_FILLED):
        return replace(status, state=OrderState.PENDING_CANCEL)
    return status


def _observe(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    if event.state is None:
        raise ValueError(f"expected a state in an observation, got {event}")
    filled = max(status.filled, event.filled or Decimal(0))
    if filled > status.quantity:
        raise HaltTradingError(f"order {event.venue_order_id}: expected at most {status.quantity} filled, got {filled}")
    if status.state in WITHOUT_FILLS:
        if event.state is OrderState.REJECTED:
            return status
        raise HaltTradingError(f"order {event.venue_order_id}: expected none at the venue ({status.state}), got {event.state}")
    seen = replace(
        status, filled=filled, venue_order_id=event.venue_order_id or status.venue_order_id,
        triggered_order_id=event.triggered_order_id or status.triggered_order_id,
    )
    return seen if status.state.terminal else replace(seen, state=_seen_state(status, event.state, filled))


def _seen_state(status: OrderStatus, seen: OrderState, filled: Decimal) -> OrderState:
    if filled == status.quantity:
        return OrderState.FILLED
    if seen is OrderState.FILLED:
        return OrderState.EXPIRED  # closed with less than asked for: a reduce-only order that was cut to the position
    if seen.terminal:
        return seen
    if status.state is OrderState.PENDING_CANCEL:
        return OrderState.PENDING_CANCEL  # an older view: the cancel stands until the venue proves its outcome
    return OrderState.PARTIALLY_FILLED if filled > 0 else OrderState.OPEN
