"""Columns of the set `positioning` against pandas and plain loops that know nothing of the kernels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from huracan_platform.data.features.registry import feature_set
from tests.data_features.sets import History, history_of
from tests.data_features.synthetic import BARS_PER_DAY

SET = feature_set("positioning")
BARS = 3 * BARS_PER_DAY
DUST = 1e-4


@pytest.fixture(scope="module")
def history() -> History:
    return history_of(SET, BARS, seed=12)


@pytest.fixture(scope="module")
def rows(history: History) -> pd.DataFrame:
    return pd.DataFrame(history.rows(), columns=SET.columns)


@pytest.fixture(scope="module")
def frame(history: History) -> pd.DataFrame:
    """Bars and inputs; liquidations in the row of the minute that they are of."""
    frame = pd.DataFrame(dict(zip(SET.inputs, history.known, strict=True)))
    frame["log"] = np.log(history.candles.close)
    frame["traded"] = history.candles.close * history.candles.volume
    for side in ("long_usd", "short_usd"):
        frame[side] = frame[side].shift(-1)
    return frame


def expected(f: pd.DataFrame) -> dict[str, pd.Series]:
    """Each column in a line or two. What ends with the minute before the bar's is shifted by one."""
    spread, oi = f.funding - f.funding_elsewhere, np.log(f.contracts)
    long, short = f.long_usd, f.short_usd
    hour = {n: v.rolling(60).sum().shift() for n, v in (("long", long), ("short", short), ("traded", f.traded))}
    day = {n: v.rolling(1440).sum().shift() for n, v in (("long", long), ("short", short), ("traded", f.traded))}
    score = f.sentiment
    z = (score - score.rolling(1440).mean()) / score.rolling(1440).std(ddof=0)
    trend = f.log.diff(1440) / np.sqrt((f.log.diff() ** 2).rolling(1440).sum())
    return {
        "funding_spread": spread,
        "funding_spread_momentum": spread.diff(1440),
        **{f"oi_change_{k}": oi.diff(k) for k in (60, 240, 1440)},
        "oi_trend": oi.rolling(1440).corr(pd.Series(np.arange(len(f), dtype=np.float64))),
        "oi_return_product": oi.diff(240) * f.log.diff(240),
        "sentiment_score": score,
        "sentiment_momentum": score - score.rolling(1440).mean(),
        "sentiment_divergence": z - trend,
        "fear_greed": f.fear_greed,
        "liquidation_momentum": (hour["long"] + hour["short"]) / hour["traded"],
        "liquidation_imbalance": (hour["long"] - hour["short"]) / (hour["long"] + hour["short"]),
        "liquidation_ratio": np.log((day["long"] + DUST * day["traded"]) / (day["short"] + DUST * day["traded"])),
        "liquidation_delta": (day["long"] - day["short"]) / day["traded"],
        "liquidation_density": ((long + short) > 0).rolling(60).mean().shift(),
        "cascade_indicator": f.in_cascade,
        "post_liquidation_momentum": aftermath(f),
    }


def aftermath(f: pd.DataFrame) -> pd.Series:
    """What the price did in the five minutes after the newest large minute."""
    usd = f.long_usd + f.short_usd
    mean = usd.rolling(1440).sum() / (usd > 0).rolling(1440).sum()
    large = np.flatnonzero(usd >= 3 * mean)
    found = pd.Series(0.0, range(len(f)))
    for i in range(len(f)):
        seen = large[(large >= i - 60) & (large <= i - 5)]
        if len(seen):
            found[i] = f.log[seen[-1] + 5] - f.log[seen[-1]]
    return found


def test_every_column_agrees_with_pandas(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    oracle = expected(frame)
    assert list(oracle) == list(SET.columns)
    for name, column in oracle.items():
        scale = float(column[1500:].abs().mean())
        np.testing.assert_allclose(rows[name][1500:], column[1500:], rtol=1e-5, atol=1e-5 * scale, err_msg=name)


def test_large_liquidations_come_and_go(rows: pd.DataFrame) -> None:
    told = rows.post_liquidation_momentum[1500:]
    assert 0.05 < (told == 0).mean() < 0.95


def test_quiet_facts_give_neutral_values_not_garbage(history: History) -> None:
    still = dict(zip(SET.inputs, (np.full(BARS, 0.0) for _ in SET.inputs), strict=True)) | {"contracts": np.full(BARS, 1e4)}
    last = dict(zip(SET.columns, History(SET, history.candles, tuple(still.values())).rows()[-1], strict=True))
    trend = last.pop("sentiment_divergence")
    assert set(last.values()) == {0.0}
    r = np.diff(np.log(history.candles.close))[-1440:]
    assert trend == pytest.approx(-r.sum() / np.sqrt((r**2).sum()), rel=1e-5)


def test_one_sided_liquidations_keep_the_ratio_finite(history: History) -> None:
    known = dict(zip(SET.inputs, history.known, strict=True)) | {"short_usd": np.zeros(BARS)}
    last = dict(zip(SET.columns, History(SET, history.candles, tuple(known.values())).rows()[-1], strict=True))
    assert last["liquidation_imbalance"] == 1.0
    assert 0 < last["liquidation_ratio"] < np.log(1 + 1 / DUST)


def test_few_liquidations_are_never_called_large(history: History) -> None:
    known = dict(zip(SET.inputs, history.known, strict=True))
    for side in ("long_usd", "short_usd"):
        known[side] = np.where(np.arange(BARS) % 60 == 7, 1e6 * (1 + np.arange(BARS) // 60 % 5), 0.0)
    rows = History(SET, history.candles, tuple(known.values())).rows()
    assert set(rows[1499:, SET.columns.index("post_liquidation_momentum")]) == {0.0}
