"""The decision journal: what is written about a decision, and how its id comes about."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.decisions import DecisionRepository
from huracan_platform.clock import MINUTE_MS, Clock, to_datetime
from huracan_platform.contracts.decision import Decision, DecisionInputs
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.journal import DecisionOutcome, DecisionRecord, FeatureSource, SessionRecord
from huracan_platform.contracts.market import Pin
from huracan_platform.execution.scoring import ActiveModel


@dataclass(frozen=True)
class Observation:
    """One closed bar of one symbol, seen, scored, and in the library since `recorded_ms` (wire)."""

    row: FeatureRow
    source: FeatureSource
    close: float
    seen_ms: int
    recorded_ms: int
    model_asked: bool
    model: ActiveModel | None
    p_up: float
    sigma: float

    @property
    def close_ms(self) -> int:
        """Close of the bar, ms UTC."""
        return self.row.ts_ms + MINUTE_MS


class Journal:
    """Writes the decisions of one session.

    Every decision bar is journalled, and every action; bars in between that hold change nothing and are only counted.
    """

    def __init__(self, brain: Brain, session: SessionRecord, strategy: str, clock: Clock, *, arrival_delay_ms: int) -> None:
        self._decisions = DecisionRepository(brain)
        self._session = session
        self._strategy = strategy
        self._clock = clock
        self._delay_ms = arrival_delay_ms

    def record(self, seen: Observation, inputs: DecisionInputs, decision: Decision) -> DecisionRecord:
        """Put together what is kept of one decision; nothing is written."""
        session = self._session
        # What was known: the bar itself by its arrival, and whatever else had come in by now.
        as_of = max(seen.close_ms + self._delay_ms, self._clock.market_ms())
        return DecisionRecord(
            decision_id=decision_id(session.session_id, inputs.symbol, inputs.ts_ms), session_id=session.session_id,
            epoch=session.epoch, strategy=self._strategy, gateway=session.gateway, venue=session.venue,
            decided_ms=self._clock.wire_ms(), pin=Pin(to_datetime(as_of), to_datetime(seen.recorded_ms)), features=seen.row,
            source=seen.source, model_asked=seen.model_asked, model_id=seen.model.model_id if seen.model else None,
            artefact_hash=seen.model.artefact_hash if seen.model else None, inputs=inputs, decision=decision,
            code_revision=session.code_revision,
        )

    def write(self, records: list[DecisionRecord]) -> None:
        """Store records, all or none."""
        self._decisions.add(records)

    def outcome(self, decision: str, step: str, outcome: str, code: str | None, detail: str, latency_ms: float | None) -> None:
        """Store what became of one order of a decision."""
        self._decisions.add_outcome(DecisionOutcome(decision, step, outcome, code, detail, latency_ms, self._clock.wire_ms()))

    def entry_of(self, account: str, symbol: str) -> DecisionRecord | None:
        """The decision whose order last opened a position of the symbol; None when none did."""
        return self._decisions.entry_of(self._session.venue, account, symbol)


def decision_id(session_id: str, symbol: str, ts_ms: int) -> str:
    """The same for the same session, symbol and bar."""
    return hash_json([session_id, symbol, ts_ms])[:24]
