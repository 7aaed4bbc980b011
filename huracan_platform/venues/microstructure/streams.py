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
        """True where a book holds no more than `snapshot_levels` a side and what leaves them is taken back."""
        ...

    @property
    def snapshot_levels(self) -> int:
        """Levels a side that a whole book can hold."""
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
            It cannot be read, or refuses what was asked for.
        """
        ...

    async def snapshot(self, symbol: str) -> DepthUpdate | None:
        """The whole book by request; None where the stream itself tells it.

        Raises
        ------
        TransientError
            The exchange did not answer.
        """
        ...
