"""One registered version judged from the library: at its own pin, by its own recipe, and counted as a trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.learning.trials import TrialLog
from huracan_platform.brain.learning.verdicts import VerdictRepository, verdict_json
from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.model import GateStatus, ModelCard
from huracan_platform.errors import DataContractError
from huracan_platform.judging.judge_model import Judged, judge_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import FeatureSettings, LabelSettings, Settings, TrainingSettings
from tests.learning.frames import START_MS, SYMBOL
from tests.learning.library import VENUE, World, make_world, store_candles

pytestmark = pytest.mark.slow

SETTINGS = Settings(
    features=FeatureSettings(profile="short_history"), labels=LabelSettings(sample_every_min=5),
    training=TrainingSettings(walk_forward_train_days=8, walk_forward_test_days=2),
)


@pytest.fixture
def world(brain: Brain, tmp_path: Path) -> World:
    return make_world(brain, str(tmp_path / "artefacts"), SETTINGS)


@pytest.fixture
def card(world: World) -> ModelCard:
    return world.train("linear")


def judge(world: World, card: ModelCard, settings: Settings = SETTINGS) -> Judged:
    world.clock.advance(1000)
    return judge_model(world.brain, world.store, Registry(world.brain, world.root), card, settings, world.clock)


def test_a_late_revision_of_candles_or_funding_changes_nothing_of_an_old_verdict(world: World, card: ModelCard) -> None:
    before = judge(world, card)
    later_ms = world.clock.wire_ms() + 60_000
    store_candles(world.brain, slice(14_400, 17_280), 9.0, later_ms)
    settled = np.arange(START_MS, START_MS + 12 * 24 * HOUR_MS, 8 * HOUR_MS)
    FundingRepository(world.brain).upsert(VENUE, pa.table({
        "symbol": [SYMBOL] * len(settled), "ts_ms": settled, "rate": np.full(len(settled), 0.01),
        "interval_h": np.full(len(settled), 8.0), "known_at_ms": settled + 5000,
    }), later_ms, revision_known_at_ms=START_MS)
    world.clock.advance(120_000)
    after = judge(world, card)
    assert before.evidence.account is not None
    assert after.evidence.account is not None
    assert len(before.evidence.account.trades) > 0
    assert after.evidence.account.trades.tobytes() == before.evidence.account.trades.tobytes()
    told = [[{**verdict_json(v), "judged_at": None} for v in judged.verdicts] for judged in (before, after)]
    assert told[0] == told[1]
    assert len(VerdictRepository(world.brain).history(card.model_id)) == 14


def test_leakage_looked_at_features_computed_again_from_the_library(world: World, card: ModelCard) -> None:
    found = {finding.check: finding for finding in judge(world, card).evidence.leakage}
    assert (found["look_ahead"].found, found["look_ahead"].examined) == (0, 5)
    assert judge(world, card).verdicts[4].status is GateStatus.PASS


def test_a_version_is_judged_by_its_own_training_settings(world: World, card: ModelCard) -> None:
    other = SETTINGS.model_copy(update={"training": TrainingSettings(walk_forward_train_days=5, walk_forward_test_days=1)})
    folds = [[f.split.test.tolist() for f in judge(world, card, s).walk_forward.folds] for s in (SETTINGS, other)]
    assert folds[0] == folds[1] != []
    assert TrialLog(world.brain).count() == 1


def test_judging_adds_the_sharpe_ratio_to_the_trial_of_the_training(world: World, card: ModelCard) -> None:
    judge(world, card)
    with world.brain.connect() as connection:
        (row,) = connection.execute("SELECT daily_sharpe, days FROM trials").fetchall()
    assert np.isfinite(row[0])
    assert row[1] == 2


def test_a_data_set_that_changed_behind_the_library_is_refused(world: World, card: ModelCard) -> None:
    with world.brain.connect() as connection:
        connection.execute("UPDATE candles SET close = high WHERE ts > to_timestamp(%s)", ((START_MS + 250 * HOUR_MS) / 1000,))
    with pytest.raises(DataContractError, match=f"data set of {card.model_id}: expected"):
        judge(world, card)
