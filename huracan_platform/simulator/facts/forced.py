"""Liquidations of one listed symbol and what happens around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.simulator.market.bars import F64, I64, ListedSymbol

STEP_MINUTES = 5
AROUND_STEPS = np.arange(-12, 25)  # an hour before to two hours after
APART_STEPS = 48
MOST_CASCADES = 50


@dataclass(frozen=True)
class LiquidationFacts:
    """Forced closes of one symbol. `of_volume` and `of_interest` (a day) are fractions of lots, `long` that of long positions,
    `busiest_days` that of the busiest hundredth of days; `a_day` orders; `median` and `largest` an order over a mean minute's
    volume; `interest_sd` the standard deviation of log open interest."""

    of_volume: float
    of_interest: float
    a_day: float
    long: float
    busiest_days: float
    median: float
    largest: float
    interest_sd: float


def liquidation_facts(listed: ListedSymbol) -> LiquidationFacts | None:
    """None where forced closes or open interest were not recorded."""
    forced, known = listed.liquidations, listed.positioning
    if forced is None or known is None or len(forced) == 0:
        return None
    days = (listed.end_ms - listed.listed_ms) / DAY_MS
    lots, usual = forced.lots.sum(), listed.bars.volume.mean()
    daily = np.sort(np.bincount((forced.ts_ms - listed.listed_ms) // DAY_MS, weights=forced.lots))[::-1]
    return LiquidationFacts(
        of_volume=float(lots / listed.bars.volume.sum()), of_interest=float(lots / days / known.open_interest.mean()),
        a_day=len(forced) / days, long=float(forced.lots[forced.long].sum() / lots),
        busiest_days=float(daily[: max(1, round(days / 100))].sum() / lots), median=float(np.median(forced.lots) / usual),
        largest=float(forced.lots.max() / usual), interest_sd=float(np.log(known.open_interest).std()),
    )


@dataclass(frozen=True)
class Cascade:
    """Means around `count` cascades at AROUND_STEPS (k,): log price, turned so that it falls, and log open interest, both
    against the end of the step before."""

    log_price: F64
    log_interest: F64
    count: int


def around_cascades(listed: ListedSymbol) -> Cascade | None:
    """Around the five minutes with most lots liquidated on one side, four hours apart; None where not recorded."""
    forced, known = listed.liquidations, listed.positioning
    if forced is None or known is None or len(forced) == 0:
        return None
    slot = (forced.ts_ms - listed.listed_ms) // (STEP_MINUTES * MINUTE_MS)
    signed = np.where(forced.long, forced.lots, -forced.lots).astype(np.float64)
    lots = np.bincount(slot, weights=signed, minlength=len(known.ts_ms))[: len(known.ts_ms)]
    chosen = _largest(np.abs(lots))
    if len(chosen) == 0:
        return None
    rows, before = chosen[:, None] + AROUND_STEPS, chosen[:, None] - 1
    price = np.log(listed.bars.close[STEP_MINUTES - 1 :: STEP_MINUTES])
    interest = np.log(known.open_interest)
    turned = np.sign(lots[chosen])[:, None] * (price[rows] - price[before])
    return Cascade(turned.mean(axis=0), (interest[rows] - interest[before]).mean(axis=0), len(chosen))


def _largest(sizes: F64) -> I64:
    """The largest sizes that are APART_STEPS apart and have room on both sides, largest first."""
    chosen: list[int] = []
    first, stop = -int(AROUND_STEPS[0]), len(sizes) - int(AROUND_STEPS[-1])
    for at in map(int, np.argsort(-sizes, kind="stable")):
        if len(chosen) == MOST_CASCADES or sizes[at] == 0:
            break
        if first <= at < stop and all(abs(at - other) > APART_STEPS for other in chosen):
            chosen.append(at)
    return np.array(chosen, dtype=np.int64)
