"""Higher bars made of minutes."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.data.market_data.candles.rollup import roll_up
from tests.market_data.made import START, bars, without


@pytest.mark.parametrize("bar_ms", [5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS])
def test_each_bar_is_first_open_highest_lowest_last_close_and_the_sum(bar_ms) -> None:
    candles = bars(2 * 1440)
    rolled = roll_up(candles, bar_ms)
    n = bar_ms // MINUTE_MS
    shaped = {name: getattr(candles, name).reshape(-1, n) for name in ("open", "high", "low", "close", "volume")}
    assert (rolled.candles.ts_ms == START + np.arange(2880 // n) * bar_ms).all()
    assert (rolled.candles.open == shaped["open"][:, 0]).all()
    assert (rolled.candles.high == shaped["high"].max(axis=1)).all()
    assert (rolled.candles.low == shaped["low"].min(axis=1)).all()
    assert (rolled.candles.close == shaped["close"][:, -1]).all()
    np.testing.assert_allclose(rolled.candles.volume, shaped["volume"].sum(axis=1), rtol=1e-12)
    assert (rolled.minutes == n).all()


def test_missing_minutes_are_counted_and_an_empty_bar_is_left_out() -> None:
    rolled = roll_up(without(bars(240), np.r_[3, 60:120]), HOUR_MS)
    assert rolled.minutes.tolist() == [59, 60, 60]
    assert rolled.candles.ts_ms.tolist() == [START, START + 2 * HOUR_MS, START + 3 * HOUR_MS]


def test_a_bar_is_whole_minutes() -> None:
    with pytest.raises(ValueError, match="whole minutes, got 90000"):
        roll_up(bars(), 90_000)
