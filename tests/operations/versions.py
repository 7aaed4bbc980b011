"""Versions that stand for a symbol, and what they earned, for tests of who is in charge."""

from __future__ import annotations

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.sessions import CommandRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.clock import HOUR_MS, Clock, ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.rollback import Activation, ActivationVerdict, ShadowReturns
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.roll_back import RollbackDesk
from tests.learning.frames import START_MS
from tests.learning.test_registry import SYMBOL, VENUE, registered


def put_in_charge(registry: Registry, card: ModelCard, clock: Clock, days: int = 30) -> None:
    """Authorise for paper and activate, unasked."""
    in_charge = Activation(card.model_id, None, "paper", ActivationVerdict.ACTIVATED, "test", "test", clock.wire_ms())
    grant = registry.authorise(card.model_id, "paper", days, clock, by="test", reason="test", activation=in_charge)
    assert grant.authorisation is not None


def followed(model_id: str, net: np.ndarray, first_hour: int = 0) -> ShadowReturns:
    """Hourly returns from an hour on."""
    return ShadowReturns(model_id, START_MS + HOUR_MS * np.arange(first_hour, first_hour + len(net), dtype=np.int64), net)


def add_returns(brain: Brain, model_id: str, net: np.ndarray, first_hour: int = 0) -> int:
    """Store them."""
    return ShadowReturnRepository(brain).add(followed(model_id, net, first_hour), START_MS)


def names(registry: Registry, card: ModelCard, clock: Clock) -> list[str]:
    """Who stands for the card's symbol; the last is in charge."""
    return [g.model_id for g in registry.standing(card.venue, card.symbol, "paper", clock.wire_ms())]


def commanded(brain: Brain) -> list[str]:
    """Take the open commands, as a session does; the models they name."""
    commands = CommandRepository(brain)
    found = commands.claim(1)
    for command in found:
        commands.applied(command.command_id, "test")
    return [command.payload["model_id"] for command in found]


def stand(brain: Brain, registry: Registry, clock: ManualClock, count: int) -> tuple[ModelCard, ...]:
    """So many versions, put in charge one after the other, an hour apart."""
    cards = []
    for seed in range(1, count + 1):
        cards.append(registered(registry, clock, seed=seed))
        put_in_charge(registry, cards[-1], clock)
        clock.advance(HOUR_MS)
    commanded(brain)
    return tuple(cards)


def follow(desk: RollbackDesk, clock: ManualClock) -> bool:
    """Whether the rule rolls the symbol back now."""
    return desk.follow_rule(VENUE, SYMBOL, clock.wire_ms(), by="rule").done


def state(brain: Brain) -> tuple[object, ...]:
    """Everything that a rollback changes."""
    with brain.connect() as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("model_authorisations", "authorisation_withdrawals", "activations", "model_stages", "session_commands",
                          "rollback_logs", "incidents", "outbox")
        )
