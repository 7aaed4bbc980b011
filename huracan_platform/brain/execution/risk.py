"""Risk's own memory: denials, governor and trading states, the day's starting equity, the installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.order import OrderRequest, TradingState


@dataclass(frozen=True)
class Denial:
    """One failed check of one order."""

    code: str
    observed: str
    limit: str
    message: str


@dataclass(frozen=True)
class GovernorRow:
    """One change of the governor. `calm_since_ms` is market time."""

    state: str
    high_water_mark: Decimal
    equity: Decimal
    calm_since_ms: int | None
    reason: str


class RiskRepository:
    """Risk records of one account at one venue."""

    def __init__(self, brain: Brain, venue: str, account: str) -> None:
        self._brain = brain
        self._key = (venue, account)

    def deny(
        self, at: datetime, strategy: str, request: OrderRequest, decision_id: str | None, model_id: str | None,
        denials: Sequence[Denial],
    ) -> None:
        """One audit row per failed check."""
        price = request.price if request.price is not None else request.trigger
        head = (at, *self._key, strategy, request.symbol, request.side.value, request.kind.value, str(request.quantity),
                None if price is None else str(price), decision_id, model_id)
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO pre_trade_denials (at, venue, account, strategy, symbol, side, kind, quantity, price, decision_id,
                    model_id, code, observed, limit_value, message)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                [(*head, d.code, d.observed, d.limit, d.message) for d in denials],
            )

    def denials(self, decision_id: str | None = None) -> list[dict[str, Any]]:
        """Denials of one decision, or of the whole account, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT at, symbol, side, kind, quantity, decision_id, code, observed, limit_value, message FROM pre_trade_denials
                 WHERE venue = %s AND account = %s AND (%s::text IS NULL OR decision_id = %s) ORDER BY denial_id
                """,
                (*self._key, decision_id, decision_id),
            ).fetchall()
        names = ("at", "symbol", "side", "kind", "quantity", "decision_id", "code", "observed", "limit", "message")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def governor(self) -> GovernorRow | None:
        """The newest governor state."""
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                SELECT state, high_water_mark, equity, calm_since_ms, reason FROM governor_states
                 WHERE venue = %s AND account = %s ORDER BY change_id DESC LIMIT 1
                """,
                self._key,
            ).fetchone()
        return None if row is None else GovernorRow(*row)

    def save_governor(self, at: datetime, row: GovernorRow, actor: str) -> None:
        """Append a governor state."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO governor_states (venue, account, at, state, high_water_mark, equity, calm_since_ms, reason, actor)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (*self._key, at, row.state, row.high_water_mark, row.equity, row.calm_since_ms, row.reason, actor),
            )

    def trading_state(self) -> tuple[TradingState, str]:
        """What was last ordered and why; ACTIVE where nothing was."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT state, reason FROM trading_states WHERE venue = %s AND account = %s ORDER BY change_id DESC LIMIT 1",
                self._key,
            ).fetchone()
        return (TradingState.ACTIVE, "") if row is None else (TradingState(row[0]), row[1])

    def set_trading_state(self, at: datetime, state: TradingState, reason: str, actor: str) -> None:
        """Append an ordered trading state; it outlives the process."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO trading_states (venue, account, at, state, reason, actor) VALUES (%s, %s, %s, %s, %s, %s)",
                (*self._key, at, state.value, reason, actor),
            )

    def day_start_equity(self, day: date, equity: Decimal) -> Decimal:
        """Equity that the market day began with; the given figure where the day is new."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO account_days (venue, account, day, start_equity) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (*self._key, day, equity),
            )
            row = connection.execute(
                "SELECT start_equity FROM account_days WHERE venue = %s AND account = %s AND day = %s", (*self._key, day)
            ).fetchone()
        assert row is not None  # inserted above at the latest
        return Decimal(row[0])


class InstallationRepository:
    """The uuid that makes this installation's order ids its own."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def uuid(self) -> UUID | None:
        """The uuid in the database; None in a new or wiped one."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT uuid FROM installation").fetchone()
        return None if row is None else UUID(str(row[0]))

    def establish(self, candidate: UUID) -> UUID:
        """Store the candidate unless there is one already; the one that stands."""
        with self._brain.connect() as connection:
            connection.execute("INSERT INTO installation (uuid) VALUES (%s) ON CONFLICT (only_row) DO NOTHING", (candidate,))
            row = connection.execute("SELECT uuid FROM installation").fetchone()
        assert row is not None  # inserted above at the latest
        return UUID(str(row[0]))
