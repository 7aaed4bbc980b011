"""One symbol's trades as they come, summed per second as soon as a second is proven to be whole.

No trade is no proof that nobody traded: a stream may be silent while others go on. Where the venue tells the number of its
newest trade by another stream of the same connection, a second is final when all trades up to such a number were heard.
Between two such words the trades' own numbers tell what is missing: they follow on one another. Where it never tells, a quiet
second waits for the trade that comes after it.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from huracan_platform.contracts.microstructure import SECOND_MS, AggressorTrades, Pulse, Trade, TradeSeconds
from huracan_platform.data.market_data.microstructure.runs import Finished, Run
from huracan_platform.data.market_data.trades.numbers import TradeNumbers
from huracan_platform.data.market_data.trades.seconds import trade_seconds


class TradeSummary:
    """Trades of one symbol on one connection.

    Parameters
    ----------
    runs
        Where a new run is put as soon as it has a second.
    settle_ms
        Market ms that the stream must have gone beyond a second before it is final.
    correct_ms
        Market ms for which a late trade still corrects its second.
    """

    def __init__(self, symbol: str, runs: list[Run[TradeSeconds]], *, settle_ms: int, correct_ms: int) -> None:
        self.symbol = symbol
        self._settle, self._correct = settle_ms, correct_ms
        self._runs = runs
        self._run: Run[TradeSeconds] | None = None
        self.late = self.duplicates = 0
        self._kept: deque[Trade] = deque()  # in the order of their numbers, as far back as one may still be corrected
        self._numbers: set[int] = set()
        self._row = TradeNumbers()
        self._next_ms = 0  # begin of the first second that is not final; 0 before anything was heard
        self._newest_ms = self._newest_id = self._heard_ms = 0
        self._proven_ms = 0
        self._told: tuple[int, int] | None = None  # time and number of a newest trade that was told of and not heard yet
        self._told_id = 0
        self._proves = False

    def hear(self, message: Trade | Pulse, arrived_ms: int) -> None:
        """Take a message that arrived at a market time."""
        self._heard_ms = max(self._heard_ms, message.ts_ms)
        if not self._next_ms:
            self._begin(message.ts_ms)
        if isinstance(message, Pulse):
            self._hear_pulse(message)
        else:
            self._hear_trade(message, arrived_ms)
        self._close(arrived_ms)

    def advance(self, settled_ms: int, arrived_ms: int) -> None:
        """Up to `settled_ms` the connection was heard long enough ago: what has not come of it by now is missing."""
        if not self._next_ms:
            return
        self._skip_holes(settled_ms, arrived_ms)
        if self._told is not None and settled_ms >= self._told[0]:
            self._lose(f"expected the trade numbered {self._told[1]}, got others up to {self._newest_id}")
        elif (
            self._proves and self._told is None and self._row.hole() is None
            and settled_ms >= self._next_ms + SECOND_MS + self._settle
        ):
            self._lose("expected trades, or word that there were none; got neither")

    def end(self, reason: str) -> None:
        """The connection is over."""
        self._end_run(reason)
        self._next_ms = 0

    def _end_run(self, reason: str) -> None:
        if self._run is not None and self._run.ended is None:
            self._run.ended = reason

    def _hear_pulse(self, pulse: Pulse) -> None:
        if pulse.last_id is None:
            return
        self._proves, self._told_id = True, max(self._told_id, pulse.last_id)
        if not self._newest_id:  # what came before is not known, so it begins here
            self._begin(pulse.ts_ms)
            self._newest_id = pulse.last_id
        elif pulse.last_id <= self._newest_id:
            self._proven_ms = max(self._proven_ms, pulse.ts_ms)
        elif self._told is None:
            self._told = (pulse.ts_ms, pulse.last_id)

    def _hear_trade(self, trade: Trade, arrived_ms: int) -> None:
        if trade.trade_id in self._numbers:
            self.duplicates += 1
            return
        if trade.ts_ms < self._next_ms - self._correct:
            self.late += 1  # too late for a correction; the day's consistency with its candles will tell
            return
        if not self._row.begun and self._newest_id and trade.first_id > self._newest_id + 1:
            self._lose(f"expected the trade numbered {self._newest_id + 1}, got {trade.first_id}")
        self._insert(trade)
        if trade.step is not None:
            self._row.hear(trade.trade_id, trade.ts_ms, trade.step)
        self._newest_ms, self._newest_id = max(self._newest_ms, trade.ts_ms), max(self._newest_id, trade.last_id)
        if self._told is not None and self._told[1] <= trade.last_id:
            self._told = None  # where those before it are missing, there is a hole in the numbers
        run = self._run
        if trade.ts_ms < self._next_ms and run is not None and run.ended is None and trade.ts_ms >= run.began_ms:
            self.late += 1
            begin = trade.ts_ms // SECOND_MS * SECOND_MS
            run.corrected.append(Finished(self._summed(begin, begin + SECOND_MS), max(arrived_ms, begin + SECOND_MS)))

    def _skip_holes(self, settled_ms: int, arrived_ms: int) -> None:
        """Trades that never came are a gap from the second of their neighbour before to that of their neighbour after."""
        while (hole := self._row.hole()) is not None and hole.until_ms <= settled_ms:
            told = f"expected the trade numbered {hole.before + 1}, got {hole.after} after {hole.before}"
            self._end_run(f"trades {self.symbol}: {told}")
            self._row.skip(hole)
            self._next_ms = max(self._next_ms, hole.until_ms // SECOND_MS * SECOND_MS + SECOND_MS)
            self._close(arrived_ms)

    def _insert(self, trade: Trade) -> None:
        later = []
        while self._kept and self._kept[-1].trade_id > trade.trade_id:
            later.append(self._kept.pop())
        self._kept.append(trade)
        self._kept.extend(reversed(later))
        self._numbers.add(trade.trade_id)

    def _final_ms(self) -> int:
        """Up to where everything was heard."""
        until, hole = max(self._newest_ms, self._proven_ms) - self._settle, self._row.hole()
        return until if hole is None else min(until, hole.from_ms)

    def _close(self, arrived_ms: int) -> None:
        until = self._final_ms() // SECOND_MS * SECOND_MS
        if until <= self._next_ms or self._told is not None:
            return
        run = self._run
        if run is None or run.ended is not None:
            run = self._run = Run(self.symbol, self._next_ms, self._next_ms)
            self._runs.append(run)
        known = max(arrived_ms, self._newest_ms, self._proven_ms)
        run.add(self._summed(self._next_ms, until), until, known)
        self._next_ms = until
        while self._kept and self._kept[0].ts_ms < until - self._correct:
            self._numbers.discard(self._kept.popleft().trade_id)

    def _summed(self, start_ms: int, end_ms: int) -> TradeSeconds:
        return trade_seconds(as_arrays(self.symbol, [t for t in self._kept if start_ms <= t.ts_ms < end_ms]), start_ms, end_ms)

    def _begin(self, from_ms: int) -> None:
        """The first whole second after a time."""
        self._next_ms = from_ms // SECOND_MS * SECOND_MS + SECOND_MS
        self._newest_ms = self._proven_ms = 0
        self._told = None
        self._kept.clear()
        self._numbers.clear()
        self._row.forget()

    def _lose(self, reason: str) -> None:
        """What is not final is unknown; begin again after it."""
        self._end_run(f"trades {self.symbol}: {reason}")
        self._begin(self._heard_ms)
        self._newest_id = max(self._newest_id, self._told_id)


def as_arrays(symbol: str, trades: list[Trade]) -> AggressorTrades:
    """Messages as columns, in their order."""
    return AggressorTrades(
        symbol, np.array([t.ts_ms for t in trades], np.int64), np.array([t.trade_id for t in trades], np.int64),
        np.array([t.price for t in trades], np.float64), np.array([t.base for t in trades], np.float64),
        np.array([t.bought for t in trades], np.bool_),
    )
