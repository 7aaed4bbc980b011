from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from huracan_platform.cli.models import register
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.errors import PermanentError
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.learning.test_registry import MARKET, WIRE, trained

Invoke = Callable[..., Result]


@pytest.fixture
def card(settings: Settings) -> ModelCard:
    from huracan_platform.brain.connection import Brain

    assert settings.database.dsn is not None
    registry = Registry(Brain(settings.database.dsn.get_secret_value()), str(settings.home / "artefacts"))
    model, manifest = trained()
    return registry.register(model.fitted, manifest, ManualClock(WIRE, MARKET), by="test")


@pytest.fixture
def huracan(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    assert settings.database.dsn is not None
    monkeypatch.setenv("HURACAN_HOME", str(settings.home))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", settings.database.dsn.get_secret_value())
    monkeypatch.setenv("COLUMNS", "300")
    app = typer.Typer()
    register(app)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_models_lists_versions_and_the_state_of_the_chain(huracan: Invoke, card: ModelCard) -> None:
    listed = parsed(huracan("models", "--json"))
    assert [m["model_id"] for m in listed["models"]] == [card.model_id]
    assert listed["chain"]["broken_at"] is None
    assert card.model_id in huracan("models").output
    assert parsed(huracan("models", "--symbol", "ETH/USDT:USDT", "--json"))["models"] == []


def test_model_show_prints_manifest_history_and_metrics(huracan: Invoke, card: ModelCard) -> None:
    shown = parsed(huracan("model", "show", card.model_id, "--json"))
    assert shown["manifest"]["artefact"]["hash"] == card.artefact_hash
    assert shown["history"][0]["to_stage"] == "candidate"
    assert shown["metrics"]
    assert card.artefact_hash in huracan("model", "show", card.model_id).output


def test_authorise_grants_paper_and_refuses_live_with_an_exit_code(huracan: Invoke, card: ModelCard) -> None:
    granted = parsed(huracan("authorise", card.model_id, "--gateway", "paper", "--days", "3", "--by", "me", "--json"))
    assert granted["authorisation"]["unproven"]
    refused = huracan("authorise", card.model_id, "--gateway", "live", "--by", "me")
    assert (refused.exit_code, "needs stage champion" in refused.output) == (1, True)
    assert huracan("authorise", card.model_id).exit_code == 2, "who grants it must be said"


def test_an_unknown_model_is_a_clear_error(huracan: Invoke, card: ModelCard) -> None:
    failed = huracan("model", "show", "btc-linear-v9-00000000")
    assert isinstance(failed.exception, PermanentError)
    assert "expected a registered id" in str(failed.exception)
