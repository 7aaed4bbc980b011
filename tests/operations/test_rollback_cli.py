"""What a person types: to put a version in charge all the same, and to go back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import ActivationRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.cli import models, rollback
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.rollback import ActivationVerdict
from huracan_platform.errors import PermanentError
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.learning.test_registry import SYMBOL, registered
from tests.operations.versions import commanded, names
from tests.venue_process import running_venue

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """The venue whose name the versions were registered under."""
    with running_venue(days=1, symbols=SYMBOL, seed=7) as url:
        yield url


@pytest.fixture
def huracan(settings: Settings, monkeypatch: pytest.MonkeyPatch, venue: str) -> Invoke:
    assert settings.database.dsn is not None
    values = {
        "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": settings.database.dsn.get_secret_value(),
        "HURACAN_VENUE__URL": venue, "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_SYMBOLS": SYMBOL, "COLUMNS": "300",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    app = typer.Typer()
    models.register(app)
    rollback.register(app)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_a_version_is_put_in_charge_despite_the_comparison_and_a_person_goes_back(
    brain: Brain, settings: Settings, huracan: Invoke
) -> None:
    registry, clock = Registry(brain, str(settings.home / "artefacts")), SystemClock()
    old, new = registered(registry, clock), registered(registry, clock, seed=1)
    assert "no version was in charge" in huracan("authorise", old.model_id, "--by", "ada").output
    refused = huracan("authorise", new.model_id, "--by", "ada")
    assert (refused.exit_code, "not put in charge: cannot be compared" in refused.output) == (1, True)
    assert registry.authorisation(new.model_id, "paper", clock.wire_ms()).reason.endswith("has no authorisation for paper")
    assert len(IncidentRepository(brain).open("activation|")) == 1
    shadowed = huracan("authorise", new.model_id, "--by", "ada", "--gateway", "shadow")
    assert shadowed.exit_code == 0, "no session trades through it"

    despite = huracan("authorise", new.model_id, "--by", "ada", "--despite", "the fees changed", "--json")
    assert json.loads(despite.output)["activation"]["verdict"] == "overridden"
    first = ActivationRepository(brain).of_model(new.model_id)[0]
    assert (first.verdict, first.decided_by) == (ActivationVerdict.OVERRIDDEN, "ada")
    assert first.reason.endswith("despite this: the fees changed")
    assert names(registry, old, clock) == [old.model_id, new.model_id]

    back = huracan("rollback", "--symbol", SYMBOL, "--to-version", old.model_id, "--reason", "it was not", "--by", "ada")
    assert (back.exit_code, f"{new.model_id} gave way to {old.model_id} (operator)" in back.output) == (0, True), back.output
    assert commanded(brain) == [old.model_id, new.model_id, old.model_id]
    third = registered(registry, clock, seed=2)
    assert huracan("rollback", "--symbol", SYMBOL, "--to-version", third.model_id, "--reason", "x", "--by", "ada").exit_code == 1


def test_a_rollback_needs_a_version_a_reason_and_a_name_and_a_rehearsal_a_predecessor(huracan: Invoke) -> None:
    for arguments, message in (
        (("--to-version", "x", "--by", "ada"), "expected --to-version, --reason and --by, or --rehearse"),
        (("--rehearse",), "expected a version before the one in charge"),
    ):
        failed = huracan("rollback", "--symbol", SYMBOL, *arguments)
        assert isinstance(failed.exception, PermanentError)
        assert message in str(failed.exception)
