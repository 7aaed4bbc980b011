"""What the order engine needs from a venue. Live, testnet and paper differ only in what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from huracan_platform.contracts.order import Fill, OrderIntent, OrderKind, VenueOrder, VenuePosition
from huracan_platform.contracts.order_life import AccountState, QueryAnswer, SendAnswer

CONDITIONAL_KINDS = (OrderKind.STOP_MARKET, OrderKind.TAKE_PROFIT_MARKET)  # these live in the venue's trigger book


class OrderGateway(Protocol):
    """What the order engine needs from a venue. Reads raise TransientError when the venue did not answer."""

    @property
    def venue(self) -> str:
        """Name under which facts of this venue are stored."""
        ...

    @property
    def account(self) -> str:
        """Name of the account; a fresh simulated venue is a fresh account."""
        ...

    async def open(self) -> None:
        """Connect: names, markets, clock difference."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...

    async def send(self, intent: OrderIntent) -> SendAnswer:
        """Send one committed intent, once."""
        ...

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> SendAnswer:
        """Ask for one order's cancellation; ACK says that the request was taken, the order itself must be queried."""
        ...

    async def query(self, symbol: str, client_order_id: str, *, conditional: bool) -> QueryAnswer:
        """One order by our id; a conditional one that fired with what its ordinary order did."""
        ...

    async def open_orders(self, symbols: Sequence[str] | None) -> list[VenueOrder]:
        """Open orders, ordinary and conditional, of some symbols; None: of the whole account, at forty times the weight."""
        ...

    async def positions(self) -> list[VenuePosition]:
        """Every position that is not flat."""
        ...

    async def trades(self, symbol: str, from_id: int | None) -> list[Fill]:
        """The account's trades in a symbol from a trade id on, oldest first; None: from the first."""
        ...

    async def account_state(self) -> AccountState:
        """Wallet balance and equity."""
        ...

    async def server_ms(self) -> int:
        """The venue's wire clock, ms UTC."""
        ...
