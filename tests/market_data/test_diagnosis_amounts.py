"""Open interest, taker volumes, mark prices and account ratios of another unit, column or time are named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.source import SourceRows
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.diagnosis.amounts import wrong_interest, wrong_marks, wrong_share, wrong_volumes
from huracan_platform.data.market_data.diagnosis.refusal import refusal
from huracan_platform.data.sources.kind import frame_of
from huracan_platform.settings.diagnosis import DiagnosisSettings
from tests.market_data.dirty import recorded_candles


@pytest.fixture(scope="module")
def traded() -> Candles:
    """Three days of recorded minutes; the one in the middle is looked at."""
    whole = recorded_candles("BTCUSDT")
    return whole.at(slice(1440, 4 * 1440))


@pytest.fixture(scope="module")
def bars(traded: Candles) -> Candles:
    """The day in the middle, 5 minutes each."""
    first = int(traded.ts_ms[0]) // DAY_MS * DAY_MS + DAY_MS
    day = traded.at((traded.ts_ms >= first) & (traded.ts_ms < first + DAY_MS))
    return roll_up(day, 5 * MINUTE_MS).candles


def name(found: object) -> str:
    return "" if found is None else str(found).partition(":")[0]


def test_open_interest_in_another_unit_or_column_is_named_by_the_price(traded, bars) -> None:
    hours, ts = roll_up(traded, HOUR_MS).candles, bars.ts_ms
    contracts = 80_000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 5e-4, len(ts))))
    usd = contracts * bars.close
    assert wrong_interest(ts, contracts, usd, hours) is None
    assert name(wrong_interest(ts, usd, contracts, hours)) == "columns swapped"
    for pair in ((usd, usd), (contracts, contracts), (contracts / 1000, usd), (contracts, usd / 1e6)):
        assert name(wrong_interest(ts, *pair, hours)) == "values in a wrong unit"
    assert wrong_interest(ts[:5], usd[:5], contracts[:5], hours) is None  # too few to tell


@pytest.mark.parametrize(("minutes", "fault"), [
    (5, "stamped at the close"), (60, "time-zone shifted"), (-480, "time-zone shifted"), (35, "shifted in time"),
])
def test_taker_volumes_of_another_time_are_named_by_what_was_traded(traded, bars, minutes, fault) -> None:
    buy, sell = bars.volume * 0.4, bars.volume * 0.6
    assert wrong_volumes(bars.ts_ms, buy, sell, traded) is None
    assert name(wrong_volumes(bars.ts_ms + minutes * MINUTE_MS, buy, sell, traded)) == fault


def test_taker_volumes_in_another_unit_are_named_by_what_was_traded(traded, bars) -> None:
    buy, sell = bars.volume * 0.4, bars.volume * 0.6
    quote = wrong_volumes(bars.ts_ms, buy * bars.close, sell * bars.close, traded)
    assert "the price: quote" in str(quote)
    assert "1000 times it: contracts" in str(wrong_volumes(bars.ts_ms, buy * 1000, sell * 1000, traded))
    assert wrong_volumes(bars.ts_ms, buy, buy + sell, traded) is None  # refused by the sum, without a name


def test_mark_prices_in_another_unit_or_column_are_named(traded, bars) -> None:
    premium = np.cumsum(np.random.default_rng(1).normal(0, 1e-5, len(bars))) - 4e-4
    mark, index, ts = bars.close, bars.close / (1 + premium), bars.ts_ms
    assert wrong_marks(ts, mark, index, premium, traded) is None
    assert wrong_marks(ts, mark, index, premium * 1.3, traded) is None
    assert name(wrong_marks(ts, index, mark, premium, traded)) == "columns swapped"
    assert name(wrong_marks(ts, mark, index, -premium, traded)) == "columns swapped"
    assert name(wrong_marks(ts, mark, index, premium * 100, traded)) == "values in a wrong unit"
    assert name(wrong_marks(ts, mark * 100, index * 100, premium, traded)) == "prices in a wrong unit"
    flat = np.zeros(len(ts))
    assert wrong_marks(ts, mark, mark, flat, traded) is None


def test_account_ratios_in_percent_or_as_a_quotient_are_named() -> None:
    share, ts = np.linspace(0.45, 0.65, 50), np.arange(50) * 5 * MINUTE_MS
    assert wrong_share(ts, share) is None
    assert "got percent" in str(wrong_share(ts, share * 100))
    assert "long ÷ short" in str(wrong_share(ts, share / (1 - share)))
    assert wrong_share(ts, share - 1) is None


@pytest.mark.parametrize("dataset", ["open_interest", "mark_prices", "account_ratios", "taker_volumes"])
def test_the_order_and_the_grid_of_every_dataset_are_named(dataset, bars) -> None:
    ts = bars.ts_ms
    rows = SourceRows(bars.symbol, ts, {"value": bars.volume})

    def told(made: SourceRows, order: slice | np.ndarray = slice(None)) -> str:
        frame = frame_of(made).iloc[order]
        return name(refusal(dataset, frame, int(ts[-1]) + DAY_MS, None, None, DiagnosisSettings()))

    assert told(rows, slice(None, None, -1)) == "newest-first order"
    assert told(rows, np.r_[0:200, 100:len(ts)]) == "duplicated page"
    assert told(replace(rows, ts_ms=ts + 2 * MINUTE_MS)) == "shifted in time"
