"""What a recorder of liquidations has heard and not written yet, and the way of it into the library."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import Clock, day_of
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.data.market_data.refusals import Refusals
from huracan_platform.errors import TransientError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.settings import LiquidationSettings
from huracan_platform.venues.liquidation_feed import Heard

DATASET = "liquidations"


@dataclass
class Connection:
    """What came on one connection and is not written. `began_ms` is its first frame's time, 0 before that.

    `ended` says why it ended, None while it goes on; `recording` and `written_ms` are what the ledger has of it.
    """

    began_ms: int = 0
    until_ms: int = 0
    recording: int | None = None
    written_ms: int = 0
    ended: str | None = None
    liquidations: list[Liquidation] = field(default_factory=list)
    refused: list[Heard] = field(default_factory=list)

    def take(self, heard: Heard) -> None:
        """Keep a frame. Its time comes last: a write that goes on beside must never call a time whole without its rows."""
        self.liquidations += heard.liquidations
        if heard.refused is not None:
            self.refused.append(heard)
        self.began_ms = self.began_ms or heard.event_ms
        self.until_ms = heard.event_ms or self.until_ms

    @property
    def waiting(self) -> int:
        """Rows not written, and one for the connection itself."""
        return 1 + len(self.liquidations) + len(self.refused)


class LiquidationBook:
    """The connections of one exchange in their order, from the first that is not wholly written."""

    def __init__(self, brain: Brain, exchange: str, clock: Clock, settings: LiquidationSettings) -> None:
        self._exchange, self._clock, self._settings = exchange, clock, settings
        self._store, self._ledger, self._books = LiquidationRepository(brain), RecordingLedger(brain), QualityRepository(brain)
        self._delays, self._refusals = ArrivalDelays(brain), Refusals(DATASET)
        self._connections: list[Connection] = []
        self._writing = threading.Lock()  # a write that was under way when the recorder was cancelled goes on beside the last
        self._made_for: date | None = None
        self.recorded = 0

    @property
    def waiting(self) -> int:
        """Rows that are not written."""
        return sum(len(c.liquidations) + len(c.refused) for c in self._connections)

    def open(self) -> Connection:
        """A new connection, after the others."""
        self._connections.append(Connection())
        return self._connections[-1]

    def bound(self) -> None:
        """Give up what waits beyond the bound of the settings, back to what was written last.

        Raises
        ------
        TransientError
            The newest connection was cut short: what it told since is a gap, and it must begin anew.
        """
        if sum(c.waiting for c in self._connections) <= self._settings.most_waiting:
            return
        with self._writing:
            lost, newest = self.waiting, self._connections[-1]
            newest.until_ms = newest.written_ms
            newest.liquidations.clear()
            newest.refused.clear()
            del self._connections[:-1]
        raise TransientError(f"liquidations {self._exchange}: expected a library that takes writes, got none; {lost} given up")

    def write(self) -> None:
        """All that waits. Rows before the ledger: a time is never called recorded before its rows are there.

        Raises
        ------
        TransientError
            The library takes no writes; what was not written still waits.
        """
        with self._writing:
            while self._connections:
                first = self._connections[0]
                ended, until_ms = first.ended, first.until_ms
                self._put_rows(first)
                if until_ms:
                    self._put_time(first, until_ms, ended)
                if ended is None:
                    return
                self._connections.pop(0)

    def _put_rows(self, connection: Connection) -> None:
        wire_ms, rows, refused = self._clock.wire_ms(), list(connection.liquidations), list(connection.refused)
        if rows:
            self.recorded += self._store.save(rows, wire_ms)
            reach(Failpoint.AFTER_RECORDED_BEFORE_LEDGER)
            del connection.liquidations[:len(rows)]
            delays = np.array([told.known_ms - told.ts_ms for told in rows], dtype=np.int64)
            self._delays.add(self._exchange, DATASET, delays, wire_ms)
        for heard in refused:
            self._refusals.add(self._exchange, day_of(connection.until_ms or wire_ms), "stream", heard.raw, heard.refused or "")
        del connection.refused[:len(refused)]
        self._refusals.write(lambda batch: self._books.quarantine(self._exchange, batch, wire_ms))

    def _put_time(self, connection: Connection, until_ms: int, ended: str | None) -> None:
        wire_ms = self._clock.wire_ms()
        self._make_ahead(day_of(until_ms))
        if connection.recording is None:
            connection.recording = self._ledger.begin(self._exchange, DATASET, connection.began_ms, wire_ms)
        self._ledger.extend(connection.recording, until_ms, wire_ms, ended=ended)
        connection.written_ms = until_ms

    def _make_ahead(self, day: date) -> None:
        """Partitions of the days to come, once a day; the day itself is made with its first row where this did not."""
        if self._made_for != day:
            self._store.make_days(day, self._settings.days_ahead)
            self._made_for = day
