"""Versions and verdicts in the library, and which policy a symbol may use."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.fills import FillRepository
from huracan_platform.brain.learning.policies import PolicyRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.policy import Contender, PolicyVerdict
from huracan_platform.errors import PermanentError
from huracan_platform.execution.policy_desk import PolicyDesk
from huracan_platform.learning.policies.actor import ActorPolicy
from huracan_platform.learning.policies.registry import FALLBACK, PolicyRegistry
from huracan_platform.learning.policies.rules import FallbackPolicy
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import RiskPolicySettings, Settings
from tests.learning.test_registry import MARKET, WIRE, trained
from tests.policies.test_actor import actor

SETTINGS = RiskPolicySettings(enabled=True)
CONTENDERS = (Contender("trained", 0.2, 0.3, 0.1, 9, (0.1, 0.2, 0.3)), Contender("flat", 0.0, 0.0, 0.0, 0, (), (0.1, 0.4)))


@pytest.fixture
def model(brain: Brain, tmp_path: Path) -> ModelCard:
    fitted, manifest = trained()
    return Registry(brain, str(tmp_path)).register(fitted.fitted, manifest, ManualClock(WIRE, MARKET), by="test")


@pytest.fixture
def registry(brain: Brain, tmp_path: Path) -> PolicyRegistry:
    return PolicyRegistry(brain, str(tmp_path))


def verdict(policy_id: str, approved: bool) -> PolicyVerdict:
    return PolicyVerdict(policy_id, approved, "trained", "because", 81, CONTENDERS, WIRE)


def test_versions_count_up_and_the_same_policy_is_one_version(registry: PolicyRegistry, model: ModelCard) -> None:
    clock = ManualClock(WIRE, MARKET)
    first = registry.register(actor(1), {"timesteps": 5}, model, clock)
    second = registry.register(actor(2), {}, model, clock)
    assert [first.version, second.version] == [1, 2]
    assert first.policy_id == f"btc-risk-v1-{first.artefact_hash[:8]}"
    assert registry.register(actor(1), {}, model, clock) == first == registry.card(first.policy_id)
    assert registry.cards(symbol=model.symbol) == [first, second]
    assert registry.cards(symbol="ETH/USDT:USDT") == []
    assert (first.model_id, first.manifest) == (model.model_id, {"timesteps": 5})


def test_a_loaded_policy_is_the_registered_one(registry: PolicyRegistry, model: ModelCard) -> None:
    card = registry.register(actor(3), {}, model, ManualClock(WIRE, MARKET))
    assert registry.load(card.policy_id).artefact_hash == actor(3).artefact_hash
    with pytest.raises(PermanentError, match="expected a registered id"):
        registry.load("btc-risk-v9-00000000")


def test_the_newest_verdict_counts_and_comes_back_as_it_was_given(registry: PolicyRegistry, model: ModelCard) -> None:
    card = registry.register(actor(4), {}, model, ManualClock(WIRE, MARKET))
    assert registry.verdict(card.policy_id) is None
    registry.record(verdict(card.policy_id, True))
    assert registry.verdict(card.policy_id) == verdict(card.policy_id, True)
    registry.record(verdict(card.policy_id, False))
    assert registry.verdict(card.policy_id) == verdict(card.policy_id, False)


def test_without_an_approved_policy_the_rules_stand_in(registry: PolicyRegistry, model: ModelCard) -> None:
    card = registry.register(actor(5), {}, model, ManualClock(WIRE, MARKET))
    rules = (FALLBACK, FallbackPolicy(SETTINGS.max_leverage, SETTINGS.stop_loss))
    assert registry.policy_for(model.venue, model.symbol, SETTINGS) == rules
    registry.record(verdict(card.policy_id, False))
    assert registry.policy_for(model.venue, model.symbol, SETTINGS) == rules
    registry.record(verdict(card.policy_id, True))
    name, policy = registry.policy_for(model.venue, model.symbol, SETTINGS)
    assert (name, isinstance(policy, ActorPolicy)) == (card.policy_id, True)
    assert registry.policy_for("elsewhere", model.symbol, SETTINGS) == rules


def test_the_newest_approved_version_is_used_unless_the_settings_name_one(registry: PolicyRegistry, model: ModelCard) -> None:
    cards = [registry.register(actor(seed), {}, model, ManualClock(WIRE, MARKET)) for seed in (6, 7, 8)]
    for card, approved in zip(cards, (True, True, False), strict=True):
        registry.record(verdict(card.policy_id, approved))

    def used(version: str | None) -> str:
        return registry.policy_for(model.venue, model.symbol, SETTINGS.model_copy(update={"version": version}))[0]

    assert used(None) == cards[1].policy_id
    assert used(cards[0].policy_id) == cards[0].policy_id
    assert used(cards[2].policy_id) == FALLBACK


def test_a_session_hears_of_a_verdict_and_of_one_that_takes_it_back(
    registry: PolicyRegistry, model: ModelCard, brain: Brain
) -> None:
    card = registry.register(actor(10), {}, model, ManualClock(WIRE, MARKET))
    policies = {model.symbol: registry.policy_for(model.venue, model.symbol, SETTINGS)}
    settings = Settings(risk_policy={"enabled": True})
    desk = PolicyDesk(settings, policies, FillRepository(brain, model.venue, "account"), registry, model.venue, 1.0)
    told = []
    for approved in (True, False, True):
        registry.record(verdict(card.policy_id, approved))
        told.append(desk.appoint(card.policy_id))
    assert told == [card.policy_id, FALLBACK, card.policy_id]
    assert policies[model.symbol][0] == card.policy_id
    assert [p for _, p in PolicyRepository(brain).verdicts_since(0)] == [card.policy_id] * 3


@pytest.mark.parametrize(
    "statement", ["UPDATE policies SET version = 9", "DELETE FROM policy_verdicts", "TRUNCATE policy_verdicts"]
)
def test_the_database_refuses_to_change_a_row(
    registry: PolicyRegistry, model: ModelCard, brain: Brain, statement: str
) -> None:
    card = registry.register(actor(9), {}, model, ManualClock(WIRE, MARKET))
    registry.record(verdict(card.policy_id, True))
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), brain.connect() as connection:
        connection.execute(statement)
