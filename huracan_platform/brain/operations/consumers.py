"""What read a symbol's facts of a day, and at which pin: feature days, models and what rests on them, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString, TypeVar

from psycopg.rows import class_row

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Pin

Row = TypeVar("Row")


@dataclass(frozen=True)
class FeatureDayRead:
    """One version of a stored feature day of a symbol, `second_venue` as there. `newest`: none has taken its place."""

    feature_day_id: int
    feature_set: str
    set_hash: str
    day: date
    as_of: datetime
    recorded_before: datetime
    second_venue: str | None
    newest: bool

    @property
    def pin(self) -> Pin:
        """At which its inputs were read."""
        return Pin(self.as_of, self.recorded_before)


@dataclass(frozen=True)
class ModelUse:
    """Something that rests on a model: `kind`, a name, and when it was made (wire clock).

    `first_at` and `last_at` bound, on the market clock, the rows of its own that it read beside the model's data set; None: none.
    """

    model_id: str
    kind: str
    name: str
    made_at: datetime
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class DecisionRead:
    """One decision: the first bar that ran after its restored state, the state, and its pin. `fills`: trades that it led to."""

    decision_id: str
    session_id: str
    feature_set: str
    bar_ts: datetime
    state_from: datetime
    checkpoint_hash: str | None
    pin_as_of: datetime
    pin_recorded_before: datetime
    acted: bool
    fills: int

    @property
    def pin(self) -> Pin:
        """At which its inputs can be read again."""
        return Pin(self.pin_as_of, self.pin_recorded_before)


class Consumers:
    """Reads over the ledgers of everything that is made from facts."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def venues(self, symbol: str) -> list[str]:
        """With feature days of the symbol, by name."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT DISTINCT venue FROM feature_days JOIN feature_day_symbols USING (feature_day_id) WHERE symbol = %s "
                "ORDER BY venue", (symbol,),
            ).fetchall()
        return [str(venue) for (venue,) in rows]

    def feature_days(self, venue: str, symbol: str, first: date, last: date) -> list[FeatureDayRead]:
        """Every version of the days from `first` to `last`, both included, of every set, oldest first."""
        return self._rows(
            FeatureDayRead,
            """
            SELECT feature_day_id, feature_set, set_hash, day, as_of, recorded_before, second_venue,
                   feature_day_id = max(feature_day_id) OVER (PARTITION BY set_hash, day) AS newest
              FROM feature_days JOIN feature_day_symbols USING (feature_day_id)
             WHERE venue = %s AND symbol = %s AND day BETWEEN %s AND %s ORDER BY feature_set, set_hash, day, feature_day_id
            """, (venue, symbol, first, last),
        )

    def later_days(self, venue: str, symbol: str, set_hash: str, after: date) -> tuple[int, date | None]:
        """How many stored days of the set follow, and the last of them."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT count(DISTINCT day), max(day) FROM feature_days JOIN feature_day_symbols USING (feature_day_id) "
                "WHERE venue = %s AND symbol = %s AND set_hash = %s AND day > %s", (venue, symbol, set_hash, after),
            ).fetchone()
        assert row is not None
        return int(row[0]), row[1]

    def model_uses(self, model_ids: Sequence[str]) -> list[ModelUse]:
        """What rests on the models: gate verdicts, drift, shadow returns, policies and their verdicts, oldest first."""
        return self._rows(
            ModelUse,
            """
            SELECT model_id, 'gate verdicts' AS kind, model_id AS name, judged_at AS made_at, NULL::timestamptz AS first_at,
                   NULL::timestamptz AS last_at FROM gate_verdicts WHERE model_id = ANY(%(ids)s) GROUP BY model_id, judged_at
            UNION ALL
            SELECT model_id, 'drift', model_id, measured_at, min(first_at), max(last_at) FROM drift_measurements
             WHERE model_id = ANY(%(ids)s) GROUP BY model_id, measured_at
            UNION ALL
            SELECT model_id, 'shadow returns', model_id, recorded_at, min(ts), max(ts) FROM shadow_returns
             WHERE model_id = ANY(%(ids)s) GROUP BY model_id, recorded_at
            UNION ALL
            SELECT model_id, 'policy', policy_id, created_at, NULL, NULL FROM policies WHERE model_id = ANY(%(ids)s)
            UNION ALL
            SELECT model_id, 'policy verdict', policy_id, judged_at, NULL, NULL
              FROM policy_verdicts JOIN policies USING (policy_id) WHERE model_id = ANY(%(ids)s)
            ORDER BY made_at, kind, name
            """, {"ids": list(model_ids)},
        )

    def decisions(self, venue: str, symbol: str, since_ms: int) -> list[DecisionRead]:
        """Decisions on bars from `since_ms` (ms UTC) on, in their order."""
        return self._rows(
            DecisionRead,
            """
            SELECT d.decision_id, session_id, feature_set, bar_ts, state_from, checkpoint_hash, pin_as_of, pin_recorded_before,
                   action <> 'HOLD' AS acted,
                   (SELECT count(*) FROM order_intents i JOIN fills USING (intent_id)
                     WHERE i.decision_id = d.decision_id) AS fills
              FROM decisions d WHERE venue = %s AND symbol = %s AND bar_ts >= %s ORDER BY bar_ts, decision_id
            """, (venue, symbol, to_datetime(since_ms)),
        )

    def checkpoint_days(self, checkpoints: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Number and set hash of the first stored feature day that ended with each state, by the state's SHA-256."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT DISTINCT ON (end_checkpoint) end_checkpoint, feature_day_id, set_hash
                  FROM feature_day_symbols JOIN feature_days USING (feature_day_id)
                 WHERE end_checkpoint = ANY(%s) ORDER BY end_checkpoint, feature_day_id
                """, (list(checkpoints),),
            ).fetchall()
        return {state: (int(number), str(set_hash)) for state, number, set_hash in rows}

    def _rows(self, row: type[Row], query: LiteralString, parameters: Any) -> list[Row]:
        with self._brain.connect() as connection, connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(query, parameters).fetchall()
