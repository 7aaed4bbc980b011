"""Orders, fills and positions as they cross borders. Money and quantities are Decimal, times ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Order side."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1


class OrderKind(StrEnum):
    """What kind of order goes to the venue. STOP_MARKET and TAKE_PROFIT_MARKET are conditional, held by the venue."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    TAKE_PROFIT_MARKET = "take_profit_market"


class OrderState(StrEnum):
    """Life of an order in our books. Terminal states are absorbing."""

    INTENT = "intent"                  # committed, not sent
    SENT = "sent"                      # about to be on the wire; after a crash this is UNKNOWN
    UNKNOWN = "unknown"                # no answer: neither accepted nor not accepted
    OPEN = "open"                      # acknowledged by the venue
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    NOT_ACCEPTED = "not_accepted"      # proven: the venue never had it
    EXPIRED = "expired"

    @property
    def terminal(self) -> bool:
        """True when no further event can change the order."""
        return self in _TERMINAL


_TERMINAL = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.NOT_ACCEPTED, OrderState.EXPIRED})


class TradingState(StrEnum):
    """REDUCING lets only risk-reducing orders out; HALTED lets none but cancels."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True)
class OrderRequest:
    """What a decision wants done, before ids and checks. `price` is None for market kinds, `trigger` for unconditional ones."""

    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    reduce_only: bool
    price: Decimal | None = None
    trigger: Decimal | None = None


@dataclass(frozen=True)
class OrderIntent:
    """A request that is committed to the database before it is sent."""

    intent_id: int
    client_order_id: str
    account: str
    strategy: str
    request: OrderRequest
    decision_id: str | None
    model_id: str | None
    epoch: int
    created_ms: int
    deadline_ms: int
    protect_price: Decimal | None = None  # trigger of the native stop that an entry's position gets


@dataclass(frozen=True)
class Fill:
    """One execution as the venue reports it. `fee` in `fee_asset`, positive = paid."""

    venue: str
    account: str
    symbol: str
    trade_id: str
    client_order_id: str | None
    venue_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    traded_ms: int


@dataclass(frozen=True)
class VenuePosition:
    """A position as the venue reports it. `quantity` is signed: negative is short."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealised_pnl: Decimal


@dataclass(frozen=True)
class VenueOrder:
    """An open or past order as the venue reports it; `conditional` ones live in the venue's trigger book."""

    symbol: str
    client_order_id: str | None
    venue_order_id: str
    side: Side
    kind: OrderKind
    state: OrderState
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reduce_only: bool
    conditional: bool
    triggered_order_id: str | None = None  # the ordinary order that a conditional one became
