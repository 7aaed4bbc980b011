from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.frame import build_frame
from huracan_platform.settings import LabelSettings
from tests.learning.frames import COST, FREE, candles_of, features_of, synthetic_frame

LABELS = LabelSettings()


def day(n: int = 600, seed: int = 1) -> Candles:
    return candles_of(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 5e-4, n))), spread=1e-4)


def test_rows_are_the_bars_that_close_on_the_sampling_grid() -> None:
    candles = day()
    frame = build_frame(candles, features_of(candles, {"a": np.ones(600)}), LABELS, COST)
    assert (frame.decision_ms % (15 * MINUTE_MS) == 0).all()
    assert len(frame) == 600 // 15 - 4
    assert frame.left_out == {"no_candle": 0, "warm_up": 0, "no_volatility": 0, "horizon_incomplete": 4}


def test_rows_left_out_are_counted_by_reason() -> None:
    candles = day()
    features = features_of(candles, {"a": np.ones(600)})
    values = features.values.copy()
    values[:60, 0] = np.nan
    values[60:90, 1] = 0.0
    cut = Candles("BTC/USDT:USDT", *(getattr(candles, c)[:-75] for c in ("ts_ms", "open", "high", "low", "close", "volume")))
    frame = build_frame(cut, replace(features, values=values), LABELS, COST)
    assert frame.left_out == {"no_candle": 5, "warm_up": 4, "no_volatility": 2, "horizon_incomplete": 4}
    assert np.isfinite(frame.x).all()


def test_abstaining_rows_stay_with_their_outcome_and_no_weight() -> None:
    frame = synthetic_frame(days=3, cost=COST)
    abstain = np.isnan(frame.y)
    assert 0 < abstain.sum() < len(frame)
    assert np.isfinite(frame.long_return[abstain]).all()
    assert (frame.weight[abstain] == 0).all()
    assert ((frame.weight[~abstain] > 0) & (frame.weight[~abstain] <= 1)).all()
    assert (frame.long_return[frame.y == 1] > COST.round_trip).all()
    assert (frame.short_return[frame.y == 0] > COST.round_trip).all()


def test_barriers_lie_barrier_sigma_trailing_sigmas_of_the_horizon_away() -> None:
    frame = synthetic_frame(days=3)
    np.testing.assert_allclose(frame.sigma, 0.0005 * np.sqrt(60))
    early = frame.label_end_ms < frame.decision_ms + 60 * MINUTE_MS
    assert early.any()
    won = np.maximum(frame.long_return, frame.short_return)
    np.testing.assert_allclose(won[early], 1.5 * frame.sigma[early])
    assert (won[~early] <= 1.5 * frame.sigma[~early] + 1e-12).all()


def test_same_inputs_give_the_same_hash_and_one_changed_value_another() -> None:
    candles = day()
    features = features_of(candles, {"a": np.arange(600.0)})
    first = build_frame(candles, features, LABELS, COST).dataset_hash
    assert build_frame(candles, features, LABELS, COST).dataset_hash == first
    values = features.values.copy()
    values[14, 0] += 1e-9
    assert build_frame(candles, replace(features, values=values), LABELS, COST).dataset_hash != first
    assert build_frame(candles, features, LABELS, FREE).dataset_hash != first
    assert build_frame(candles, features, LabelSettings(barrier_sigma=1.6), COST).dataset_hash != first


def test_features_of_a_row_end_with_its_decision_bar() -> None:
    candles = day()
    frame = build_frame(candles, features_of(candles, {"bar": np.arange(600.0)}), LABELS, COST)
    np.testing.assert_array_equal(frame.x[:, 0], (frame.ts_ms - candles.ts_ms[0]) // MINUTE_MS)


def test_other_symbol_unsorted_time_and_missing_volatility_are_refused() -> None:
    candles = day()
    features = features_of(candles, {"a": np.ones(600)})
    with pytest.raises(DataContractError, match="expected candles of ETH"):
        build_frame(candles, replace(features, symbol="ETH"), LABELS, COST)
    with pytest.raises(DataContractError, match="ascending"):
        build_frame(candles, replace(features, ts_ms=features.ts_ms[::-1].copy()), LABELS, COST)
    with pytest.raises(DataContractError, match="realised_vol_1440"):
        build_frame(candles, replace(features, columns=("a", "b")), LABELS, COST)


def test_labels_for_a_control_must_abstain_where_the_frame_does() -> None:
    frame = synthetic_frame(days=3, cost=COST)
    with pytest.raises(DataContractError, match="abstentions"):
        frame.with_labels(np.ones(len(frame)))
    flipped = frame.with_labels(1.0 - frame.y)
    assert flipped.dataset_hash != frame.dataset_hash
