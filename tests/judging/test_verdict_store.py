from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.cli import gates as gates_command
from huracan_platform.contracts.model import Criterion, GateStatus, Verdict

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def verdict(gate: int, status: GateStatus, *, at: datetime = NOW, observed: float | None = 1.25) -> Verdict:
    criteria = (
        Criterion("sharpe (account)", observed, ">=", 1.0, status, (0.5, 2.0), 270),
        Criterion("closed trades (account)", 300.0, ">=", 100.0, GateStatus.PASS, None, 300, "enough"),
    )
    return Verdict("m1", gate, "performance", status, criteria, 1, at, {"costs": {"net": 0.1}, "notes": []})


def test_stored_verdicts_come_back_equal_newest_per_gate(brain: Brain) -> None:
    store = VerdictRepository(brain)
    first = (verdict(1, GateStatus.FAIL), verdict(2, GateStatus.PASS))
    later = (verdict(1, GateStatus.PASS, at=NOW + timedelta(days=1)),)
    store.append(first)
    store.append(later)
    assert store.latest("m1") == (later[0], first[1])
    assert store.history("m1") == (*first, *later)
    assert store.latest("unknown") == ()


def test_values_that_json_lacks_survive_or_become_not_known(brain: Brain) -> None:
    store = VerdictRepository(brain)
    endless = replace(verdict(1, GateStatus.PASS, observed=math.inf), evidence={"ratio": math.nan, "deep": [math.inf, (1, 2)]})
    store.append((endless, verdict(2, GateStatus.INSUFFICIENT, observed=math.nan)))
    one, two = store.latest("m1")
    assert one.criteria[0].observed == math.inf
    assert one.evidence == {"ratio": None, "deep": ["inf", [1, 2]]}
    assert two.criteria[0].observed is None


@pytest.mark.parametrize(
    "change", ["UPDATE gate_verdicts SET status = 'pass'", "DELETE FROM gate_verdicts", "TRUNCATE gate_verdicts"]
)
def test_stored_verdict_cannot_be_changed_or_deleted(brain: Brain, change: str) -> None:
    store = VerdictRepository(brain)
    store.append((verdict(1, GateStatus.FAIL),))
    with pytest.raises(psycopg.errors.RestrictViolation, match="only grows"), brain.connect() as connection:
        connection.execute(change)
    assert store.latest("m1")[0].status is GateStatus.FAIL


def test_gate_answers_once_per_model_and_instant_and_a_refused_batch_leaves_nothing(brain: Brain) -> None:
    store = VerdictRepository(brain)
    store.append((verdict(2, GateStatus.FAIL),))
    with pytest.raises(psycopg.errors.UniqueViolation):
        store.append((verdict(1, GateStatus.PASS), verdict(2, GateStatus.PASS)))
    assert [v.gate for v in store.history("m1")] == [2]


def test_gates_command_prints_verdicts_with_reasons(brain: Brain, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    VerdictRepository(brain).append((verdict(1, GateStatus.FAIL, observed=0.4),))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", brain.dsn)
    monkeypatch.setenv("HURACAN_HOME", str(tmp_path))
    app = typer.Typer()
    app.callback()(lambda: None)
    gates_command.register(app)
    plain = CliRunner().invoke(app, ["gates", "--model-id", "m1"], env={"COLUMNS": "200"})
    assert plain.exit_code == 0
    machine = CliRunner().invoke(app, ["gates", "--model-id", "m1", "--json"])
    (printed,) = json.loads(machine.stdout)
    assert printed["status"] == "fail"
    assert printed["reason"] == "sharpe (account) 0.4 >= 1 (n=270)"
    assert CliRunner().invoke(app, ["gates", "--model-id", "nobody"]).exit_code != 0
