"""Bars of any interval, rolled up from the minutes and served as slices of prebuilt byte pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.simulator.market.bars import I64, ListedSymbol
from huracan_platform.simulator.market.premium import Premium, settled_premium
from huracan_platform.simulator.market.price_bars import index_price
from huracan_platform.simulator.market.tape import MinuteTape, minute_tape, turnover

INTERVALS_MS = {
    "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS,
    "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS,
}
# Weeks begin on Monday; the epoch was a Thursday.
_WEEK_SHIFT_MS = 4 * DAY_MS
PAGE_ROWS = 1_440
ROW_BYTES = 320
FIELDS = 10  # ts, open, high, low, close, volume, quote, count, taker base, taker quote
COUNT = 7


def period_start(ts_ms: I64, interval: str) -> I64:
    """Open time of the period of `interval` that holds each time."""
    step = INTERVALS_MS[interval]
    shift = _WEEK_SHIFT_MS if interval == "1w" else 0
    return np.asarray((ts_ms - shift) // step * step + shift, dtype=np.int64)


def roll_up(rows: I64, interval: str) -> I64:
    """Minutes (n, 10) to periods (m, 10): open of the first, extremes, close of the last, sums of the rest."""
    if interval == "1m" or len(rows) == 0:
        return rows
    periods = period_start(rows[:, 0], interval)
    first = np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
    last = np.append(first[1:], len(rows)) - 1
    out = np.empty((len(first), FIELDS), np.int64)
    out[:, 0], out[:, 1], out[:, 4] = periods[first], rows[first, 1], rows[last, 4]
    out[:, 2] = np.maximum.reduceat(rows[:, 2], first)
    out[:, 3] = np.minimum.reduceat(rows[:, 3], first)
    out[:, 5:] = np.add.reduceat(rows[:, 5:], first, axis=0)
    return out


def minute_rows(listed: ListedSymbol) -> I64:
    """Every minute of a symbol as (n, 10) integers, turnover and counts taken from its tape."""
    bars = listed.bars
    quote, taker_quote, count = turnover(
        listed.key, bars.ts_ms // MINUTE_MS, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.taker_buy
    )
    columns = (bars.ts_ms, bars.open, bars.high, bars.low, bars.close, bars.volume, quote, count, bars.taker_buy, taker_quote)
    return np.column_stack(columns)


def running_row(bar_ts_ms: int, flat_ticks: int, tape: MinuteTape, until_ms: int) -> I64:
    """The part (1, 10) of a minute that has traded up to and including `until_ms`; a flat one where nothing has."""
    k = int(np.searchsorted(tape.offset_ms, until_ms - bar_ts_ms, side="right"))
    if k == 0:
        return np.array([[bar_ts_ms, flat_ticks, flat_ticks, flat_ticks, flat_ticks, 0, 0, 0, 0, 0]], np.int64)
    price, lots, buyer = tape.price[:k], tape.lots[:k], tape.buyer[:k]
    value, count = price * lots, (tape.last_ids - tape.first_ids)[:k].sum() + k
    return np.array(
        [[bar_ts_ms, price[0], price.max(), price.min(), price[-1], lots.sum(), value.sum(), count, lots[buyer].sum(),
          value[buyer].sum()]], np.int64,
    )


@njit(cache=True)
def put_integer(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Write the digits of a number from 0; returns where they end."""
    digits = 1
    rest = value
    while rest >= 10:
        rest //= 10
        digits += 1
    for i in range(digits - 1, -1, -1):
        out[at + i] = 48 + value % 10
        value //= 10
    return at + digits


