"""Child processes: how their end is told, and the venue's control side that is not there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from huracan_platform.cli.processes import Processes, tail
from huracan_platform.cli.world import control
from huracan_platform.errors import ConfigurationError, HuracanError, PermanentError, TransientError
from huracan_platform.settings import Settings


@pytest.mark.parametrize(
    ("code", "kind"), [(78, ConfigurationError), (2, PermanentError), (75, TransientError), (1, TransientError)]
)
def test_a_child_that_ends_early_ends_us_with_its_own_kind_of_error(tmp_path: Path, code: int, kind: type[HuracanError]) -> None:
    script = f"import sys; sys.stderr.write('why it ended\\n'); sys.exit({code})"
    with Processes(tmp_path) as processes, pytest.raises(HuracanError, match="why it ended") as caught:
        processes.start("child", ["-c", script], ready="ready")
    assert type(caught.value) is kind


def test_the_end_of_a_log_is_one_line_without_colours(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("\x1b[32mfirst\x1b[0m\n  second\n")
    assert tail(log).endswith("ends: first second")


@pytest.mark.parametrize(("url", "kind"), [("http://127.0.0.1:1", TransientError), ("notaurl", ConfigurationError)])
def test_a_venue_that_is_not_there_is_named(url: str, kind: type[HuracanError]) -> None:
    with pytest.raises(kind, match=f"HURACAN_VENUE__URL: expected .*{url}"):
        control(Settings(venue={"url": url}), "/control/clock")


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_signal_ends_a_command_with_a_word_and_its_code(tmp_path: Path, number: signal.Signals, code: int, word: str) -> None:
    script = (
        "import sys, signal\n"
        "from huracan_platform.cli import main\n"
        "main.app.command('wait')(lambda: (print('ready', flush=True), signal.pause()))\n"
        "sys.argv = ['huracan', 'wait']\n"
        "main.main()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    assert child.communicate(timeout=60) == ("", f"{word}\n")
    assert child.returncode == code
