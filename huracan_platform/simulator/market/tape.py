"""The trades of a minute: a bridge through its bar, drawn on demand and always the same for (symbol key, minute).

First trade = open at the bar's first millisecond, last = close, high and low are touched, quantities in lots sum to the
bar's volume and the aggressor buys to its taker-buy volume. It works for generated and recorded bars alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from huracan_platform.simulator.market.bars import I64, MinuteBars

MAX_TRADES = 24
MIN_TRADES = 8
MINUTE = 60_000


@dataclass(frozen=True)
class MinuteTape:
    """Trades of one bar in time order, shapes (k,).

    `offset_ms` when the venue learned of each, ms after the bar's open; `told_ms` the time it is told with, same origin;
    `price` in ticks, `lots`, `buyer` whether the aggressor was. Each is an aggregate, numbered `ids`, of the single trades
    `first_ids` to `last_ids`.
    """

    offset_ms: I64
    told_ms: I64
    price: I64
    lots: I64
    buyer: NDArray[np.bool_]
    ids: I64
    first_ids: I64
    last_ids: I64

    def __len__(self) -> int:
        return len(self.offset_ms)


@njit(cache=True, inline="always")
def mix(key: int, minute: int, draw: int) -> float:
    """A uniform in (0, 1) by splitmix64 of its three arguments."""
    x = np.uint64(key) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(minute + 1)
    x += np.uint64(0xD1B54A32D192ED03) * np.uint64(draw + 1)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return (float(x >> np.uint64(11)) + 0.5) / 9007199254740992.0


@njit(cache=True)
def _spread_lots(key: int, minute: int, total: int, chosen: NDArray[np.bool_], side: bool, count: int, lots: I64, k: int) -> None:
    """Distribute `total` lots over the trades of one side, at least one each."""
    weight = 0.0
    for i in range(k):
        if chosen[i] == side:
            weight += 0.05 + mix(key, minute, 100 + i) ** 2
    spare, given, reached, seen = total - count, 0, 0.0, 0
    for i in range(k):
        if chosen[i] != side:
            continue
        seen += 1
        reached += 0.05 + mix(key, minute, 100 + i) ** 2
        upto = spare if seen == count else min(int(spare * (reached / weight)), spare)
        lots[i] = 1 + upto - given
        given = upto


@njit(cache=True)
def _draw_prices(key: int, minute: int, o: int, h: int, low: int, c: int, k: int, price: I64) -> None:
    """A path from open to close through both extremes; which comes first is a fair draw weighted by the bar's sign."""
    high_first = mix(key, minute, 1) < (0.35 if c > o else 0.65)
    first = 1 + int(mix(key, minute, 2) * (k - 3) / 2) if k > 3 else min(1, k - 1)
    second = first + 1 + int(mix(key, minute, 3) * (k - 2 - first)) if k > 3 else min(2, k - 1)
    second = min(second, k - 2) if k > 3 else second
    anchors_at = (0, first, second, k - 1)
    anchors = (o, h if high_first else low, low if high_first else h, c)
    for leg in range(3):
        a, b = anchors_at[leg], anchors_at[leg + 1]
        for i in range(a, b):
            part = (i - a) / (b - a)
            noise = (mix(key, minute, 200 + i) - 0.5) * 0.5 * (h - low) * 4 * part * (1 - part)
            price[i] = min(max(round(anchors[leg] + part * (anchors[leg + 1] - anchors[leg]) + noise), low), h)
    price[k - 1] = c


@njit(cache=True)
def draw_path(key: int, minute: int, o: int, h: int, low: int, c: int, volume: int, offset_ms: I64, price: I64) -> int:
    """Write times and prices of a bar's trades (`volume` 1 or more) into the two buffers and return how many."""
    k = min(MIN_TRADES + int(mix(key, minute, 0) * (MAX_TRADES - MIN_TRADES + 1)), MAX_TRADES, volume)
    if k >= 4:
        _draw_prices(key, minute, o, h, low, c, k, price)
    else:
        _draw_few_prices(o, h, low, c, k, price)
    for i in range(k):
        offset_ms[i] = int((i + (mix(key, minute, 300 + i) if i > 0 else 0.0)) * MINUTE / k)
    return k


