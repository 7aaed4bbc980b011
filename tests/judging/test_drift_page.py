"""The page that evidently draws of a drift, with our figures, its own in the same bins, and which pages are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.judging.drift_pages import DriftPages
from huracan_platform.judging.evaluation.drift import DriftThresholds, measure_drift, psi, quantile_edges
from huracan_platform.judging.evaluation.drift_page import drift_page
from huracan_platform.learning.registry import Registry
from tests.learning.test_registry import WIRE, registered

RNG = np.random.default_rng(4)
REFERENCE, CURRENT = RNG.normal(size=12_000), RNG.normal(0.5, 1.3, 11_000)


def by_evidently(reference: np.ndarray, current: np.ndarray, method: str) -> float:
    """evidently's own figure of one numerical column."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    definition = DataDefinition(numerical_columns=["x"])
    sides = [Dataset.from_pandas(pd.DataFrame({"x": x}), data_definition=definition) for x in (current, reference)]
    return float(Report([ValueDrift(column="x", method=method)]).run(*sides).dict()["metrics"][0]["value"])


@pytest.mark.slow
def test_evidently_finds_the_same_psi_in_the_same_bins_and_the_same_ks() -> None:
    edges = quantile_edges(REFERENCE)
    binned = [np.searchsorted(edges, x, side="left").astype(np.float64) for x in (REFERENCE, CURRENT)]
    assert by_evidently(*binned, "psi") == pytest.approx(psi(REFERENCE, CURRENT), rel=1e-9)
    assert psi(REFERENCE, CURRENT) > 0.1
    close = REFERENCE[:11_000] + 0.02
    ours = ks_2samp(REFERENCE, close, method="asymp").pvalue
    assert by_evidently(REFERENCE, close, "ks") == pytest.approx(float(ours), rel=1e-6)


@pytest.mark.slow
def test_evidentlys_own_bins_follow_the_outermost_row_and_ours_do_not() -> None:
    outlier = np.append(CURRENT, 1_000.0)
    assert psi(REFERENCE, outlier) == pytest.approx(psi(REFERENCE, CURRENT), rel=0.01)
    assert by_evidently(REFERENCE, outlier, "psi") < 0.1 * by_evidently(REFERENCE, CURRENT, "psi")


@pytest.mark.slow
def test_the_page_names_every_column_with_our_figure_and_level_worst_first() -> None:
    reference, current = np.column_stack([REFERENCE, REFERENCE]), np.column_stack([REFERENCE[:11_000], CURRENT])
    before, now = REFERENCE[:6_000], np.repeat(CURRENT[:11], 1_000)
    found = measure_drift(
        ("calm", "moved"), reference, current, DriftThresholds(0.1, 0.2, 500, 50, 96, 4), np.random.default_rng(0),
        reference_prediction=before, prediction=now,
    )
    page = drift_page(("calm", "moved"), reference, current, found, reference_prediction=before, prediction=now)
    assert "Drift score: " + str(round(psi(REFERENCE, CURRENT), 3)) in page
    moved, calm, prediction = (
        page.index(text) for text in ("moved, critical, critical above", "calm, none,", "prediction, too few independent rows")
    )
    assert moved < calm < prediction


@pytest.fixture
def card(brain: Brain, tmp_path: Path) -> ModelCard:
    return registered(Registry(brain, str(tmp_path)), ManualClock(WIRE))


def drawing(drawn: list[int]) -> Callable[[], str]:
    def draw() -> str:
        drawn.append(len(drawn))
        return f"page {len(drawn)}"

    return draw


def test_a_page_is_kept_once_a_week_and_whenever_other_columns_are_critical(
    brain: Brain, tmp_path: Path, card: ModelCard
) -> None:
    drawn: list[int] = []
    pages, draw, name = DriftPages(brain, str(tmp_path), 7.0), drawing(drawn), card.model_id
    first = pages.keep(name, [], WIRE, draw)
    assert Path(first).read_text() == "page 1"
    assert pages.keep(name, [], WIRE + 7 * DAY_MS - 1, draw) == first
    moved = pages.keep(name, ["a", "b"], WIRE + 1_000, draw)
    assert (Path(moved).read_text(), len(drawn)) == ("page 2", 2)
    assert pages.keep(name, ["b", "a"], WIRE + DAY_MS, draw) == moved
    assert Path(pages.keep(name, ["a", "b"], WIRE + 8 * DAY_MS, draw)).read_text() == "page 3"
    assert Path(first).read_text() == "page 1", "pages are kept"
