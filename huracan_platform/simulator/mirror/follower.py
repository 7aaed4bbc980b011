"""One symbol of the mirror: its source's messages, in order, become bars, trades, book, marks and settlements.

A minute ends when the source's own bar of it has come. If the trades that came do not make this bar, the missing ones are
fetched; where they cannot be, the bar stands and the hole is told. Market time does not pass the end of a minute before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.errors import TransientError
from huracan_platform.simulator.gaps import Gap, Gaps
from huracan_platform.simulator.market.bars import I64, FundingHistory
from huracan_platform.simulator.market.premium import Premium
from huracan_platform.simulator.mirror.book import MirroredBook
from huracan_platform.simulator.mirror.clock import MirrorClock
from huracan_platform.simulator.mirror.history import LiveHistory
from huracan_platform.simulator.mirror.source import Source, Trade, read_bar, read_trade

# Trades come up to some 100 ms after the events that they are earlier than; market time waits that long at a minute's end.
LATE_MS = 100
OVERDUE_MS = 2_000  # wall time after which the source's bar is fetched
BOOK_SILENCE_MS = 10_000
BOOK_RETRY_MS = 1_000
SETTLEMENT_TRIES = 5
VOLUME = 5  # column of a bar


class Follower:
    """Takes in the messages of one symbol. `lost` is called where trades are missing for good."""

    def __init__(self, source: Source, history: LiveHistory, book: MirroredBook, clock: MirrorClock, gaps: Gaps) -> None:
        self.history, self.book = history, book
        self.instrument = history.listed.instrument
        self.lost: Callable[[], None] = lambda: None
        self._source, self._clock, self._gaps = source, clock, gaps
        self._pending: list[Trade] = []
        self._reached_ms = history.running_ms
        self._overdue_from: int | None = None
        self._book_heard_ms = self._book_asked_ms = 0

    @property
    def horizon_ms(self) -> int:
        """Market time up to which everything has come in."""
        return min(self._reached_ms, self.history.running_ms + MINUTE_MS - 1 - LATE_MS)

    async def refill(self) -> None:
        """Fetch what has happened since the last message.

        Raises
        ------
        TransientError
            The source is not reached, or its time lies before what is known of it.
        """
        history = self.history
        rows = await self._source.bars(self.instrument, history.running_ms)
        if not len(rows) or rows[-1, 0] < history.running_ms:
            got = rows[-1, 0] if len(rows) else "none"
            raise TransientError(f"{self.instrument.symbol}: expected a minute from {history.running_ms} on, got {got}")
        known = history.last_trade_id
        first = {"startTime": history.running_ms} if known < 0 else {"fromId": known}
        premium = await self._source.get("/fapi/v1/premiumIndex", symbol=self.instrument.symbol)
        self._pending = await self._trades(**first)
        await self._add_settlements()
        self._tell_premium(premium)
        await self._close_all(rows, ask=False)
        self._reached_ms = max(self._reached_ms, history.running_ms, premium["time"])
        self._drain()
        await self._take_snapshot()

    async def take(self, told: Mapping[str, Any]) -> None:
        """Take in a message of the streams.

        Raises
        ------
        TransientError
            Something had to be fetched and the source was not reached.
        """
        kind = told["e"]
        if kind == "aggTrade":
            self._pending.append(read_trade(told, self.instrument))
            self._reached_ms = max(self._reached_ms, self._pending[-1].time_ms)
            self._drain()
        elif kind == "kline":
            await self._take_kline(told)
        elif kind == "markPriceUpdate":
            self._take_mark(told)
        elif kind == "depthUpdate":
            self._book_heard_ms = self._clock.wire_ms()
            self.book.take_difference(told)
        elif kind == "bookTicker":
            self._book_heard_ms = self._clock.wire_ms()
            self.book.take_best(told)
        elif kind == "forceOrder":
            self._take_liquidation(told["o"])
        await self._look_after()

    async def _look_after(self) -> None:
        """Fetch what should have come and has not: the end of a minute, differences of the book."""
        now = self._clock.wire_ms()
        if self._reached_ms < self.history.running_ms + MINUTE_MS:
            self._overdue_from = None
        elif self._overdue_from is None:
            self._overdue_from = now
        elif now - self._overdue_from > OVERDUE_MS:
            self._overdue_from = None
            await self._close_all(await self._source.bars(self.instrument, self.history.running_ms), ask=True)
        silent = now - self._book_heard_ms > BOOK_SILENCE_MS
        if (silent or not self.book.in_step) and now - self._book_asked_ms > BOOK_RETRY_MS:
            await self._take_snapshot()

    async def _take_snapshot(self) -> None:
        self._book_asked_ms = self._book_heard_ms = self._clock.wire_ms()
        self.book.take_snapshot(await self._source.get("/fapi/v1/depth", symbol=self.instrument.symbol, limit=1_000))

    def _drain(self) -> None:
        """Take in the waiting trades of the minute under way."""
        end = self.history.running_ms + MINUTE_MS
        ready = [trade for trade in self._pending if trade.time_ms < end]
        self._pending = [trade for trade in self._pending if trade.time_ms >= end]
        for trade in ready:
            self._add(trade)

    def _add(self, trade: Trade) -> None:
        if trade.time_ms >= self.history.running_ms:
            self.history.add_trade(trade, max(trade.time_ms, self._clock.reached_ms + 1))
        elif trade.number > self.history.last_trade_id:
            opened = trade.time_ms // MINUTE_MS * MINUTE_MS
            self._tell_gap(opened, opened + MINUTE_MS, "trades that came after their minute had ended")

    async def _take_kline(self, told: Mapping[str, Any]) -> None:
        bar = told["k"]
        self._reached_ms = max(self._reached_ms, told["E"])
        if bar["x"] and bar["t"] == self.history.running_ms:
            row = np.array(read_bar([bar[name] for name in "tohlcvTqnVQ"], self.instrument), np.int64)
            if not np.array_equal(row, self.history.traded()):
                row = await self._told_again(row)
            await self._close(row, bar["t"] + MINUTE_MS)

    async def _told_again(self, row: I64) -> I64:
        """The bar of the minute under way as it is fetched; as it was streamed where that fails."""
        try:
            rows = await self._source.bars(self.instrument, self.history.running_ms)
        except TransientError:
            return row
        return rows[0] if len(rows) > 1 and rows[0, 0] == row[0] else row

    async def _trades(self, **first: int) -> list[Trade]:
        """Trades as asked for; none where they are not answered: what is missing is told as their minute ends."""
        try:
            return await self._source.trades(self.instrument, **first)
        except TransientError:
            return []

    async def _close_all(self, rows: I64, *, ask: bool) -> None:
        """Close the minutes that have ended; the last row is that of the one under way."""
        for bar, next_ms in zip(rows[:-1], rows[1:, 0].tolist(), strict=True):
            if bar[0] >= self.history.running_ms:
                self.history.reopen(int(bar[0]))
                self._drain()
                await self._close(bar, next_ms, ask=ask)

    async def _close(self, bar: I64, next_ms: int, *, ask: bool = True) -> None:
        """End the minute under way. `ask` for its trades once more where they do not make its volume."""
        opened = self.history.running_ms
        if ask and bar[VOLUME] != self.history.traded()[VOLUME]:
            for trade in await self._trades(startTime=opened, endTime=opened + MINUTE_MS - 1):
                self._add(trade)
        if bar[VOLUME] != self.history.traded()[VOLUME]:
            self._tell_gap(opened, next_ms, "trades")
        self.history.close_minute(bar, next_ms)
        premium = self.history.premium(opened)
        if premium.next_funding_ms <= next_ms:
            await self._settle(premium)
        self._drain()

    def _tell_gap(self, from_ms: int, to_ms: int, what: str) -> None:
        self._gaps.add(Gap(self.instrument.symbol, from_ms, to_ms, what))
        self.lost()

    async def _settle(self, premium: Premium) -> None:
        """The settlement as recorded; as last told where the record does not come within seconds."""
        moment = premium.next_funding_ms
        for attempt in range(SETTLEMENT_TRIES):
            if self._settled_ms() >= moment:
                return
            if attempt:
                await asyncio.sleep(1.0)
            await self._add_settlements()
        if self._settled_ms() < moment and premium.rate is not None:
            at, mark = np.array([moment], np.int64), np.array([self.instrument.ticks(premium.mark)], np.int64)
            self.history.add_funding(FundingHistory(at, at, np.array([float(premium.rate)]), mark))
            self._gaps.add(Gap(self.instrument.symbol, moment, moment, "settlement, taken as last told"))

    def _settled_ms(self) -> int:
        settled = self.history.listed.funding.ts_ms
        return int(settled[-1]) if len(settled) else 0

    async def _add_settlements(self) -> None:
        known = self.history.listed.funding.raw_ms
        since = int(known[-1]) + 1 if len(known) else self.history.listed.listed_ms
        self.history.add_funding(await self._source.funding(self.instrument, since))

    def _take_mark(self, told: Mapping[str, Any]) -> None:
        self._reached_ms = max(self._reached_ms, told["E"])
        self._tell_premium({
            "markPrice": told["p"], "indexPrice": told["i"], "estimatedSettlePrice": told["P"], "lastFundingRate": told["r"],
            "nextFundingTime": told["T"],
        })

    def _tell_premium(self, told: Mapping[str, Any]) -> None:
        rate = Decimal(told["lastFundingRate"]) if told["lastFundingRate"] else None
        mark, index, settle = (Decimal(told[name]) for name in ("markPrice", "indexPrice", "estimatedSettlePrice"))
        self.history.tell_premium(Premium(mark, index, settle, rate, told["nextFundingTime"]))

    def _take_liquidation(self, told: Mapping[str, Any]) -> None:
        lots, price = self.instrument.lots(Decimal(told["z"])), self.instrument.ticks(Decimal(told["ap"]))
        self.history.add_liquidation(told["T"], lots, price, long=told["S"] == "SELL")