@njit(cache=True)
def draw_tape(
    key: int, minute: int, o: int, h: int, low: int, c: int, volume: int, taker_buy: int,
    offset_ms: I64, price: I64, lots: I64, buyer: NDArray[np.bool_],
) -> int:
    """Write the trades of one bar into the four buffers (each at least MAX_TRADES long) and return how many."""
    if volume <= 0:
        return 0
    k = draw_path(key, minute, o, h, low, c, volume, offset_ms, price)
    buys = _draw_sides(key, minute, k, volume, taker_buy, price, buyer)
    _spread_lots(key, minute, taker_buy, buyer, True, buys, lots, k)
    _spread_lots(key, minute, volume - taker_buy, buyer, False, k - buys, lots, k)
    return k


@njit(cache=True)
def _draw_few_prices(o: int, h: int, low: int, c: int, k: int, price: I64) -> None:
    price[0] = o
    if k == 3:
        price[1] = h if h != o and h != c else low
    price[k - 1] = c


@njit(cache=True)
def _draw_sides(key: int, minute: int, k: int, volume: int, taker_buy: int, price: I64, buyer: NDArray[np.bool_]) -> int:
    """Mark aggressor buys, more likely on an uptick; their number leaves each side at least a lot per trade."""
    share, buys = taker_buy / volume, 0
    for i in range(k):
        tilt = 0.0 if i == 0 or price[i] == price[i - 1] else (0.2 if price[i] > price[i - 1] else -0.2)
        buyer[i] = mix(key, minute, 400 + i) < share + tilt
        buys += buyer[i]
    fewest = max(1 if taker_buy > 0 else 0, k - (volume - taker_buy))
    most = min(k - 1 if taker_buy < volume else k, taker_buy)
    i = 0
    while buys < fewest or buys > most:
        if buys < fewest and not buyer[i]:
            buyer[i], buys = True, buys + 1
        elif buys > most and buyer[i]:
            buyer[i], buys = False, buys - 1
        i += 1
    return buys


@njit(cache=True)
def turnover(
    key: int, minute: I64, open_: I64, high: I64, low: I64, close: I64, volume: I64, taker_buy: I64
) -> tuple[I64, I64, I64]:
    """Per bar: sum of price × lots over all trades, over the aggressor buys, and the number of trades."""
    n = len(minute)
    quote, taker_quote, count = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    offset, price, lots = np.empty(MAX_TRADES, np.int64), np.empty(MAX_TRADES, np.int64), np.empty(MAX_TRADES, np.int64)
    buyer = np.empty(MAX_TRADES, np.bool_)
    for i in range(n):
        k = draw_tape(key, minute[i], open_[i], high[i], low[i], close[i], volume[i], taker_buy[i], offset, price, lots, buyer)
        count[i] = k
        for j in range(k):
            quote[i] += price[j] * lots[j]
            if buyer[j]:
                taker_quote[i] += price[j] * lots[j]
    return quote, taker_quote, count


def minute_tape(bars: MinuteBars, row: int, key: int, first_id: int = 0) -> MinuteTape:
    """The trades of bar `row`, numbered one by one from `first_id`."""
    offset, price, lots = (np.empty(MAX_TRADES, np.int64) for _ in range(3))
    buyer = np.empty(MAX_TRADES, np.bool_)
    k = draw_tape(
        key, int(bars.ts_ms[row]) // MINUTE, int(bars.open[row]), int(bars.high[row]), int(bars.low[row]), int(bars.close[row]),
        int(bars.volume[row]), int(bars.taker_buy[row]), offset, price, lots, buyer,
    )
    times, ids = offset[:k].copy(), first_id + np.arange(k, dtype=np.int64)
    return MinuteTape(times, times, price[:k].copy(), lots[:k].copy(), buyer[:k].copy(), ids, ids, ids)
