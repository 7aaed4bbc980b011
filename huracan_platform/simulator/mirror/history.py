"""A symbol's history that grows: fetched minutes, then what the mirrored venue's streams say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.market.bars import I64, FundingHistory, Liquidations, ListedSymbol, MinuteBars
from huracan_platform.simulator.market.premium import Premium, settled_premium
from huracan_platform.simulator.market.series import FIELDS, BarSeries, SymbolHistory, roll_up, running_row
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.mirror.source import Trade

TAPES_KEPT = 240  # minutes whose trades can be asked for
SPARE_ROWS = 4_096
_COLUMNS = 8


class GrowingTape:
    """The trades of one minute as they come in."""

    def __init__(self) -> None:
        self._buffer = np.empty((_COLUMNS, 256), np.int64)
        self._count = 0
        self.ids: set[int] = set()

    def append(self, trade: Trade, opened_ms: int, seen_ms: int) -> None:
        """Add a trade of the minute that opened at `opened_ms`, seen at `seen_ms` of market time or after the one before."""
        if self._count == self._buffer.shape[1]:
            self._buffer = np.concatenate([self._buffer, np.empty_like(self._buffer)], axis=1)
        before = int(self._buffer[0, self._count - 1]) if self._count else 0
        offset = min(max(seen_ms - opened_ms, before), MINUTE_MS - 1)
        self._buffer[:, self._count] = (
            offset, trade.time_ms - opened_ms, trade.price, trade.lots, trade.buyer, trade.number, trade.first, trade.last,
        )
        self._count += 1
        self.ids.add(trade.number)

    def tape(self) -> MinuteTape:
        """The trades so far."""
        offset, told, price, lots, buyer, ids, first, last = self._buffer[:, : self._count]
        return MinuteTape(offset, told, price, lots, buyer != 0, ids, first, last)


_NO_TRADES = GrowingTape().tape()


def bars_of(rows: I64) -> MinuteBars:
    """Views of the columns (10, n) as minute bars."""
    ts, open_, high, low, close, volume, _, _, bought, _ = rows
    return MinuteBars(ts, open_, high, low, close, volume, bought)


class LiveHistory(SymbolHistory):
    """The last minute is under way: its bar is made of its trades until the mirrored venue's own takes its place.

    `minutes` (n, 10): the fetched ones, the last of them under way.
    """

    def __init__(self, listed: ListedSymbol, minutes: I64) -> None:
        self._columns = np.empty((FIELDS, len(minutes) + SPARE_ROWS), np.int64)
        self._columns[:, : len(minutes)] = minutes.T
        self._count = len(minutes)
        self.listed = listed
        self._series: dict[str, BarSeries] = {}
        self._grown_to: dict[str, int] = {}  # minutes at which each series was made
        self._live: dict[int, GrowingTape] = {self._count - 1: GrowingTape()}
        self._told: Premium | None = None
        self._forget_last()
        self.last_trade_id = -1
        before = self._columns[4, self._count - 2] if self._count > 1 else self._columns[1, 0]
        self._columns[1:, self._count - 1] = self._flat(int(before))
        self._show_bars()

    @property
    def running_ms(self) -> int:
        """Open of the minute under way, ms UTC."""
        return int(self._columns[0, self._count - 1])

    def _show_bars(self) -> None:
        self.listed = replace(self.listed, bars=bars_of(self._columns[:, : self._count]))
        self._minutes = self._columns[:, : self._count].T

    @staticmethod
    def _flat(price: int) -> list[int]:
        return [price, price, price, price, 0, 0, 0, 0, 0]

    def add_trade(self, trade: Trade, seen_ms: int) -> bool:
        """Take in a trade of the minute under way that is seen at `seen_ms` of market time; False: known already."""
        tape, bar = self._live[self._count - 1], self._columns[:, self._count - 1]
        if trade.number in tape.ids:
            return False
        first = not tape.ids
        tape.append(trade, self.running_ms, seen_ms)
        self._forget_last()
        self.last_trade_id = max(self.last_trade_id, trade.number)
        bar[1] = trade.price if first else bar[1]
        bar[2] = trade.price if first else max(bar[2], trade.price)
        bar[3] = trade.price if first else min(bar[3], trade.price)
        bar[4] = trade.price
        value, count = trade.price * trade.lots, trade.last - trade.first + 1
        bar[5:] += (trade.lots, value, count, trade.lots * trade.buyer, value * trade.buyer)
        return True

    def traded(self) -> I64:
        """The bar (10,) that the known trades of the minute under way make."""
        row = self._count - 1
        return np.asarray(running_row(self.running_ms, self.before_first(row), self.tape(row), self.running_ms + MINUTE_MS)[0])

    def close_minute(self, bar: I64, next_ms: int) -> None:
        """End the minute under way with the mirrored venue's own bar (10,) and begin the one that opens at `next_ms`."""
        self._forget_last()
        self._columns[:, self._count - 1] = bar
        if self._count == self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.empty((FIELDS, SPARE_ROWS), np.int64)], axis=1)
        self._columns[:, self._count] = [next_ms, *self._flat(int(bar[4]))]
        self._count += 1
        self._live[self._count - 1] = GrowingTape()
        self._live.pop(self._count - 1 - TAPES_KEPT, None)
        self._show_bars()

    def reopen(self, opened_ms: int) -> None:
        """The minute under way is the one that opens at `opened_ms`, since the mirrored venue has left out those before."""
        self._forget_last()
        self._columns[0, self._count - 1] = opened_ms

    def add_funding(self, settled: FundingHistory) -> None:
        """Take in settlements, as far as they are later than the known ones."""
        known = self.listed.funding
        new = settled.ts_ms > (known.ts_ms[-1] if len(known.ts_ms) else 0)
        self.listed = replace(self.listed, funding=FundingHistory(
            np.append(known.ts_ms, settled.ts_ms[new]), np.append(known.raw_ms, settled.raw_ms[new]),
            np.append(known.rate, settled.rate[new]), np.append(known.mark_ticks, settled.mark_ticks[new]),
        ))

    def add_liquidation(self, moment: int, lots: int, price: int, *, long: bool) -> None:
        """Take in a forced close that was told."""
        known = self.listed.liquidations
        assert known is not None
        not_before = max(moment, int(known.ts_ms[-1])) if len(known) else moment
        grown = Liquidations(
            np.append(known.ts_ms, not_before), np.append(known.long, long), np.append(known.lots, lots),
            np.append(known.price_ticks, price),
        )
        self.listed = replace(self.listed, liquidations=grown)

    def tell_premium(self, premium: Premium) -> None:
        """Take in mark price and funding as told."""
        self._told = premium

    def series(self, interval: str) -> BarSeries:
        """All bars of an interval, the one under way included as far as it has traded."""
        known = self._series.get(interval)
        if known is None or self._grown_to.get(interval) != self._count:
            rows = roll_up(np.ascontiguousarray(self._minutes), interval)
            if known is None:
                known = self._series[interval] = BarSeries(self.listed, interval, rows)
            known.grow(rows)
            self._grown_to[interval] = self._count
        return known

    def tape(self, row: int) -> MinuteTape:
        """Trades of minute `row`; empty before the mirror began and more than four hours back."""
        known = self._live.get(row)
        return _NO_TRADES if known is None else known.tape()

    def before_first(self, row: int) -> int:
        """Price in ticks that stands in a minute before its first trade: the last close."""
        return int(self.listed.bars.close[row - 1] if row else self.listed.bars.open[0])

    def row_of(self, trade_id: int) -> int:
        """Row of the minute that holds a trade, or the first one after it."""
        held = [row for row, tape in self._live.items() if len(tape.ids)]
        return max((row for row in held if int(self.tape(row).ids[0]) <= trade_id), default=min(held, default=self._count - 1))

    def mark_price(self, market_ms: int) -> Decimal:
        """Mark price as last told, USDT."""
        return super().mark_price(market_ms) if self._told is None else self._told.mark

    def premium(self, market_ms: int) -> Premium:
        """Mark price and funding as last told."""
        mark = self.mark_price(market_ms)
        return self._told or settled_premium(mark, mark, self.listed.funding, market_ms)
