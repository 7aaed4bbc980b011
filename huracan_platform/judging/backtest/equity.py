"""Equity by hour and by day: the account marked to market at the end of every UTC hour and day, flat ones included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.market import Float64, Int64


@dataclass(frozen=True)
class DailyEquity:
    """`equity[i]` is the account at the end of the UTC day that began at `day_ms[i]`; it started at 1.0.

    Open positions are marked at the day's last close, funding paid so far is in, exit costs are not. A day without
    bars carries the equity of the day before.
    """

    day_ms: Int64
    equity: Float64

    @property
    def returns(self) -> Float64:
        """(days,) simple daily returns; 0 once the account is ruined."""
        return _returns(self.equity)


@dataclass(frozen=True)
class HourlyEquity:
    """As `DailyEquity`, at the end of the UTC hours that began at `hour_ms`."""

    hour_ms: Int64
    equity: Float64

    @property
    def returns(self) -> Float64:
        """(hours,) simple hourly returns; 0 once the account is ruined."""
        return _returns(self.equity)

    def daily(self) -> DailyEquity:
        """The last hour of each day."""
        day = self.hour_ms // DAY_MS
        last = np.flatnonzero(np.append(day[1:] != day[:-1], True)[: len(day)])
        return DailyEquity(day[last] * DAY_MS, self.equity[last])


def equal_shares(accounts: Sequence[DailyEquity]) -> DailyEquity:
    """A portfolio that gives every account the same capital on the first day and never rebalances.

    Each symbol trades on its own account, so its sizing sees its own equity only. Days an account does not cover are
    flat for it.

    Raises
    ------
    ValueError
        Without any account.
    """
    if not accounts:
        raise ValueError("expected at least 1 account, got 0")
    first = min(int(a.day_ms[0]) for a in accounts)
    last = max(int(a.day_ms[-1]) for a in accounts)
    days = np.arange(first, last + DAY_MS, DAY_MS, dtype=np.int64)
    total = np.zeros(len(days))
    for account in accounts:
        at = np.searchsorted(account.day_ms, days, side="right") - 1
        total += np.where(at >= 0, account.equity[np.maximum(at, 0)], 1.0)
    return DailyEquity(days, total / len(accounts))


def _returns(equity: Float64) -> Float64:
    before = np.concatenate(([1.0], equity[:-1]))
    alive = before > 0.0
    result: Float64 = np.where(alive, equity / np.where(alive, before, 1.0) - 1.0, 0.0)
    return result
