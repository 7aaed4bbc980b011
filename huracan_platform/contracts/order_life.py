"""What can happen to an order, what is known about it now, and what the venue answered. Times are ms UTC, wire clock."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum

from huracan_platform.contracts.order import OrderIntent, OrderState, VenueOrder


class EventKind(StrEnum):
    """Rows of the hash-chained order journal."""

    COMMITTED = "committed"          # the intent is durable, nothing was sent
    SENT = "sent"                    # marked just before the bytes leave
    NO_ANSWER = "no_answer"          # neither accepted nor refused, or a crash in between
    REJECTED = "rejected"            # the venue refused it in so many words
    NOT_FOUND = "not_found"          # one definitive not-found by client order id
    PROVEN_ABSENT = "proven_absent"  # enough evidence that the venue never had it
    OBSERVED = "observed"            # the venue's view: acknowledgement, query, reconcile
    CANCEL_SENT = "cancel_sent"


@dataclass(frozen=True)
class OrderEvent:
    """One row of the journal. `filled` is the venue's cumulative figure; `state` belongs to OBSERVED only."""

    kind: EventKind
    at_ms: int
    state: OrderState | None = None
    filled: Decimal | None = None
    venue_order_id: str | None = None
    triggered_order_id: str | None = None
    code: str | None = None
    message: str = ""

    def as_dict(self) -> dict[str, str]:
        """Every field that says something, as strings; this is what the hash chain covers."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value not in (None, "")}


@dataclass(frozen=True)
class OrderStatus:
    """The projection of an order's events. `filled` never falls, a terminal state never changes."""

    state: OrderState
    quantity: Decimal
    filled: Decimal = Decimal(0)
    not_founds: int = 0
    venue_order_id: str | None = None
    triggered_order_id: str | None = None
    code: str | None = None

    @property
    def remaining(self) -> Decimal:
        """Quantity that may still fill; 0 once terminal."""
        return Decimal(0) if self.state.terminal else self.quantity - self.filled


@dataclass(frozen=True)
class StoredOrder:
    """An intent and where it stands."""

    intent: OrderIntent
    status: OrderStatus


class SendResult(StrEnum):
    """What a send proved. Everything that is not a clear yes or no is UNKNOWN."""

    ACK = "ack"
    REJECT = "reject"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SendAnswer:
    """The outcome of one send. `code` is the venue's error code or the client's exception name."""

    result: SendResult
    order: VenueOrder | None = None
    code: str | None = None
    message: str = ""


class QueryResult(StrEnum):
    """What a query by id proved."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True)
class QueryAnswer:
    """The outcome of one query; NO_ANSWER proves nothing."""

    result: QueryResult
    order: VenueOrder | None = None
    message: str = ""


@dataclass(frozen=True)
class AccountState:
    """The account's money in quote currency. Equity = wallet balance + unrealised PnL."""

    wallet_balance: Decimal
    equity: Decimal


@dataclass(frozen=True)
class Lease:
    """The right to trade under a name. `epoch` grows with every holder and fences the former ones."""

    name: str
    holder: str
    epoch: int
