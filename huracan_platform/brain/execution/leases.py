"""Who may trade: leases with a fencing epoch, judged by the database's clock alone."""

from __future__ import annotations

from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.order_life import Lease
from huracan_platform.errors import HaltTradingError


class LeaseRepository:
    """Acquire, renew and release; every new holder gets a higher epoch."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder's has not expired. Taking one's own again gives a new epoch too."""
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                INSERT INTO executor_leases AS l (name, holder, epoch, expires_at)
                VALUES (%(name)s, %(holder)s, 1, clock_timestamp() + make_interval(secs => %(ttl)s))
                ON CONFLICT (name) DO UPDATE
                   SET holder = excluded.holder, epoch = l.epoch + 1, expires_at = excluded.expires_at
                 WHERE l.expires_at <= clock_timestamp() OR l.holder = excluded.holder
                RETURNING epoch
                """,
                {"name": name, "holder": holder, "ttl": ttl_s},
            ).fetchone()
        return None if row is None else Lease(name, holder, row[0])

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """Move the expiry; False when the lease is another's or has run out, after which it is never ours again."""
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                UPDATE executor_leases SET expires_at = clock_timestamp() + make_interval(secs => %s)
                 WHERE name = %s AND holder = %s AND epoch = %s AND expires_at > clock_timestamp()
                RETURNING epoch
                """,
                (ttl_s, lease.name, lease.holder, lease.epoch),
            ).fetchone()
        return row is not None

    def release(self, lease: Lease) -> None:
        """Let it run out now. The row stays: its epoch must keep growing."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE executor_leases SET expires_at = clock_timestamp() WHERE name = %s AND holder = %s AND epoch = %s",
                (lease.name, lease.holder, lease.epoch),
            )

    def running(self) -> list[Lease]:
        """Every lease that has not run out."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT name, holder, epoch FROM executor_leases WHERE expires_at > clock_timestamp() ORDER BY name"
            ).fetchall()
        return [Lease(*row) for row in rows]

    def current(self, name: str) -> tuple[Lease, bool] | None:
        """The newest lease of the name and whether it still runs."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT holder, epoch, expires_at > clock_timestamp() FROM executor_leases WHERE name = %s", (name,)
            ).fetchone()
        return None if row is None else (Lease(name, row[0], row[1]), bool(row[2]))


def require_lease(connection: psycopg.Connection[Any], lease: Lease) -> None:
    """Fence: refuse, inside the caller's transaction, a holder whose lease is gone.

    FOR SHARE keeps another executor from taking the lease until this transaction has ended.

    Raises
    ------
    HaltTradingError
        The lease was taken over, has expired or was never there.
    """
    row = connection.execute(
        "SELECT holder, epoch, expires_at > clock_timestamp() FROM executor_leases WHERE name = %s FOR SHARE", (lease.name,)
    ).fetchone()
    if row is None or (row[0], row[1]) != (lease.holder, lease.epoch) or not row[2]:
        found = "no lease" if row is None else f"{row[0]}, epoch {row[1]}{'' if row[2] else ', expired'}"
        raise HaltTradingError(f"lease {lease.name}: expected {lease.holder}, epoch {lease.epoch}, got {found}")
