"""The account's own stream, as a hint: it says at once that something happened, REST then says what.

Reading fills from two sources would need two parsers that agree. One id per event is enough: proof that the venue has
the order, and a reason to look now instead of at the next reconcile pass.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from huracan_platform.errors import TransientError
from huracan_platform.logs import get_logger
from huracan_platform.venues.client import translated
from huracan_platform.venues.sockets import close_client

_log = get_logger("user_feed")
_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 0.25, 15.0


class UserFeed:
    """Client order ids that the venue's user stream names, until `close()`. Owns its ccxt.pro order client."""

    def __init__(self, client: Any, rng: random.Random | None = None) -> None:
        self._client = client
        self._rng = rng or random.Random(0)
        self._named: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen; lost connections are made anew with growing pauses."""
        self._task = asyncio.create_task(self._listen(), name="user-feed")

    def take(self) -> list[str]:
        """Ids named since the last call."""
        named, self._named = self._named, []
        return named

    async def close(self) -> None:
        """Stop listening and close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await close_client(self._client)

    async def _listen(self) -> None:
        backoff = _BACKOFF_FIRST_S
        while True:
            try:
                with translated(self._client, "user stream"):
                    orders = await self._client.watch_orders()
                self._named += [str(order["clientOrderId"]) for order in orders if order.get("clientOrderId")]
                backoff = _BACKOFF_FIRST_S
            except TransientError as error:
                _log.warning("user_stream_lost", error=str(error), backoff_s=backoff)
                await asyncio.sleep(backoff * (0.5 + self._rng.random()))
                backoff = min(2 * backoff, _BACKOFF_LAST_S)
