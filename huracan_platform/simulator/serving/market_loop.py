"""The loop behind the market streams of any protocol: what happened since the last look, in order.

A loop on the wire clock looks how far the market has come and publishes everything in between, in order: a bar's last
event and then at once the next bar's first. So a fast clock skips no bar. Only the updates inside a bar, the book and
prices are thinned out, on the wire clock, as venues do.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import numpy as np

from huracan_platform.clock import HOUR_MS
from huracan_platform.simulator.binance.subscriptions import EVERY_SYMBOL, Send, StreamName, Subscribers
from huracan_platform.simulator.binance.thinned import Thinned
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory, period_start
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.venue import Venue

TICK_S = 0.02
# So many minutes are told of before requests and sockets get their turn, however much has piled up.
MINUTES_AT_ONCE = 8
# A fast clock that was held up is caught up with in stages: a difference of the book over a day's prices takes tens of MiB,
# which the process keeps.
STAGE_MS = HOUR_MS


class MarketLoop(ABC):
    """Publishes to the subscribers of every symbol. A protocol says which kinds are bars and trades, and words them."""

    klines: tuple[str, ...]
    trades: tuple[str, ...]

    def __init__(self, venue: Venue, matching: Matching, subscribers: Subscribers) -> None:
        self._venue, self._matching, self.subscribers = venue, matching, subscribers
        self._thinned: dict[StreamName, Thinned] = {}
        self._cursor: dict[str, int] = {s: venue.clock.market_ms() for s in venue.symbols}
        self.each_tick: list[Callable[[], None]] = []

    @abstractmethod
    def send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        """Tell a bar (10,)."""

    @abstractmethod
    def send_trades(self, names: list[StreamName], history: SymbolHistory, tape: MinuteTape, which: range, opened: int) -> None:
        """Tell some trades of a minute that opened at a market time."""

    @abstractmethod
    def _made(self, name: StreamName) -> Thinned:
        """What tells how things stand in a stream; asked for streams of trades never."""

    def subscribe(self, name: StreamName, listener: Send) -> None:
        """Begin to listen. A book's differences start from its state at this moment: a snapshot can only be later."""
        if name.kind not in self.trades:
            if name not in self._thinned:
                self._thinned[name] = self._made(name)
            self._thinned[name].joined()
        self.subscribers.add(name, listener)

    def unsubscribe(self, name: StreamName, listener: Send) -> None:
        """Listen no more; what nobody hears is forgotten."""
        self.subscribers.remove(name, listener)
        if not self.subscribers.heard(name):
            self._thinned.pop(name, None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish while the context is open."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await self.turn()
            await asyncio.sleep(TICK_S)

    async def turn(self) -> None:
        """One look: tell what has happened since the last, then how things stand."""
        self._matching.advance()
        for act in self.each_tick:
            act()
        now = self._matching.cursor_ms
        for stage in range(min(self._cursor.values()) + STAGE_MS, now, STAGE_MS):
            await self._publish(stage, paced=False)
            await asyncio.sleep(0)
        await self._publish(now, paced=True)

    async def _publish(self, now: int, *, paced: bool) -> None:
        """Tell what has happened up to a market time; `paced` how things stand in all streams that are due on the wire clock,
        else in those that are told in stages."""
        for symbol in self._venue.symbols:
            await self._publish_symbol(symbol, now, paced=paced)
        for name in self.subscribers.of(EVERY_SYMBOL):
            self._tell(name, now, paced=paced)

    async def _publish_symbol(self, symbol: str, now: int, *, paced: bool) -> None:
        history, names = self._venue.history(symbol), self.subscribers.of(symbol)
        first = max(0, history.listed.bars.row_at(self._cursor[symbol]))
        last = history.listed.bars.row_at(now)
        for row in range(first, last + 1) if names else ():
            self._publish_minute(names, history, row, self._cursor[symbol], now)
            if row % MINUTES_AT_ONCE == 0:
                await asyncio.sleep(0)
        end = history.listed.ends_ms
        if end is not None and self._cursor[symbol] < end <= now:
            for name in names:
                if name.kind in self.klines:
                    self.send_kline(name, history, self.last_bar(name, history), end, closed=True)
        self._cursor[symbol] = max(now, self._cursor[symbol])
        for name in names if history.listed.trades_at(now) else ():
            self._tell(name, now, paced=paced)

    def _tell(self, name: StreamName, now: int, *, paced: bool) -> None:
        thinned = self._thinned.get(name)
        if thinned is None or not (paced or thinned.in_stages):
            return
        tell: Callable[[int, int], Iterable[bytes]] = thinned.due if paced else thinned.present
        for message in tell(now, self._venue.clock.wire_ms()):
            self.subscribers.send(name, message)

    def _publish_minute(self, names: list[StreamName], history: SymbolHistory, row: int, after: int, now: int) -> None:
        """Everything of one minute that fell into (after, now] and may not be left out."""
        opened = int(history.listed.bars.ts_ms[row])
        if after < opened:
            for name in names:
                if name.kind in self.klines:
                    self.turn_bar(name, history, row, opened)
        trades = [n for n in names if n.kind in self.trades]
        if not trades:
            return
        tape = history.tape(row)
        first, stop = (int(np.searchsorted(tape.offset_ms, edge - opened, side="right")) for edge in (after, now))
        self.send_trades(trades, history, tape, range(first, stop), opened)

    def last_bar(self, name: StreamName, history: SymbolHistory) -> I64:
        """The bar (10,) of the interval in which the symbol ends."""
        return np.asarray(history.series(name.detail).rows[-1])

    def turn_bar(self, name: StreamName, history: SymbolHistory, row: int, opened: int) -> None:
        """At a minute's open: where it begins a new bar of the interval, end the one before and begin it."""
        if row > 0:
            starts = period_start(history.listed.bars.ts_ms[row - 1 : row + 1], name.detail)
            if starts[0] == starts[1]:
                return
            series = history.series(name.detail)
            last = int(np.searchsorted(series.rows[:, 0], starts[1])) - 1
            self.send_kline(name, history, series.rows[last], opened, closed=True)
        self.send_kline(name, history, history.running(name.detail, opened)[0], opened, closed=False)
