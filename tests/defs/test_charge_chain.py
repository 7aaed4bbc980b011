"""Who has charge of a symbol, end to end: a worse version does not get it, a bad one loses it once, however the figures swing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg
import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.brain.operations.outbox import Outbox
from huracan_platform.clock import SystemClock, to_datetime
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.model import ModelCard, Stage
from huracan_platform.contracts.rollback import ActivationVerdict, RollbackKind
from huracan_platform.data.features.registry import feature_set
from huracan_platform.defs.execution.sensors import hand_off_authorised_models, rollback_models
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.operations.sensors import failed_checks
from huracan_platform.defs.resources import Platform
from huracan_platform.learning.dataset import load_frame
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.check_incidents import BY_PARTITION
from huracan_platform.settings import load_settings
from tests.defs.conftest import BTC, Launch
from tests.defs.daemon import Daemon
from tests.defs.drifting import SMALL, come_in, day
from tests.learning.frames import COST
from tests.learning.test_registry import judge
from tests.operations.versions import add_returns, commanded, names, put_in_charge
from tests.session.world import scripted_model
from tests.venue_process import running_venue

TRAINED, LIVE = 10, 13
SWING_HOUR = 24 * 30  # after every hour that a day came in for
IDLES, CHURNS = dict[str, float](), {"log_return_5": 4_000.0}  # never trades; in and out at nearly every decision
QUIET = {**SMALL, "HURACAN_TRAINING__TRAIN_FRACTION": "0.5", "HURACAN_TRAINING__VALIDATION_FRACTION": "0.2",
         "HURACAN_ROLLBACK__MIN_DAYS": "2", "HURACAN_ROLLBACK__MAX_DRAWDOWN": "0.9"}


@dataclass
class House:
    """The library after ten days, and a way to enter versions trained on them."""

    brain: Brain
    registry: Registry
    venue: str
    manifest: dict[str, object]
    url: str

    def version(self, weights: dict[str, float]) -> ModelCard:
        settings = load_settings()
        features = feature_set("core", "short_history", settings=settings.features)
        return self.registry.register(scripted_model(features, weights), self.manifest, SystemClock(), by="test")

    def in_charge(self, card: ModelCard) -> str:
        return names(self.registry, card, SystemClock())[-1]


@pytest.fixture
def house(brain: Brain, point_at: Callable) -> Iterator[House]:
    with running_venue(days=LIVE + 1, symbols=BTC) as url:
        point_at(url, BTC, **QUIET)
        come_in(brain, BTC, 1, TRAINED)
        platform, settings = Platform(), load_settings()
        market, store, registry = platform.market(), platform.feature_store(brain), platform.registry(brain)
        spec = DatasetSpec.of_days(market.venue, BTC, day(1), day(TRAINED), market.clock())
        frame = load_frame(brain, store, spec, settings.features, settings.labels, COST)
        trained = train_model(frame, "linear", settings)
        manifest = build_manifest(trained, frame, spec, settings, Provenance("0.1.0", None, None, None, {}))
        yield House(brain, registry, market.venue, manifest, url)


def make_champion(house: House, card: ModelCard) -> None:
    judge(house.brain, card.model_id, (1, 2, 3, 4, 5, 6, 7), at_ms=SystemClock().wire_ms())
    for stage in (Stage.SHADOW, Stage.CANARY, Stage.CHAMPION):
        assert house.registry.promote(card.model_id, stage, SystemClock(), by="test", reason="gates").promoted


def authorise(house: House, card: ModelCard) -> None:
    assert house.registry.authorise(card.model_id, "paper", 30, SystemClock(), by="test", reason="new").authorisation


@pytest.mark.slow
def test_a_worse_version_is_not_activated_and_one_that_is_no_worse_is(house: House, instance: dg.DagsterInstance) -> None:
    daemon, registry = Daemon(instance), house.registry
    idler, churner, equal = house.version(IDLES), house.version(CHURNS), house.version({"rsi_14": 1e-9})
    authorise(house, idler)
    assert daemon.tick(hand_off_authorised_models)[0].startswith(f"{idler.model_id} activated: no version was in charge")
    make_champion(house, idler)
    commanded(house.brain)

    authorise(house, churner)
    told, _ = daemon.tick(hand_off_authorised_models)
    assert told.startswith(f"{churner.model_id} refused: against {idler.model_id}: -")
    refused, = ActivationRepository(house.brain).of_model(churner.model_id)
    assert refused.verdict is ActivationVerdict.REFUSED
    assert refused.figures["mean_difference"] < 0.0
    assert refused.figures["days"] >= 2
    assert house.in_charge(idler) == idler.model_id
    produces = registry.in_production(house.venue, BTC, SystemClock().wire_ms())
    assert produces is not None
    assert (produces.model_id, produces.stage) == (idler.model_id, Stage.CHAMPION)
    assert commanded(house.brain) == [], "the executor hears nothing of it"
    incident, = IncidentRepository(house.brain).open("activation|")
    assert (incident.occurrences, incident.incident.observed) == (1, refused.reason)
    assert daemon.tick(hand_off_authorised_models)[0] == "no new authorisation"

    authorise(house, equal)
    told, _ = daemon.tick(hand_off_authorised_models)
    assert told.startswith(f"{equal.model_id} activated: against {idler.model_id}: +0.00 bp")
    assert (house.in_charge(idler), commanded(house.brain)) == (equal.model_id, [equal.model_id])
    put_in_charge(registry, churner, SystemClock())
    better = house.version({"rsi_14": 2e-9})
    authorise(house, better)
    assert daemon.tick(hand_off_authorised_models)[0].startswith(f"{better.model_id} activated: against {churner.model_id}: +")
    assert house.in_charge(idler) == better.model_id


@pytest.mark.slow
def test_a_champion_that_turns_bad_in_shadow_is_rolled_back_once_while_the_figures_swing(
    house: House, instance: dg.DagsterInstance, launch: Launch, point_at: Callable
) -> None:
    brain, daemon, rollbacks = house.brain, Daemon(instance), RollbackRepository(house.brain)
    oldest, idler, churner = house.version({"rsi_14": 1e-9}), house.version(IDLES), house.version(CHURNS)
    for card in (oldest, idler, churner):
        make_champion(house, card)
        put_in_charge(house.registry, card, SystemClock())
    commanded(brain)
    daemon.tick(failed_checks)

    days = 0
    while not rollbacks.logs():  # a day comes in, is followed, is looked at
        days += 1
        come_in(brain, BTC, TRAINED + days, TRAINED + days)
        run = launch("shadow_job", symbol_key(BTC))
        assert run.success, run.errors
        assert run.metadata["shadow_returns"]["dagster/row_count"] == 3 * (24 - (days == 1))
        daemon.tick(rollback_models)
    log, = rollbacks.logs()
    assert (log.from_model, log.to_model, log.kind) == (churner.model_id, idler.model_id, RollbackKind.SEQUENTIAL)
    assert log.figures["e_value"] >= log.figures["needed"] == pytest.approx(20.0)
    assert log.figures["hours"] == 24 * days - 1
    assert commanded(brain) == [idler.model_id]
    produces = house.registry.in_production(house.venue, BTC, SystemClock().wire_ms())
    assert produces is not None
    assert produces.model_id == idler.model_id
    told, = IncidentRepository(brain).open("rollback|")
    assert "open positions keep the barriers" in told.incident.trading_effect

    swing(house, daemon, instance, idler, oldest)
    assert len(rollbacks.logs()) == 1, "the cool-down"
    assert house.in_charge(idler) == idler.model_id
    alert, = IncidentRepository(brain).open("check|model_drift")
    assert alert.incident.partition == symbol_key(BTC)
    messages = Outbox(brain).pending("slack", ("warning", "critical"), to_datetime(SystemClock().wire_ms()), 1_000)
    assert [m.kind for m in messages if m.incident.asset == "model_drift"] == ["opened"], "500 alarms are one message"

    point_at(house.url, BTC, **QUIET, HURACAN_ROLLBACK__COOL_DOWN_H="0")
    add_returns(brain, idler.model_id, np.array([-0.01]), SWING_HOUR + 501)
    assert "gave way" in daemon.tick(rollback_models)[0], "it was the cool-down that held"
    assert [r.from_model for r in rollbacks.logs()] == [idler.model_id, churner.model_id]


def swing(house: House, daemon: Daemon, instance: dg.DagsterInstance, in_charge: ModelCard, before: ModelCard) -> None:
    """Five hundred alarms at once: drift that is critical and is not, returns that fall and rise, a check that swings too."""
    drift, now = DriftRepository(house.brain), SystemClock().wire_ms()
    for i in range(501):
        bad = i % 2 == 0
        level = DriftLevel.CRITICAL if bad else DriftLevel.NONE
        drift.save(in_charge.model_id, [measured(0.5, level)], now, now, now + i)
        drift.save(before.model_id, [measured(0.0, DriftLevel.NONE)], now, now, now + i)
        add_returns(house.brain, in_charge.model_id, np.array([-0.02 if bad else 0.02]), SWING_HOUR + i)
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("model_drift"), check_name="no_critical_drift", passed=not bad,
            severity=dg.AssetCheckSeverity.WARN, metadata={BY_PARTITION: {symbol_key(BTC): "atr_14" if bad else ""}},
        ))
        if i % 50 == 0:
            daemon.tick(rollback_models)
            daemon.tick(failed_checks)


def measured(psi: float, level: DriftLevel) -> ColumnDrift:
    return ColumnDrift("atr_14", psi, 0.2, 0.3, 0.0, 2_000, 700.0, level)
