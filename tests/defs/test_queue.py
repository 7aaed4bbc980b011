"""Which runs wait in the queue: a session that is the only one does not."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.test_utils import create_run_for_test, create_test_daemon_workspace_context, instance_for_test
from dagster._core.workspace.context import WorkspaceRequestContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from huracan_platform.defs.queue import SESSION_TAG, SessionFirst

ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("house"), "repository"), "job")
QUEUED, STARTING, STARTED = DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED


class House:
    """An instance whose launcher notes what it is given, and what is submitted to its queue."""

    def __init__(self, instance: dg.DagsterInstance, workspace: WorkspaceRequestContext) -> None:
        self.instance, self._workspace = instance, workspace

    def run(self, session: str | None = None, status: DagsterRunStatus = DagsterRunStatus.NOT_STARTED) -> DagsterRun:
        """A run, of a session where it has a name."""
        return create_run_for_test(
            self.instance, job_name="job", status=status, tags={} if session is None else {SESSION_TAG: session},
            remote_job_origin=ORIGIN,
        )

    def submit(self, run: DagsterRun) -> DagsterRunStatus:
        """Submit it; where it stands then."""
        submitted = self.instance.run_coordinator.submit_run(SubmitRunContext(run, self._workspace))
        assert submitted.run_id == run.run_id
        (found,) = self.instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
        return found.status

    def launched(self) -> list[str]:
        """Runs that were launched, in their order."""
        known = {run.run_id for run in self.instance.get_runs()}
        given = self.instance.run_launcher.queue()  # type: ignore[attr-defined]
        return [run.run_id for run in given if run.run_id in known]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    overrides = {
        "run_coordinator": {"module": SessionFirst.__module__, "class": SessionFirst.__name__},
        "run_launcher": {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"},
    }
    with (
        instance_for_test(overrides, temp_dir=str(tmp_path_factory.mktemp("dagster"))) as instance,
        create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as workspace,
    ):
        yield House(instance, workspace.create_request_context())


@pytest.fixture
def house(home: House) -> House:
    """The same without any run."""
    home.instance.wipe()
    return home


def test_every_run_but_a_session_is_queued(house: House) -> None:
    assert house.submit(house.run()) is QUEUED
    assert house.launched() == []


def test_a_session_is_launched_at_once_whatever_waits_or_runs(house: House) -> None:
    house.run(status=STARTED)
    house.submit(house.run())
    session = house.run("paper")
    assert house.submit(session) is STARTING
    assert house.launched() == [session.run_id]


@pytest.mark.parametrize("status", [QUEUED, STARTING, STARTED, DagsterRunStatus.CANCELING])
def test_a_second_session_is_queued_while_one_is_under_way(house: House, status: DagsterRunStatus) -> None:
    house.run("paper", status)
    assert house.submit(house.run("paper")) is QUEUED
    assert house.launched() == []


@pytest.mark.parametrize("status", [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED])
def test_a_session_that_is_over_keeps_none_waiting(house: House, status: DagsterRunStatus) -> None:
    house.run("paper", status)
    assert house.submit(house.run("paper")) is STARTING


def test_a_session_of_another_name_is_no_second_one(house: House) -> None:
    house.run("shadow", STARTED)
    assert house.submit(house.run("paper")) is STARTING


def test_a_session_that_was_submitted_before_is_not_launched_again(house: House) -> None:
    session = house.run("paper")
    house.submit(session)
    (submitted,) = house.instance.get_runs(dg.RunsFilter(run_ids=[session.run_id]))
    assert house.submit(submitted) is STARTING
    assert house.launched() == [session.run_id]
