"""Closed 1-minute bars as they happen: in order, each exactly once, without holes.

ccxt's `watch_ohlcv` drops the venue's closed flag and overwrites bars between two awaits, so the raw kline frames are
read as they pass through the client. A bar counts as closed when the venue flags it, or when REST has it after its
close. The watermark of a symbol moves over contiguous closed bars only: a hole, a reconnect or an overdue bar makes
the symbol wait until REST has filled it, with overlap over bars already handed on. A bar that differs from what was
handed on is reported as a revision, never handed on twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huracan_platform.clock import MINUTE_MS, Clock
from huracan_platform.contracts.market import ClosedBar
from huracan_platform.errors import TransientError
from huracan_platform.logs import get_logger
from huracan_platform.venues.client import translated
from huracan_platform.venues.sockets import close_client

_log = get_logger("live_feed")

OVERLAP_BARS = 5
_REST_LIMIT = 1000
_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 0.25, 15.0


@dataclass
class _Track:
    """One symbol's watermark and the closed bars seen beyond it."""

    symbol: str
    next_ts: int
    ahead: dict[int, ClosedBar] = field(default_factory=dict)
    handed_on: deque[ClosedBar] = field(default_factory=lambda: deque(maxlen=2 * OVERLAP_BARS))
    newest_frame_ts: int = 0
    refill: bool = True
    not_before_ms: int = 0
    moved_ms: int = 0

    @property
    def has_hole(self) -> bool:
        """True when a later bar was seen although the next one is not closed here."""
        return self.next_ts not in self.ahead and max(self.newest_frame_ts, *self.ahead, 0) > self.next_ts


