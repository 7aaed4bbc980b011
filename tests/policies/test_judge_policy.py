"""A policy from a registered model in the library: trained, compared, stored, shown; at the model's own pin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from huracan_platform.brain.connection import Brain
from huracan_platform.cli.policies import register
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.judging.evaluation.policies import TRAINED
from huracan_platform.judging.judge_policy import base_version, held_out, train_and_judge
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.policies.registry import PolicyRegistry
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import FeatureSettings, LabelSettings, RiskPolicySettings, Settings, TrainingSettings
from tests.learning.frames import SYMBOL
from tests.learning.library import VENUE, make_world
from tests.policies.world import market, replay_of

pytestmark = pytest.mark.slow

SETTINGS = Settings(
    features=FeatureSettings(profile="short_history"), labels=LabelSettings(sample_every_min=5),
    risk_policy=RiskPolicySettings(seeds=3, episode_days=1),
    training=TrainingSettings(walk_forward_train_days=5, walk_forward_test_days=2),
)


def test_a_policy_comes_with_its_manifest_and_a_verdict_on_held_out_days(
    brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    world = make_world(brain, str(home / "artefacts"), SETTINGS)
    model = world.train("linear")
    registry, policies = Registry(brain, world.root), PolicyRegistry(brain, world.root)
    assert base_version(registry, VENUE, SYMBOL, SETTINGS) == model
    assert base_version(registry, VENUE, "ETH/USDT:USDT", SETTINGS) is None
    provenance = Provenance("0.1.0", None, None, None, {})
    judged, again = (
        train_and_judge(brain, world.store, policies, model, SETTINGS, world.clock, provenance, timesteps=2_048) for _ in range(2)
    )
    assert again.card == judged.card, "the same data and seeds give the same policy"
    assert again.verdict == judged.verdict
    card, rows = judged.card, judged.card.manifest["rows"]
    assert (card.model_id, card.dataset_hash, card.manifest["timesteps"]) == (model.model_id, model.dataset_hash, 2_048)
    assert rows["held_out"]["first_ms"] - rows["training"]["last_ms"] > SETTINGS.training.embargo_min * 60_000
    assert card.manifest["seeds"] == [7, 8, 9]
    assert {c.name for c in judged.verdict.contenders} == {TRAINED, "fixed", "fallback", "flat"}
    assert judged.verdict.winner == judged.verdict.contenders[0].name
    assert "held-out days, at least 30 needed" in judged.verdict.reason
    assert policies.verdict(card.policy_id) == judged.verdict
    assert np.isfinite(judged.equity[TRAINED].equity).all()

    monkeypatch.setenv("HURACAN_HOME", str(home))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", brain.dsn)
    monkeypatch.setenv("COLUMNS", "300")
    app = typer.Typer()
    register(app)
    shown = CliRunner().invoke(app, ["policies", "--json"])
    assert [p["policy_id"] for p in json.loads(shown.output)["policies"]] == [card.policy_id]
    one = CliRunner().invoke(app, ["policy", "show", card.policy_id])
    assert (one.exit_code, "not approved" in one.output, model.model_id in one.output) == (0, True, True)
    assert isinstance(CliRunner().invoke(app, ["policy", "show", "x"]).exception, PermanentError)


def test_the_older_part_ends_an_embargo_before_the_held_out_one() -> None:
    data = replay_of(market(6, 41))
    older, newer = held_out(data, 0.30, 60)
    assert len(newer) == round(0.3 * len(data))
    assert newer.ts_ms[0] - older.ts_ms[-1] == 75 * 60_000
    with pytest.raises(DataContractError, match="expected at least 96 rows"):
        held_out(data.rows(0, 200), 0.30, 60)
