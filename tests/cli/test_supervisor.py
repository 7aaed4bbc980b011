"""Recorders that end are started again, and people hear of those that keep ending: real processes, a clock moved by hand."""

from __future__ import annotations

import time
from pathlib import Path

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.cli.processes import Processes
from huracan_platform.cli.supervisor import WELL_AFTER_S, Supervisor
from huracan_platform.clock import ManualClock

NOW = 1_790_000_000_000
DIES = ["-c", "print('no such feed', flush=True); raise SystemExit(75)"]
LIVES = ["-c", "import time; print('up', flush=True); time.sleep(60)"]


def dies_when_told(sign: Path) -> list[str]:
    """Ends once the file is there, and takes it away: so it lives while the supervisor's starts are counted."""
    return ["-c", f"""
import pathlib, time
sign = pathlib.Path({str(sign)!r})
while not sign.exists():
    time.sleep(0.01)
sign.unlink()
print("no such feed", flush=True)
raise SystemExit(75)
"""]


def ended(processes: Processes, name: str) -> None:
    """Wait until the process has ended."""
    for _ in range(600):
        if name in processes.poll():
            return
        time.sleep(0.01)
    raise AssertionError(f"{name} did not end")


def test_a_recorder_that_ended_waits_longer_each_time_and_is_told_once_it_keeps_ending(tmp_path: Path, brain: Brain) -> None:
    clock, incidents, sign = ManualClock(NOW), IncidentRepository(brain), tmp_path / "sign"
    recorder = dies_when_told(sign)
    with Processes(tmp_path) as processes:
        processes.start("record-x", recorder)
        supervisor = Supervisor(processes, {"record-x": recorder}, incidents, clock)
        pauses = []
        for _ in range(8):
            sign.touch()
            ended(processes, "record-x")
            supervisor.tend()
            waited = 0
            while "record-x" in processes.poll():
                clock.advance(1000)
                waited += 1
                supervisor.tend()
            pauses.append(waited)
            assert len(incidents.open()) == (1 if len(pauses) >= 3 else 0)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    (row,) = incidents.open()
    assert (row.incident.kind, row.incident.asset, row.occurrences) == ("recorder_dies", "x", 6)
    assert "no such feed" in row.incident.observed
    assert (tmp_path / "record-x.log").read_text().count("no such feed") >= 8


def test_the_incident_is_closed_once_the_recorder_has_run_for_a_while(tmp_path: Path, brain: Brain) -> None:
    clock, incidents = ManualClock(NOW), IncidentRepository(brain)
    with Processes(tmp_path) as processes:
        processes.start("record-x", DIES)
        recorders = {"record-x": DIES}
        supervisor = Supervisor(processes, recorders, incidents, clock)
        for _ in range(3):
            ended(processes, "record-x")
            supervisor.tend()
            clock.advance(60_000)
            supervisor._watched["record-x"].arguments = LIVES if incidents.open() else DIES
            supervisor.tend()
        clock.advance(int(1000 * WELL_AFTER_S) - 1)
        supervisor.tend()
        assert len(incidents.open()) == 1
        clock.advance(1)
        supervisor.tend()
        assert incidents.open() == []
        assert processes.poll() == []
