"""Open connections kept for the next caller: a login costs 10 ms, and the session stores something every bar."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from huracan_platform.brain.roles import Role

KEPT = 4


class IdleConnections:
    """At most `KEPT` logged-in connections of one process. A forked child opens its own."""

    def __init__(self, dsn: str, connect_timeout_s: int, role: Role | None) -> None:
        self._dsn = dsn if role is None else _under(role, dsn)
        self._timeout_s = connect_timeout_s
        self._guard = threading.Lock()
        self._kept: list[psycopg.Connection[Any]] = []
        self._pid = os.getpid()

    def take(self) -> psycopg.Connection[Any]:
        """A connection outside any transaction, as fresh as a new one.

        Raises
        ------
        psycopg.OperationalError
            No connection was kept and a new one was refused.
        """
        with self._guard:
            if os.getpid() != self._pid:
                self._pid, self._kept = os.getpid(), []
            while self._kept:
                connection = self._kept.pop()
                if _is_alive(connection):
                    return connection
                connection.close()
        # DISCARD ALL forgets prepared statements behind psycopg's back: prepare none
        return psycopg.connect(self._dsn, connect_timeout=self._timeout_s, prepare_threshold=None)

    def give_back(self, connection: psycopg.Connection[Any]) -> None:
        """Keep a connection that its user left clean, close any other."""
        clean = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        if clean and not connection.autocommit and connection.row_factory is tuple_row:
            # Settings, temporary tables, advisory locks, LISTEN. That the server goes away now is no failure of the
            # transaction, which is committed.
            with suppress(psycopg.OperationalError):
                connection.autocommit = True
                connection.execute("DISCARD ALL")
                connection.autocommit = False
                with self._guard:
                    if len(self._kept) < KEPT and os.getpid() == self._pid:
                        self._kept.append(connection)
                        return
        connection.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._guard:
            while self._kept:
                self._kept.pop().close()


def _under(role: Role, dsn: str) -> str:
    # Set at a connection's start, the role is what RESET ROLE and DISCARD ALL go back to.
    given = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{given} -c role={role.group}".strip())


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    # An idle server says nothing; a readable socket means it said good-bye or is gone.
    if connection.closed:
        return False
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    return not readable
