"""Secrets are planted in every setting that holds one; whatever fails then, they stand in no table, log, event or answer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.brain.roles import WRITERS
from huracan_platform.definitions import defs
from huracan_platform.defs.operations.sensors import failed_runs
from huracan_platform.defs.resources import Platform
from huracan_platform.logs import configure_logs, get_logger
from huracan_platform.settings import load_settings
from tests.defs.conftest import BTC
from tests.fakes.slack_server import slack_server
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
SECRETS = {
    "HURACAN_VENUE__API_KEY": "planted-api-key-3f1c", "HURACAN_VENUE__API_SECRET": "planted-api-secret-77aa",
    "HURACAN_BROADCAST__SLACK_TOKEN": "xoxb-planted-token-90d2",
}
WEBHOOK = "planted-webhook-51be"
DAGSTER_PASSWORD = "planted-dagster-password-c0de"


@pytest.fixture
def secrets(brain: Brain, point_at: Callable[..., None]) -> list[str]:
    """Everything that must not be seen; the settings hold it, the password of the test's own server among it."""
    point_at(
        NOWHERE, **SECRETS, HURACAN_BROADCAST__SLACK_WEBHOOK_URL=f"{NOWHERE}/services/{WEBHOOK}", HURACAN_LOG_LEVEL="DEBUG",
        HURACAN_DATABASE__DAGSTER_DSN=f"postgresql://d:{DAGSTER_PASSWORD}@127.0.0.1:1/dagster", HURACAN_QUALITY__FETCH_TRIES="1",
    )
    password = urlsplit(brain.dsn).password
    assert password
    return [*SECRETS.values(), WEBHOOK, DAGSTER_PASSWORD, password]


def huracan(*words: str, **environment: str) -> str:
    """All that a command says."""
    command = [sys.executable, "-m", "huracan_platform.cli.main", *words]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def stored(brain: Brain) -> str:
    """Every row of every table as text."""
    with brain.connect() as connection:
        return "\n".join(
            row[0] for table in WRITERS
            for row in connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
        )


def seen(secrets: list[str], text: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


def refusals(brain: Brain) -> dict[str, str]:
    """Why each channel did not take its message."""
    with brain.connect() as connection:
        return dict(connection.execute("SELECT channel, error FROM deliveries WHERE error IS NOT NULL").fetchall())


def failing_run(instance: dg.DagsterInstance, job: dg.JobDefinition, tags: dict[str, str] | None = None) -> None:
    """Run it, and let the sensor make an incident of its failure."""
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    assert not result.success
    failed_runs(dg.build_run_status_sensor_context(
        sensor_name="failed_runs", dagster_instance=instance, dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(), resources={"platform": Platform()},
    ).for_run_failure())


def events(instance: dg.DagsterInstance) -> str:
    return "\n".join(str(e) for run in instance.get_run_ids() for e in instance.all_logs(run))


def test_a_failed_run_and_its_incident_hold_no_secret(
    brain: Brain, instance: dg.DagsterInstance, secrets: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    failing_run(instance, defs.resolve_job_def("instruments_job"))

    @dg.op
    def log_in() -> None:
        with suppress(psycopg.OperationalError):
            raise psycopg.OperationalError(load_settings().database.dsn)
        with Brain(brain.dsn.replace(urlsplit(brain.dsn).username or "", "nobody_known")).connect():
            pass

    @dg.job
    def refused() -> None:
        log_in()

    failing_run(instance, refused)
    assert len(IncidentRepository(brain).open()) == 2
    said = capfd.readouterr()
    assert seen(secrets, stored(brain)) == []
    assert seen(secrets, events(instance)) == []
    assert seen(secrets, said.out + said.err) == []


def test_a_message_that_no_channel_takes_holds_no_secret(
    brain: Brain, instance: dg.DagsterInstance, secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_run(instance, defs.resolve_job_def("instruments_job"))
    said = ""
    with slack_server() as slack:  # knows another token: every message is refused, and the webhook is nowhere
        monkeypatch.setenv("HURACAN_BROADCAST__SLACK_API_URL", f"{slack.url}/api/")
        monkeypatch.setenv("HURACAN_BROADCAST__FALLBACK_AFTER_S", "0.001")
        for _ in range(20):  # what has just happened waits some seconds
            said += huracan("broadcast", "--once")
            if len(refusals(brain)) == 2:
                break
    said += huracan("incidents", "--all", "--json") + huracan("status", "--json")
    assert "instruments_job failed" in said
    assert refusals(brain).keys() == {"slack", "slack_webhook"}
    assert seen(secrets, said) == []
    assert seen(secrets, stored(brain)) == []


def test_an_executor_whose_keys_are_refused_tells_no_secret(
    brain: Brain, secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as usual:
        for name in SECRETS:
            usual.delenv(name)
        venue = running_venue(symbols=BTC)
        url = venue.__enter__()
    try:
        said = huracan("live", HURACAN_VENUE__URL=url)
    finally:
        venue.__exit__(None, None, None)
    assert "API-key" in said
    assert seen(secrets, said) == []
    assert seen(secrets, stored(brain)) == []


@pytest.mark.parametrize("words", [
    ("db", "status", "--json"), ("db", "migrate", "--json"), ("status", "--json"), ("models", "--json"), ("fills", "--json"),
    ("decisions", "--json"), ("positions", "--json"), ("data", "status", "--json"), ("gates", "--model-id", "none", "--json"),
    ("data", "backfill", "--from", "2025-01-01", "--to", "2025-01-01"),
])
def test_what_commands_print_holds_no_secret(secrets: list[str], words: tuple[str, ...]) -> None:
    said = huracan(*words)
    assert said
    assert seen(secrets, said) == []


@pytest.mark.parametrize(("name", "value"), [
    ("HURACAN_DATABASE__DSN", "mysql://u:{}@h/x"), ("HURACAN_DATABASE__PASSWORD", "{}"), ("HURACAN_VENUE__API_SECRETS", "{}"),
    ("HURACAN_BROADCAST__SLACK_TOKENS", "{}"), ("HURACAN_DATABASE__DSN", "postgresql://nobody:{}@127.0.0.1:1/x"),
    ("HURACAN_DATABASE__DSN", "postgresql://nobody:{}@[::1/x"), ("HURACAN_API_TOKEN", "{}"),
])
def test_a_wrong_setting_is_told_without_the_secret_in_it(name: str, value: str, secrets: list[str]) -> None:
    said = huracan("status", **{name: value.format("planted-mistake-8e8e")})
    assert said
    assert "planted-mistake" not in said
    assert seen(secrets, said) == []


def test_logs_hide_what_settings_hide(secrets: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("DEBUG")
    settings = load_settings()
    get_logger("test").info("opened", settings=str(settings), dsn="x", where=f"at {os.environ['HURACAN_DATABASE__DSN']}",
                            api_key=SECRETS["HURACAN_VENUE__API_KEY"])
    said = capfd.readouterr()
    assert "opened" in said.err
    assert seen(secrets, said.out + said.err) == []
