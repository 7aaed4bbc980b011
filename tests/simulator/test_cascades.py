"""Forced closes of a synthetic symbol: part of its bars and trades, taken off open interest, and they move the price."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.simulator.market.bars import F64, Liquidations, ListedSymbol
from huracan_platform.simulator.market.kernels import CLOSED_PER_FORCED
from huracan_platform.simulator.market.synthetic import Oracle, generate_symbol
from huracan_platform.simulator.market.tape import minute_tape
from tests.simulator.markets import MINUTE, START_MS

DAYS = 120
AFTER = 15


@pytest.fixture(scope="module")
def market() -> tuple[ListedSymbol, Oracle]:
    return generate_symbol("SOL", 7, START_MS, DAYS * 1_440)


def forced_of(listed: ListedSymbol) -> Liquidations:
    assert listed.liquidations is not None
    return listed.liquidations


def by_minute(listed: ListedSymbol, long: bool) -> F64:
    """Lots of one side liquidated in each bar, (n,)."""
    forced = forced_of(listed)
    row = (forced.ts_ms - START_MS) // MINUTE
    lots = np.where(forced.long == long, forced.lots, 0).astype(np.float64)
    return np.asarray(np.bincount(row, weights=lots, minlength=len(listed.bars)), dtype=np.float64)


def test_liquidations_are_sorted_and_within_their_bars(market: tuple[ListedSymbol, Oracle]) -> None:
    listed, forced = market[0], forced_of(market[0])
    row = (forced.ts_ms - START_MS) // MINUTE
    assert len(forced) > 50 * DAYS
    assert np.all(np.diff(forced.ts_ms) >= 0)
    assert forced.lots.min() >= 1
    assert np.all(forced.price_ticks >= listed.bars.low[row])
    assert np.all(forced.price_ticks <= listed.bars.high[row])
    assert 0.3 < forced.lots[forced.long].sum() / forced.lots.sum() < 0.7


def test_a_liquidated_long_sells_and_a_liquidated_short_buys_within_the_bars_volume(market: tuple[ListedSymbol, Oracle]) -> None:
    listed = market[0]
    longs, shorts = by_minute(listed, long=True), by_minute(listed, long=False)
    bought, sold = listed.bars.taker_buy, listed.bars.volume - listed.bars.taker_buy
    assert np.all(longs <= sold)
    assert np.all(shorts <= bought)
    share = bought / listed.bars.volume
    assert share[longs > 0.3 * listed.bars.volume].mean() < 0.3
    assert share[shorts > 0.3 * listed.bars.volume].mean() > 0.7


def test_a_liquidation_trades_at_the_price_of_the_tape_at_its_time(market: tuple[ListedSymbol, Oracle]) -> None:
    listed, forced = market[0], forced_of(market[0])
    for at in range(0, len(forced), len(forced) // 300):
        row, moment = divmod(int(forced.ts_ms[at]) - START_MS, MINUTE)
        tape = minute_tape(listed.bars, row, listed.key)
        assert forced.price_ticks[at] == tape.price[np.searchsorted(tape.offset_ms, moment, side="right") - 1]


def test_the_most_levered_go_first() -> None:
    """Longs at 100x go half a percent below their entry: a fall of one percent after a quiet hour takes some of them."""
    listed, _ = generate_symbol("BTC", 7, START_MS, DAYS * 1_440)
    forced = forced_of(listed)
    row = (forced.ts_ms - START_MS) // MINUTE
    best = np.array([listed.bars.high[max(0, r - 1_440): r + 1].max() for r in row[forced.long][::50]])
    assert np.all(forced.price_ticks[forced.long][::50] < best * 0.9955)


def test_open_interest_falls_by_what_is_liquidated_and_stopped_out(market: tuple[ListedSymbol, Oracle]) -> None:
    listed, forced = market[0], forced_of(market[0])
    known = listed.positioning
    assert known is not None
    slot = (forced.ts_ms - START_MS) // (5 * MINUTE)
    lots = np.bincount(slot, weights=forced.lots, minlength=len(known.ts_ms))[1:].astype(np.float64)
    change = np.diff(known.open_interest).astype(np.float64)
    large = lots > 0.01 * known.open_interest[:-1]
    assert large.sum() > 10
    slope = (change[large] * lots[large]).sum() / (lots[large] ** 2).sum()
    assert slope == pytest.approx(-CLOSED_PER_FORCED, rel=0.25)
    assert abs(change[lots == 0].sum()) < change[lots > 0].sum() * -1.5


def pushed(listed: ListedSymbol, oracle: Oracle) -> float:
    """Mean move, in sigmas and without the documented drifts, of the minutes after the largest liquidations, their way."""
    flow = by_minute(listed, long=False) - by_minute(listed, long=True)
    close = np.log(listed.bars.close)
    own = np.diff(close, prepend=close[0]) / oracle.sigma - oracle.drift.sum(axis=1)
    largest = np.argsort(-np.abs(flow / listed.bars.volume.mean()), kind="stable")[:400]
    largest = largest[largest < len(flow) - AFTER - 1]
    return float(np.mean([np.sign(flow[t]) * own[t + 1 : t + 1 + AFTER].sum() for t in largest]))


def test_forced_orders_move_the_price_further(market: tuple[ListedSymbol, Oracle]) -> None:
    still, oracle = generate_symbol("SOL", 7, START_MS, DAYS * 1_440, impact=0.0)
    assert pushed(*market) > 2.0
    assert abs(pushed(still, oracle)) < 1.0


def test_cascades_feed_themselves(market: tuple[ListedSymbol, Oracle]) -> None:
    still, _ = generate_symbol("SOL", 7, START_MS, DAYS * 1_440, impact=0.0)
    hours = [by_minute(s, long=True).reshape(-1, 60).sum(axis=1) for s in (market[0], still)]
    largest = [np.sort(h)[-50:].mean() for h in hours]
    assert largest[0] > 1.1 * largest[1]


@pytest.mark.slow
def test_what_the_last_liquidations_tell_of_the_next_hour_is_as_documented() -> None:
    together, beside_the_drifts = [], []
    for base in ("BTC", "ETH", "SOL"):
        listed, oracle = generate_symbol(base, 7, START_MS, 360 * 1_440)
        flow = by_minute(listed, long=False) - by_minute(listed, long=True)
        last = np.convolve(flow, np.ones(5))[: len(flow)] / listed.bars.volume.mean()
        close = np.log(listed.bars.close)
        own = np.cumsum(np.diff(close, prepend=close[0]) - oracle.sigma * oracle.drift.sum(axis=1))
        at = np.arange(2_000, len(close) - 61, 15)
        told = np.sign(last[at]) * np.sqrt(np.abs(last[at])) * oracle.sigma[at]
        together.append(np.corrcoef(told, close[at + 60] - close[at])[0, 1])
        beside_the_drifts.append(np.corrcoef(told, own[at + 60] - own[at])[0, 1])
    assert 0.18 < np.mean(together) < 0.32
    assert 0.04 < np.mean(beside_the_drifts) < 0.15


def test_liquidations_keep_their_past_when_days_are_added() -> None:
    short, long = (forced_of(generate_symbol("SOL", 5, START_MS, days * 1_440)[0]) for days in (9, 20))
    assert len(short) > 0
    for name in ("ts_ms", "long", "lots", "price_ticks"):
        assert np.array_equal(getattr(short, name), getattr(long, name)[: len(short)]), name


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_no_seed_explodes_within_three_years(seed: int) -> None:
    listed, _ = generate_symbol("SOL", seed, START_MS, 3 * 365 * 1_440)
    bars, known = listed.bars, listed.positioning
    assert known is not None
    assert 190_00 / 30 < bars.low.min() < bars.high.max() < 190_00 * 30
    assert np.abs(np.diff(np.log(bars.close))).max() < 0.25
    usual = 12_000 * 100 * 1_440
    assert 0.08 * usual < known.open_interest.min() < known.open_interest.max() < 1.5 * usual
    assert 0.004 < forced_of(listed).lots.sum() / bars.volume.sum() < 0.03


@pytest.mark.parametrize("base", ["BTC", "ETH", "SOL", "XRP"])
def test_every_bar_is_consistent(base: str) -> None:
    bars = generate_symbol(base, 11, START_MS, 60 * 1_440)[0].bars
    assert np.array_equal(bars.open[1:], bars.close[:-1])
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert bars.low.min() >= 1
    assert bars.volume.min() >= 8
    assert np.all((bars.taker_buy >= 0) & (bars.taker_buy <= bars.volume))
