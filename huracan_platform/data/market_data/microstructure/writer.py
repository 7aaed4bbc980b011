"""Finished seconds into the library: contract, rows, ledger, measured delays, in this order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.clock import Clock, day_of
from huracan_platform.contracts.market import Int64
from huracan_platform.contracts.microstructure import SECOND_MS
from huracan_platform.data.market_data.contract import frame_of, refused_batch
from huracan_platform.data.market_data.microstructure.runs import Finished, Run
from huracan_platform.data.market_data.refusals import Refusals
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.venues.microstructure.streams import Dataset

_log = get_logger("market_data.microstructure")


@dataclass(frozen=True)
class _Part:
    """What is to be written of a run now."""

    run: Run[Any]
    finished: tuple[Finished[Any], ...]
    corrected: tuple[Finished[Any], ...]
    until_ms: int
    ended: str | None


class SecondsWriter:
    """Runs of one dataset at one venue, from the first that is not wholly written."""

    def __init__(
        self, brain: Brain, venue: str, dataset: Dataset, symbols: Sequence[str], clock: Clock, most_waiting: int
    ) -> None:
        self._venue, self._dataset, self._symbols, self._clock = venue, dataset, frozenset(symbols), clock
        self._most_waiting = most_waiting
        self._store = BookSecondRepository(brain) if dataset == "book" else TradeSecondRepository(brain)
        self._ledger, self._books, self._delays = RecordingLedger(brain), QualityRepository(brain), ArrivalDelays(brain)
        self._refusals = Refusals(dataset)
        self._writing = threading.Lock()  # a write that was under way when the recorder was cancelled goes on beside the last
        self.runs: list[Run[Any]] = []
        self.written = 0

    @property
    def waiting(self) -> int:
        """Seconds that are not written."""
        return sum(len(one.seconds) for run in self.runs for one in run.finished)

    def bound(self) -> None:
        """Give up what waits beyond the bound of the settings, back to what was written last.

        Raises
        ------
        TransientError
            Something was given up: it is a gap, and the connection must begin anew.
        """
        if max((len(run.finished) for run in self.runs), default=0) <= self._most_waiting:
            return
        with self._writing:
            lost = self.waiting
            for run in list(self.runs):
                run.forget()
                if run.recording is None:
                    self.runs.remove(run)
        raise TransientError(f"{self._dataset} {self._venue}: expected a library that takes writes, got none; {lost} s given up")

    def write(self) -> None:
        """All that waits. Rows before the ledger: a time is never called recorded before its rows are there.

        Raises
        ------
        TransientError
            The library takes no writes; what was not written still waits.
        """
        with self._writing:
            parts = [
                _Part(run, tuple(run.finished), tuple(run.corrected), run.until_ms, run.ended) for run in list(self.runs)
            ]
            self._put_rows([one for part in parts for one in part.finished])
            self._refusals.write(lambda batch: self._books.quarantine(self._venue, batch, self._clock.wire_ms()))
            for part in parts:
                for one in part.corrected:
                    self._put_rows([one])
                self._put_time(part)
                del part.run.finished[:len(part.finished)], part.run.corrected[:len(part.corrected)]
            for run in [part.run for part in parts if part.ended is not None]:
                self.runs.remove(run)

    def refuse(self, raw: str, reason: str, at_ms: int) -> None:
        """Keep a frame that could not be read, for the next write."""
        self._refusals.add(self._venue, day_of(at_ms or self._clock.wire_ms()), "stream", raw, reason)

    def _put_rows(self, finished: Sequence[Finished[Any]]) -> None:
        if not finished:
            return
        frame = pd.concat([frame_of(one.seconds) for one in finished], ignore_index=True)
        known = np.concatenate([np.full(len(one.seconds), one.known_ms, np.int64) for one in finished])
        frame, known = self._kept(frame, known)
        if not len(frame):
            return
        wire_ms = self._clock.wire_ms()
        ts = frame["ts"].to_numpy("M8[ms]").astype(np.int64)
        columns = {name: frame[name].to_numpy(np.float64) for name in self._store.table.values}
        batch = pa.table({"symbol": pa.array(frame["symbol"], pa.string()), "ts_ms": ts, **columns, "known_at_ms": known})
        self.written += self._store.upsert(self._venue, batch, wire_ms, revision_known_at_ms=int(known.max())).changed
        reach(Failpoint.AFTER_RECORDED_BEFORE_LEDGER)
        self._delays.add(self._venue, self._dataset, known - ts - SECOND_MS, wire_ms)

    def _kept(self, frame: pd.DataFrame, known: Int64) -> tuple[pd.DataFrame, Int64]:
        """The rows that keep the contract; of symbols that break it all are refused."""
        good = np.ones(len(frame), np.bool_)
        if self._broken(frame, int(known.max())) is not None:
            for symbol, rows in frame.groupby("symbol"):
                reason = self._broken(rows, int(known.max()))
                if reason is not None:
                    good[rows.index] = False
                    self._quarantine(str(symbol), rows, reason, int(rows["ts"].iloc[0].timestamp() * 1000))
        return frame[good], known[good]

    def _broken(self, frame: pd.DataFrame, now_ms: int) -> str | None:
        from huracan_platform.contracts.datasets import ContractContext, validate  # pandera: 1.5 s

        try:
            validate(self._dataset, frame, ContractContext(self._symbols, now_ms), f"{self._dataset} {self._venue}")
        except DataContractError as error:
            return str(error)
        return None

    def _quarantine(self, symbol: str, rows: pd.DataFrame, reason: str, at_ms: int) -> None:
        _log.error("refused", dataset=self._dataset, symbol=symbol, rows=len(rows), reason=reason)
        wire_ms = self._clock.wire_ms()
        batch = refused_batch(self._dataset, symbol, day_of(at_ms or wire_ms), rows, reason, "stream")
        self._books.quarantine(self._venue, batch, wire_ms)

    def _put_time(self, part: _Part) -> None:
        run, wire_ms = part.run, self._clock.wire_ms()
        if run.recording is None:
            run.recording = self._ledger.begin(self._venue, self._dataset, run.began_ms, wire_ms, symbol=run.symbol)
        self._ledger.extend(run.recording, part.until_ms, wire_ms, ended=part.ended)
        run.written_ms = part.until_ms
