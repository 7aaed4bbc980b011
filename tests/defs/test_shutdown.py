"""Runs that an ordered shutdown ends are interrupted; runs whose process is killed are failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.test_utils import create_run_for_test, instance_for_test

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.defs.lost_runs import LOST
from huracan_platform.defs.operations.sensors import close_lost_runs, recovered_runs
from huracan_platform.defs.queue import SESSION_TAG
from huracan_platform.defs.resources import Platform
from huracan_platform.defs.shutdown import ASKED, interrupt_runs

ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("house"), "repository"), "training_job")
OF_SOCKET, OF_PORT = json.dumps({"host": "localhost", "socket": "/tmp/code"}), json.dumps({"host": "elsewhere", "port": 4000})
STARTED, CANCELING = DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance in a home of its own, which DAGSTER_HOME names."""
    with instance_for_test(temp_dir=str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture
def house(home: dg.DagsterInstance) -> dg.DagsterInstance:
    """The same without any run."""
    home.wipe()
    return home


@pytest.fixture
def worker(house: dg.DagsterInstance) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works for the house until its input ends."""
    command = [sys.executable, "-c", "import sys; print('there', flush=True); sys.stdin.read()"]
    environment = {**os.environ, "DAGSTER_HOME": house.root_directory}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child


def run_of(
    house: dg.DagsterInstance, status: DagsterRunStatus, pid: int | None = None, server: str = OF_SOCKET, **tags: str
) -> DagsterRun:
    """A run of the code server that has told its process, as Dagster's launcher and worker write it."""
    run = create_run_for_test(
        house, job_name="training_job", status=status, tags={GRPC_INFO_TAG: server, **tags}, remote_job_origin=ORIGIN
    )
    if pid is not None:
        house.report_engine_event(f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid))
    return run


def status_of(house: dg.DagsterInstance, run: DagsterRun) -> DagsterRunStatus:
    found = house.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def close_lost(house: dg.DagsterInstance) -> str | None:
    """Evaluate the sensor; what it says."""
    with dg.build_sensor_context(instance=house) as context:
        told = close_lost_runs(context)
        assert isinstance(told, dg.SkipReason)
        return told.skip_message


def test_a_run_whose_process_was_killed_is_failed_and_says_why(
    house: dg.DagsterInstance, worker: subprocess.Popen[bytes]
) -> None:
    run = run_of(house, STARTED, worker.pid)
    assert close_lost(house) == "1 runs under way, 0 of them lost"
    worker.kill()
    worker.wait()
    assert close_lost(house) == "1 runs under way, 1 of them lost"
    assert status_of(house, run) is DagsterRunStatus.FAILURE
    failure, = house.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    assert failure.event_log_entry.message == f"run {run.run_id}: {LOST}"
    assert close_lost(house) == "0 runs under way, 0 of them lost"


def test_a_run_that_was_asked_to_end_and_whose_process_is_gone_is_canceled(
    house: dg.DagsterInstance, worker: subprocess.Popen[bytes]
) -> None:
    run = run_of(house, CANCELING, worker.pid)
    close_lost(house)
    assert status_of(house, run) is CANCELING  # it is still at it
    worker.kill()
    worker.wait()
    close_lost(house)
    assert status_of(house, run) is DagsterRunStatus.CANCELED


def test_a_lost_session_and_runs_that_nobody_here_can_tell_of_are_left_alone(
    house: dg.DagsterInstance, worker: subprocess.Popen[bytes]
) -> None:
    worker.kill()
    worker.wait()
    left = [
        run_of(house, STARTED, worker.pid, **{SESSION_TAG: "paper"}),  # `keep_session` waits for its lease
        run_of(house, STARTED, worker.pid, OF_PORT),                   # its process may be on another machine
        run_of(house, STARTED),                                        # it has not told its process yet
        run_of(house, DagsterRunStatus.QUEUED, worker.pid), run_of(house, DagsterRunStatus.SUCCESS, worker.pid),
    ]
    before = [run.status for run in left]
    assert close_lost(house) == "2 runs under way, 0 of them lost"
    assert [status_of(house, run) for run in left] == before


def test_runs_under_way_are_asked_to_end_and_noted_and_their_next_success_closes_the_note(
    house: dg.DagsterInstance, brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_DATABASE__DSN", brain.dsn)
    incidents = IncidentRepository(brain)
    training = run_of(house, STARTED, **{"dagster/partition": "BTC-USDT:USDT"})
    begins = run_of(house, DagsterRunStatus.STARTING)
    others = [run_of(house, DagsterRunStatus.QUEUED), run_of(house, STARTED, **{SESSION_TAG: "paper"}), run_of(house, CANCELING)]
    assert interrupt_runs(incidents, "http://ui") == ["training_job", "training_job"]
    assert [status_of(house, run) for run in (training, begins)] == [CANCELING, CANCELING]
    assert [status_of(house, run) for run in others] == [run.status for run in others]
    asked, = house.get_records_for_run(training.run_id, of_type=dg.DagsterEventType.RUN_CANCELING).records
    assert asked.event_log_entry.message == ASKED
    told = {row.incident.dedupe_key: row.incident for row in incidents.open()}
    assert sorted(told) == ["interrupted|training_job|", "interrupted|training_job|BTC-USDT:USDT"]
    note = told["interrupted|training_job|BTC-USDT:USDT"]
    assert (note.kind, note.severity.value, note.title) == (
        "run_interrupted", "info", "training_job was interrupted by shutdown"
    )
    assert note.links == {"run": f"http://ui/runs/{training.run_id}"}

    @dg.job(name="training_job")
    def again() -> None:
        pass

    result = again.execute_in_process(instance=house, tags={"dagster/partition": "BTC-USDT:USDT"})
    recovered_runs(dg.build_run_status_sensor_context(
        sensor_name="recovered_runs", dagster_instance=house, dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(), resources={"platform": Platform()},
    ))
    assert [row.incident.dedupe_key for row in incidents.open()] == ["interrupted|training_job|"]


TRAINING = """
import dagster as dg, time

@dg.op
def train():
    print("under way", flush=True)
    time.sleep(120)

@dg.job
def training_job():
    train()

with dg.DagsterInstance.get() as instance:
    training_job.execute_in_process(instance=instance, raise_on_error=False)
"""


@pytest.mark.slow
def test_a_signal_ends_a_run_as_canceled_where_that_was_asked_for_and_as_failed_otherwise(
    house: dg.DagsterInstance, brain: Brain
) -> None:
    """Trainings in processes of their own, in the middle of their work."""
    command = [sys.executable, "-c", TRAINING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as asked:
        assert asked.stdout is not None
        asked.stdout.readline()
        interrupt_runs(IncidentRepository(brain), "http://ui")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
            assert other.stdout is not None
            other.stdout.readline()
            before = [run.status for run in house.get_runs()]
            for training in (asked, other):
                training.send_signal(signal.SIGTERM)
                training.wait(60)
    assert before == [STARTED, CANCELING]  # the newest first
    assert [run.status for run in house.get_runs()] == [DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
