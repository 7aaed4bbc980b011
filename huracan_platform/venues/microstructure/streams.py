"""What an exchange's streams of trades and books must tell, however it words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from huracan_platform.contracts.microstructure import DepthUpdate, Message

Dataset = Literal["trades", "book"]


class Streams(Protocol):
    """Streams of some symbols at one exchange."""

    @property
    def windowed(self) -> bool:
        """True where a book holds no more than the best `snapshot_levels` a side at any time."""
        ...

    @property
    def aligned(self) -> bool:
        """True where quotes bear the numbers of the book's differences and tell every change of the best prices."""
        ...

    @property
    def snapshot_levels(self) -> int:
        """Levels a side that a whole book can hold."""
        ...

    @property
    def tells_books(self) -> bool:
        """True where a book's stream begins with the whole book, so that nothing told before it matters."""
        ...

    def url(self, dataset: Dataset) -> str:
        """Where the dataset's frames are to be heard, on one connection for all symbols."""
        ...

    def hello(self, dataset: Dataset) -> dict[str, Any] | None:
        """What to say first; None for nothing."""
        ...

    @property
    def beat(self) -> str | None:
        """What to say every some seconds, so that the exchange does not hang up; None for nothing."""
        ...

    def read(self, text: str) -> Sequence[Message]:
        """The messages of one frame.

        Raises
        ------
        DataContractError
            It cannot be read.
        TransientError
            It refuses what was asked for.
        """
        ...

    def rejoin(self, symbol: str) -> None:
        """Have the stream of a book begin anew, where it tells whole books."""
        ...

    def requests(self, dataset: Dataset) -> Sequence[dict[str, Any]]:
        """What is to be said on the dataset's connection by now, each once."""
        ...

    async def snapshot(self, symbol: str) -> DepthUpdate | None:
        """The whole book by request; None where `tells_books`.

        Raises
        ------
        TransientError
            The exchange did not answer.
        """
        ...