@njit(cache=True)
def put_decimal(out: NDArray[np.uint8], at: int, value: int, decimals: int) -> int:
    """`,"123.45"`"""
    out[at], out[at + 1] = 44, 34
    scale = 1
    for _ in range(decimals):
        scale *= 10
    at = put_integer(out, at + 2, value // scale)
    if decimals > 0:
        out[at] = 46
        at += 1
        rest = value % scale
        for i in range(decimals - 1, -1, -1):
            out[at + i] = 48 + rest % 10
            rest //= 10
        at += decimals
    out[at] = 34
    return at + 1


@njit(cache=True)
def _render(rows: I64, step_ms: int, price_decimals: int, quantity_decimals: int) -> tuple[NDArray[np.uint8], I64]:
    """Rows as JSON arrays of 12 fields separated by commas, and where each begins (n + 1,)."""
    n = len(rows)
    out = np.empty(n * ROW_BYTES, np.uint8)
    begins = np.empty(n + 1, np.int64)
    both = price_decimals + quantity_decimals
    at = 0
    for i in range(n):
        begins[i] = at
        out[at] = 91
        at = put_integer(out, at + 1, rows[i, 0])
        for column in range(1, 5):
            at = put_decimal(out, at, rows[i, column], price_decimals)
        at = put_decimal(out, at, rows[i, 5], quantity_decimals)
        out[at] = 44
        at = put_integer(out, at + 1, rows[i, 0] + step_ms - 1)
        at = put_decimal(out, at, rows[i, 6], both)
        out[at] = 44
        at = put_integer(out, at + 1, rows[i, 7])
        at = put_decimal(out, at, rows[i, 8], quantity_decimals)
        at = put_decimal(out, at, rows[i, 9], both)
        at = put_decimal(out, at, 0, 0)
        out[at], out[at + 1] = 93, 44
        at += 2
    begins[n] = at
    return out[:at].copy(), begins


def render_rows(rows: I64, interval: str, listed: ListedSymbol) -> bytes:
    """Rows as the inside of the venue's klines answer, each followed by a comma."""
    instrument = listed.instrument
    text, _ = _render(rows, INTERVALS_MS[interval], instrument.price_decimals, instrument.quantity_decimals)
    return bytes(text.tobytes())


@dataclass
class BarSeries:
    """Bars of one symbol and interval with their byte pages, built the first time a page is asked for."""

    listed: ListedSymbol
    interval: str
    rows: I64
    _pages: dict[int, tuple[bytes, I64]] = field(default_factory=dict)

    @property
    def step_ms(self) -> int:
        """Length of a bar in ms."""
        return INTERVALS_MS[self.interval]

    def grow(self, rows: I64) -> None:
        """Go on with bars of which all but the last known one are as they were."""
        unfinished = (len(self.rows) - 1) // PAGE_ROWS
        self._pages = {page: found for page, found in self._pages.items() if page < unfinished}
        self.rows = rows

    def complete_before(self, market_ms: int) -> int:
        """How many bars have ended at the given market time."""
        return int(np.searchsorted(self.rows[:, 0], market_ms - self.step_ms, side="right"))

    def slice_bytes(self, first: int, stop: int) -> bytes:
        """Bars first … stop − 1, each followed by a comma: cut out of the pages, so any overlap gives equal bytes."""
        parts = []
        while first < stop:
            page = first // PAGE_ROWS
            text, begins = self._page(page)
            upto = min(stop, (page + 1) * PAGE_ROWS)
            parts.append(text[begins[first - page * PAGE_ROWS] : begins[upto - page * PAGE_ROWS]])
            first = upto
        return b"".join(parts)

    def _page(self, page: int) -> tuple[bytes, I64]:
        found = self._pages.get(page)
        if found is None:
            instrument = self.listed.instrument
            rows = self.rows[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
            text, begins = _render(rows, self.step_ms, instrument.price_decimals, instrument.quantity_decimals)
            found = self._pages[page] = (text.tobytes(), begins)
        return found


class SymbolHistory:
    """What has happened so far in one symbol at any market time: bars of every interval, trades, last price."""

    def __init__(self, listed: ListedSymbol) -> None:
        self.listed = listed
        self._minutes = minute_rows(listed)
        # Trades are numbered from 0 over all minutes, so that a hole in the numbers is a trade that was not told.
        self._first_ids = np.cumsum(self._minutes[:, COUNT]) - self._minutes[:, COUNT]
        self._series: dict[str, BarSeries] = {}
        self._tapes: dict[int, MinuteTape] = {}
        self._forget_last()

    def _forget_last(self) -> None:
        """What is known of the last trade holds no more."""
        self._last_from, self._last_until, self._last = 0, 0, (-1, -1)
        self._last_mark: Decimal | None = None

    def series(self, interval: str) -> BarSeries:
        """All bars of an interval, future ones included."""
        if interval not in self._series:
            self._series[interval] = BarSeries(self.listed, interval, roll_up(self._minutes, interval))
        return self._series[interval]

    def tape(self, row: int) -> MinuteTape:
        """Trades of minute `row`; the last few hundred are kept."""
        tape = self._tapes.get(row)
        if tape is None:
            tape = self._tapes[row] = minute_tape(self.listed.bars, row, self.listed.key, int(self._first_ids[row]))
            if len(self._tapes) > 512:
                self._tapes.pop(next(iter(self._tapes)))
        return tape

    def running(self, interval: str, market_ms: int) -> I64:
        """The bar (1, 10) of `interval` that is under way at `market_ms`, from the trades so far; (0, 10) if there is none."""
        row = self.listed.bars.row_at(market_ms)
        start = int(period_start(np.array([market_ms], np.int64), interval)[0])
        if row < 0 or int(self.listed.bars.ts_ms[row]) < start:
            return np.empty((0, FIELDS), np.int64)
        minute_ts = int(self.listed.bars.ts_ms[row])
        partial = running_row(minute_ts, self.before_first(row), self.tape(row), market_ms)
        first = int(np.searchsorted(self.listed.bars.ts_ms, start))
        return roll_up(np.concatenate([self._minutes[first:row], partial]), interval)

    def last_trade(self, market_ms: int) -> tuple[int, int]:
        """Row and index of the last trade at or before `market_ms`; index -1 before the first of that minute."""
        if self._last_from <= market_ms < self._last_until:  # asked for several times in every request
            return self._last
        bars = self.listed.bars
        row = bars.row_at(market_ms)
        if row < 0:
            self._forget_last()
            return -1, -1
        offset, opened = self.tape(row).offset_ms, int(bars.ts_ms[row])
        index = int(offset.searchsorted(market_ms - opened, side="right")) - 1
        self._last, self._last_mark = (row, index), None
        self._last_from = opened + int(offset[index]) if index >= 0 else opened
        self._last_until = opened + (int(offset[index + 1]) if index + 1 < len(offset) else MINUTE_MS)
        return self._last

    def last_price(self, market_ms: int) -> int:
        """Price in ticks of the last trade at or before `market_ms`; the open of a minute in which nothing traded."""
        row, index = self.last_trade(market_ms)
        if row < 0:
            return int(self.listed.bars.open[0])
        return self.before_first(row) if index < 0 else int(self.tape(row).price[index])

    def before_first(self, row: int) -> int:
        """Price in ticks that stands in a minute before its first trade: that of this trade, which is at its open."""
        return int(self.listed.bars.open[row])

    def first_id(self, row: int) -> int:
        """Number of the first single trade of minute `row`; -1 where its trades are not known."""
        tape = self.tape(row)
        return int(tape.first_ids[0]) if len(tape) else -1

    def last_id(self, row: int, index: int) -> int:
        """Number of the last single trade of a minute up to trade `index`, of its first at least; -1 where not known."""
        tape = self.tape(row)
        return int(tape.last_ids[max(0, index)]) if len(tape) else -1

    def row_of(self, trade_id: int) -> int:
        """Row of the minute that holds a trade, or the first one after it."""
        return int(self._first_ids.searchsorted(trade_id, side="right")) - 1

    def mark_price(self, market_ms: int) -> Decimal:
        """Mark price, USDT: the last trade, as nothing else is known."""
        if self._last_mark is None or not self._last_from <= market_ms < self._last_until:
            self._last_mark = self.listed.instrument.price(self.last_price(market_ms))
        return self._last_mark

    def premium(self, market_ms: int) -> Premium:
        """Mark price, index price and funding at a market time."""
        mark = self.mark_price(market_ms)
        return settled_premium(mark, index_price(self.listed, mark, market_ms), self.listed.funding, market_ms)
