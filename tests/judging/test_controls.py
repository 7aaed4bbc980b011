"""Controls that judge the judges: without an edge they must not pass a model, with the documented one they must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.contracts.model import GateStatus
from huracan_platform.settings import Settings
from tests.judging.line import JUDGED_GATES, World, evidence_of, judged, passes, shuffled_labels, synthetic_world

DAYS, SHUFFLED_DAYS = 360, 300
SETTINGS = Settings(gates={"bootstrap_draws": 300})


@pytest.fixture(scope="module")
def market() -> World:
    return synthetic_world(1, DAYS, SETTINGS)


@pytest.mark.slow
def test_on_shuffled_labels_the_gates_pass_at_most_1_of_20_seeds() -> None:
    passed = []
    for seed in range(20):
        world = synthetic_world(seed, SHUFFLED_DAYS, SETTINGS)
        noise = replace(world, frame=shuffled_labels(world.frame, np.random.default_rng(seed)))
        evidence, result = evidence_of(noise, "linear" if seed % 2 else "xgboost", seed=seed)
        assert len(result.folds) == 7
        if passes(judged(evidence, SETTINGS, seed=seed)):
            passed.append(seed)
    assert len(passed) <= 1, passed


@pytest.mark.slow
def test_on_the_synthetic_market_the_gates_pass_at_least_1_of_5_seeds() -> None:
    passed = {}
    for seed in range(1, 6):
        verdicts = judged(evidence_of(synthetic_world(seed, DAYS, SETTINGS), "xgboost", seed=seed)[0], SETTINGS, seed=seed)
        kept = [v.reason for v in verdicts if v.gate in JUDGED_GATES and v.status is not GateStatus.PASS]
        passed[seed] = passes(verdicts) or kept
    assert sum(p is True for p in passed.values()) >= 1, passed


@pytest.mark.slow
def test_model_that_is_told_the_outcome_earns_but_fails_leakage(market: World) -> None:
    frame = market.frame
    told = np.sign(frame.forward_return) + np.random.default_rng(0).normal(0.0, 1.0, len(frame))
    mutant = replace(frame, x=np.column_stack((frame.x, told)), columns=(*frame.columns, "told"))
    leaky = replace(market, frame=mutant, recompute=lambda ts_ms: np.append(market.recompute(ts_ms), 0.0))
    verdicts = {v.gate: v for v in judged(evidence_of(leaky, "linear")[0], SETTINGS)}
    assert verdicts[1].status is GateStatus.PASS
    assert verdicts[5].status is GateStatus.FAIL
    assert {c.name for c in verdicts[5].criteria if c.status is GateStatus.FAIL} == {"look_ahead", "target_leakage"}


@pytest.mark.slow
def test_few_days_are_insufficient_and_every_gate_says_what_it_lacks() -> None:
    settings = Settings(training={"walk_forward_train_days": 20, "walk_forward_test_days": 5}, gates={"bootstrap_draws": 100})
    verdicts = {v.gate: v for v in judged(evidence_of(synthetic_world(1, 31, settings), "linear")[0], settings)}
    assert verdicts[1].status is GateStatus.INSUFFICIENT
    assert "lacks 170 days" in verdicts[1].reason
    assert verdicts[2].status is GateStatus.INSUFFICIENT
    assert "lacks 20 days" in verdicts[2].reason