class LiveFeed:
    """The live bars of some symbols, until `close()`.

    Parameters
    ----------
    client
        A ccxt.pro client for market data (`venues.client.build_client`); the feed owns it and closes it.
    clock
        The market clock says when a bar can be over, the wire clock stamps when it was seen.
    next_ts_ms
        Per symbol the open of the first bar wanted, ms UTC. Bars from there to now come through REST first.
    settle_ms
        Market ms after a bar's close before REST is believed about it (the source's arrival delay).
    poll_s
        Wall seconds between two looks for holes and overdue bars.
    """

    def __init__(
        self, client: Any, clock: Clock, next_ts_ms: Mapping[str, int], *, settle_ms: int, poll_s: float = 0.2,
        rng: random.Random | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._tracks = {s: _Track(s, ts) for s, ts in next_ts_ms.items()}
        self._settle_ms = settle_ms
        self._poll_s = poll_s
        self._rng = rng or random.Random(0)
        self._bars: asyncio.Queue[ClosedBar] = asyncio.Queue()
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ids: dict[str, str] = {}
        self._revised: list[ClosedBar] = []
        self._delays_ms: list[int] = []
        self.reconnects = 0
        self.refills = 0

    async def start(self) -> None:
        """Subscribe and begin refilling. `TransientError` when the venue does not answer, `PermanentError` for a bad symbol."""
        with translated(self._client, "live feed"):
            await self._client.load_markets()
            self._ids = {self._client.market(s)["id"]: s for s in self._tracks}
        inherited = self._client.handle_ohlcv

        def with_closed_flag(connection: Any, message: dict[str, Any]) -> None:
            inherited(connection, message)
            self._on_frame(message)

        self._client.handle_ohlcv = with_closed_flag
        self._tasks = [asyncio.create_task(self._watch(), name="feed-watch"), asyncio.create_task(self._tend(), name="feed-tend")]

    async def next_bars(self, timeout_s: float) -> list[ClosedBar]:
        """All closed bars that wait, in order per symbol; an empty list when none came within `timeout_s` wall seconds."""
        self._raise_if_broken()
        try:
            async with asyncio.timeout(timeout_s):  # wait_for loses a cancellation that comes together with a bar
                bars = [await self._bars.get()]
        except TimeoutError:
            return []
        while not self._bars.empty():
            bars.append(self._bars.get_nowait())
        return bars

    def take_revised(self) -> list[ClosedBar]:
        """Bars handed on before that the venue states otherwise now, since the last call."""
        revised, self._revised = self._revised, []
        return revised

    def take_delays(self) -> list[int]:
        """How long after their close bars came by the stream, ms of the market clock, since the last call.

        Bars that REST had to fill are not among them: they tell of a lost connection, not of the source.
        """
        delays, self._delays_ms = self._delays_ms, []
        return delays

    def watermark_ms(self, symbol: str) -> int:
        """Close of the symbol's newest bar handed on, ms UTC."""
        return self._tracks[symbol].next_ts

    async def close(self) -> None:
        """Stop the tasks and close the client's connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close_client(self._client)

    def _raise_if_broken(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _on_frame(self, message: Mapping[str, Any]) -> None:
        kline = message.get("k") or {}
        track = self._tracks.get(self._ids.get(str(kline.get("s")), ""))
        if track is None or kline.get("i") != "1m":
            return
        ts = int(kline["t"])
        track.newest_frame_ts = max(track.newest_frame_ts, ts)
        if kline.get("x"):
            self._delays_ms.append(self._clock.market_ms() - ts - MINUTE_MS)
            o, h, low, c, v = (float(kline[key]) for key in "ohlcv")
            self._saw_closed(track, ClosedBar(track.symbol, ts, o, h, low, c, v, self._clock.wire_ms()))
        if track.has_hole:
            self._look.set()

    def _saw_closed(self, track: _Track, bar: ClosedBar) -> None:
        if bar.ts_ms < track.next_ts:
            before = next((b for b in track.handed_on if b.ts_ms == bar.ts_ms), None)
            if before is not None and before.values != bar.values:
                track.handed_on[track.handed_on.index(before)] = bar
                self._revised.append(bar)
                _log.warning("bar_revised", symbol=bar.symbol, ts_ms=bar.ts_ms, before=before.values, after=bar.values)
            return
        track.ahead.setdefault(bar.ts_ms, bar)
        if not track.refill:
            self._hand_on(track)

    def _hand_on(self, track: _Track) -> None:
        while (bar := track.ahead.pop(track.next_ts, None)) is not None:
            track.next_ts += MINUTE_MS
            track.moved_ms = self._clock.wire_ms()
            track.handed_on.append(bar)
            self._bars.put_nowait(bar)

    async def _watch(self) -> None:
        """Hold the subscription; after a lost connection every symbol is refilled before its next bar is handed on."""
        backoff = _BACKOFF_FIRST_S
        while True:
            try:
                with translated(self._client, "watch_ohlcv"):
                    await self._client.watch_ohlcv_for_symbols([[s, "1m"] for s in self._tracks])
                backoff = _BACKOFF_FIRST_S
            except TransientError as error:
                self.reconnects += 1
                for track in self._tracks.values():
                    track.refill = True
                _log.warning("stream_lost", error=str(error), backoff_s=backoff)
                await asyncio.sleep(backoff * (0.5 + self._rng.random()))
                backoff = min(2 * backoff, _BACKOFF_LAST_S)
                self._look.set()

    async def _tend(self) -> None:
        """Refill what has a hole, is overdue, or was cut off by a reconnect."""
        while True:
            now = self._clock.wire_ms()
            waiting = [t for t in self._tracks.values() if t.refill or t.has_hole or self._overdue(t, now)]
            due = [t for t in waiting if now >= t.not_before_ms]
            await asyncio.gather(*(self._refill(t) for t in due))
            self._look.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._look.wait()

    def _overdue(self, track: _Track, wire_ms: int) -> bool:
        over = self._clock.market_ms() >= track.next_ts + MINUTE_MS + self._settle_ms
        return over and wire_ms - track.moved_ms > 1000 * self._poll_s

    async def _refill(self, track: _Track) -> None:
        """Fetch from a little before the watermark to now, then hand on what became contiguous."""
        since = track.next_ts - OVERLAP_BARS * MINUTE_MS
        final_before = self._clock.market_ms() - self._settle_ms - MINUTE_MS
        try:
            with translated(self._client, "refill"):
                rows = await self._client.fetch_ohlcv(track.symbol, "1m", since, _REST_LIMIT)
        except TransientError as error:
            track.not_before_ms = self._clock.wire_ms() + int(1000 * _BACKOFF_FIRST_S * (1 + self._rng.random()))
            _log.warning("refill_failed", symbol=track.symbol, error=str(error))
            return
        self.refills += 1
        now, before = self._clock.wire_ms(), track.next_ts
        for ts, *values in rows:
            if ts <= final_before:
                o, h, low, c, v = map(float, values)
                self._saw_closed(track, ClosedBar(track.symbol, int(ts), o, h, low, c, v, now))
        caught_up = len(rows) < _REST_LIMIT
        if caught_up:
            track.refill = False
        self._hand_on(track)
        if caught_up and track.next_ts == before:
            # Nothing moved: the venue has no such bar yet. Asking again at once would only burn weight.
            track.not_before_ms = now + int(1000 * self._poll_s)
