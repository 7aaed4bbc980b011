"""A Brain Library door that keeps its connection: the send path must not pay for a new one at each commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import psycopg
from psycopg.rows import TupleRow

from huracan_platform.brain.connection import CONNECT_TIMEOUT_S, Brain, translated_errors


class HeldBrain(Brain):
    """`connect()` lends one held connection at a time; one that broke is replaced at the next call, never mid-transaction."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._lock = Lock()
        self._connection: psycopg.Connection[TupleRow] | None = None

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """The held connection with one transaction: committed on success, rolled back on an exception."""
        with self._lock, translated_errors(self.dsn):
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self.dsn, connect_timeout=CONNECT_TIMEOUT_S)
            try:
                with self._connection.transaction():
                    yield self._connection
            except psycopg.OperationalError:
                self._connection.close()
                raise

    def close(self) -> None:
        """Give the connection back to the server."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
