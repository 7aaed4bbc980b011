"""Orders of the venue's clients: what was asked, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from huracan_platform.simulator.exchange.instruments import Instrument

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.account import Account


# The kind of an order that a liquidation makes; no client can ask for it.
LIQUIDATION = "LIQUIDATION"


class Side(StrEnum):
    """Of an order or an aggressor."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


MARK_PRICE = "MARK_PRICE"  # what a conditional order may watch instead of the last trade


class SelfTrade(StrEnum):
    """What happens where an order would meet one of the same account."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class Status(StrEnum):
    """Life of an ordinary order."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class AlgoStatus(StrEnum):
    """Life of a conditional order."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A checked request: quantities in lots, prices in ticks (None: market)."""

    client_order_id: str
    side: Side
    kind: str
    time_in_force: str
    lots: int
    price: int | None
    reduce_only: bool
    close_position: bool = False
    self_trade: SelfTrade = SelfTrade.NONE


@dataclass(eq=False, slots=True)
class Order:
    """An ordinary order of an account. Times in market ms, `accepted_wire_ms` in wall time.

    `queue_ahead`: lots of the market's at its price that trade before it.
    """

    order_id: int
    account: Account = field(repr=False)
    instrument: Instrument
    request: OrderRequest
    time_ms: int
    accepted_wire_ms: int
    update_ms: int
    status: Status = Status.NEW
    executed: int = 0
    value: int = 0  # sum of ticks × lots
    queue_ahead: int = 0
    algo_id: int | None = None
    original_kind: str | None = None
    trigger: int | None = None

    @property
    def remaining(self) -> int:
        """Lots still open."""
        return self.request.lots - self.executed

    @property
    def limit(self) -> int:
        """Its limit price in ticks; only one that has a limit rests."""
        price = self.request.price
        if price is None:
            raise ValueError(f"order {self.order_id}: expected a limit price, got a {self.request.kind} order")
        return price

    @property
    def open(self) -> bool:
        """Still working."""
        return self.status is Status.NEW or self.status is Status.PARTIALLY_FILLED

    @property
    def average_price(self) -> Decimal:
        """Mean fill price, USDT; 0 before the first fill."""
        return Decimal(0) if not self.executed else self.instrument.price(1) * self.value / self.executed

    @property
    def quote(self) -> Decimal:
        """Exact value of all fills, USDT."""
        return self.instrument.value(self.value)


@dataclass(eq=False, slots=True)
class Conditional:
    """A conditional order of an account: waits for its trigger, then becomes an ordinary one, unless `refusal` says why not."""

    algo_id: int
    account: Account = field(repr=False)
    instrument: Instrument
    request: OrderRequest
    trigger: int
    working_type: str
    time_ms: int
    accepted_wire_ms: int
    update_ms: int
    status: AlgoStatus = AlgoStatus.NEW
    order: Order | None = None
    triggered_ms: int = 0
    refusal: str = ""

    @property
    def open(self) -> bool:
        """Still waiting."""
        return self.status is AlgoStatus.NEW

    def fires_at(self, price: int) -> bool:
        """Whether a price in ticks pulls the trigger."""
        stop = self.request.kind.startswith("STOP")
        rising = (self.request.side is Side.BUY) == stop
        return price >= self.trigger if rising else price <= self.trigger


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; amounts in USDT, exact."""

    trade_id: int
    order: Order
    price: int
    lots: int
    commission: Decimal
    realised: Decimal
    maker: bool
    time_ms: int
    wire_ms: int


@dataclass(frozen=True)
class Amendment:
    """One change of an order: prices in ticks, quantities in lots, market ms; `count` numbers the order's changes."""

    number: int
    order: Order
    before: tuple[int, int]
    after: tuple[int, int]
    time_ms: int
    count: int
