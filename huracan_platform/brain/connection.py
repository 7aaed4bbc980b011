"""The Brain Library's door: connections whose one transaction commits on success and rolls back on an exception."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from huracan_platform.brain.embedded.idle import IdleConnections
from huracan_platform.brain.embedded.server import DAGSTER, EmbeddedServer, Endpoint
from huracan_platform.brain.roles import Role
from huracan_platform.errors import ConfigurationError, HuracanError, PermanentError, TransientError
from huracan_platform.settings import Settings

CONNECT_TIMEOUT_S = 10
# Refused for good whatever the number of tries: wrong password or role, unknown database, no right.
_REFUSED = ("password authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")
_IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class Brain:
    """One Brain Library database. Opens connections when asked and keeps a few of them for the next caller.

    Every dropped connection, deadlock, full disk or restarted server comes out of the context managers as
    `TransientError`; a refused login or unknown database as `ConfigurationError`; what the role may not do as
    `PermanentError`. No message holds the password.

    Parameters
    ----------
    dsn
        postgresql:// address with user and password.
    role
        Every connection works under it from its first statement to its last; None: with all that the login may do.
    """

    def __init__(self, dsn: str, role: Role | None = None) -> None:
        self.dsn = dsn
        self.role = role
        self._idle = IdleConnections(dsn, CONNECT_TIMEOUT_S, role)
        weakref.finalize(self, self._idle.close)

    def __repr__(self) -> str:
        return f"Brain({self.where})"

    @property
    def where(self) -> str:
        """Host, port and database, for people."""
        return _where(self.dsn)

    def as_role(self, role: Role) -> Brain:
        """The same database under a role, with connections of its own."""
        return Brain(self.dsn, role)

    def size_bytes(self) -> int:
        """Size of the database on disk."""
        with self.connect() as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A psycopg connection with one transaction: committed on success, rolled back on an exception."""
        with translated_errors(self.dsn):
            connection = self._idle.take()
            try:
                yield connection
                connection.commit()
            except BaseException:
                if connection.info.transaction_status in _IN_TRANSACTION:
                    with suppress(psycopg.Error):
                        connection.rollback()  # a server that only sees the connection close holds its locks a while longer
                connection.close()  # what went wrong may have left more behind than a transaction
                raise
            self._idle.give_back(connection)


def ensure_server(settings: Settings) -> Endpoint:
    """Where both databases are: the configured DSNs, and for what is not configured the embedded server, running.

    With `database.dsn` set and `database.dagster_dsn` not, Dagster's database is `dagster` on the same server.

    Raises
    ------
    ConfigurationError, TransientError, PermanentError
        As `EmbeddedServer.ensure_running`.
    """
    database = settings.database
    brain = database.dsn.get_secret_value() if database.dsn else None
    dagster = database.dagster_dsn.get_secret_value() if database.dagster_dsn else None
    if brain is None:
        embedded = embedded_server(settings).ensure_running()
        return Endpoint(embedded.brain_dsn, dagster or embedded.dagster_dsn)
    return Endpoint(brain, dagster or urlunsplit(urlsplit(brain)._replace(path=f"/{DAGSTER}")))


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The supervisor of this installation's own server; starts nothing."""
    database = settings.database
    return EmbeddedServer(settings.home, port=database.port, run_as=database.run_as, start_timeout_s=database.start_timeout_s)


@contextmanager
def translated_errors(dsn: str) -> Iterator[None]:
    """Turn what the driver raises for a lost, refusing or overloaded server into our errors."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise _as_ours(error, dsn) from None
    except psycopg.errors.ReadOnlySqlTransaction as error:  # a standby, or a server that an operator keeps from writing
        raise TransientError(f"database at {_where(dsn)}: {error.diag.message_primary}") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermanentError(f"database at {_where(dsn)}: expected a role that may, got: {error.diag.message_primary}") from None


def _as_ours(error: Exception, dsn: str) -> HuracanError:
    reason = " ".join(str(error).split()) or type(error).__name__
    password = urlsplit(dsn).password
    if password:
        reason = reason.replace(password, "***")
    if any(sign in reason for sign in _REFUSED):
        return ConfigurationError(f"database at {_where(dsn)}: expected to be let in, got: {reason}")
    return TransientError(f"database at {_where(dsn)}: {reason}")


def _where(dsn: str) -> str:
    parts = urlsplit(dsn)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
