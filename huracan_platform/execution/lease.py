"""Holding the executor's lease: acquired once, renewed by a heartbeat, given back at the end."""

from __future__ import annotations

import asyncio
import time

from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.contracts.order_life import Lease
from huracan_platform.errors import HaltTradingError, TransientError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.settings import ExecutionSettings

log = get_logger("lease")


class LeaseKeeper:
    """The lease of one executor.

    The heartbeat only keeps the lease alive; what makes a former holder harmless is the fence inside each write.
    """

    def __init__(self, repository: LeaseRepository, name: str, holder: str, execution: ExecutionSettings) -> None:
        self._repository = repository
        self._name = name
        self._holder = holder
        self._execution = execution
        self._lease: Lease | None = None
        self._runs_out = 0.0  # monotonic, counted from before the database was asked: never later than the expiry there
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def lease(self) -> Lease:
        """The lease.

        Raises
        ------
        HaltTradingError
            It was never acquired, or was lost.
        """
        if self._lease is None:
            raise HaltTradingError(f"lease {self._name}: expected to hold it, got none")
        return self._lease

    @property
    def held(self) -> bool:
        """Whether the lease was held at the last heartbeat."""
        return self._lease is not None

    @property
    def remaining_s(self) -> float:
        """Seconds for which nobody else can have taken the lease; 0 where that is not certain."""
        return max(0.0, self._runs_out - time.monotonic()) if self._lease is not None else 0.0

    async def acquire(self, wait_s: float) -> Lease:
        """Take the lease, waiting for a dead holder's to run out.

        Raises
        ------
        HaltTradingError
            Another executor still holds it after `wait_s`.
        """
        give_up = time.monotonic() + wait_s
        while True:
            ttl_s, asked = self._execution.lease_ttl_s, time.monotonic()
            self._lease = await asyncio.to_thread(self._repository.acquire, self._name, self._holder, ttl_s)
            if self._lease is not None:
                reach(Failpoint.AFTER_LEASE_TAKEN)
                self._runs_out = asked + ttl_s
                self._heartbeat = asyncio.create_task(self._beat())
                return self._lease
            if time.monotonic() >= give_up:
                current = await asyncio.to_thread(self._repository.current, self._name)
                holder = current[0].holder if current else "nobody"
                raise HaltTradingError(f"lease {self._name}: expected it free within {wait_s:g} s, got held by {holder}")
            await asyncio.sleep(min(0.25, ttl_s / 4))

    async def release(self) -> None:
        """Stop the heartbeat and let the lease run out now."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            await asyncio.gather(self._heartbeat, return_exceptions=True)
            self._heartbeat = None
        if self._lease is not None:
            await asyncio.to_thread(self._repository.release, self._lease)
            self._lease = None

    async def _beat(self) -> None:
        while self._lease is not None:
            await asyncio.sleep(self._execution.heartbeat_s)
            asked = time.monotonic()
            try:
                renewed = await asyncio.to_thread(self._repository.renew, self._lease, self._execution.lease_ttl_s)
            except TransientError as error:
                # still ours until it expires; every write is fenced by the database's clock meanwhile
                log.warning("heartbeat failed", lease=self._name, reason=str(error))
                continue
            reach(Failpoint.AFTER_LEASE_RENEWED)
            self._runs_out = asked + self._execution.lease_ttl_s
            if not renewed:
                log.error("lease lost", lease=self._name, epoch=self._lease.epoch)
                self._lease = None
