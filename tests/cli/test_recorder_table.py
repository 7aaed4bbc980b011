"""What the commands print of the recorders."""

from __future__ import annotations

import io

from rich.console import Console

from huracan_platform.cli.recorder_table import print_recorders
from huracan_platform.operations.status import RecorderLine

TROUBLE = "liquidations bybit: expected a frame within 20 s, got none [and then some more, long enough for two]"
TIMES = ("2026-11-21 15:45", "2025-01-03 01:00:09")
LINES = (
    RecorderLine("liquidations", "sim2-s7-bybit", "recording", *TIMES, 12, "100.0%", TROUBLE),
    RecorderLine("sentiment", "[errno] forum", "recording", TIMES[0], "never", 0, "0.0%", ""),
)


def printed(lines: tuple[RecorderLine, ...]) -> list[str]:
    out = Console(file=io.StringIO(), width=100)
    print_recorders(lines, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_a_recorder_is_one_line_of_at_most_100_columns_and_its_trouble_stands_beneath() -> None:
    title, *rows, trouble = printed(LINES)
    assert title.strip() == "Recorders"
    assert len(rows) == 6  # frame, head, line, two recorders, frame
    assert max(map(len, rows)) <= 100
    assert [cell.strip() for cell in rows[3].strip("│").split("│")] == [
        "liquidations", "sim2-s7-bybit", "recording", "11-21 15:45", "2025-01-03 01:00:09", "12", "100.0%"
    ]
    assert "[errno] forum" in rows[4]
    assert trouble == f"liquidations sim2-s7-bybit, last trouble: {TROUBLE}"


def test_a_recorder_that_is_gone_fits_too_and_without_recorders_nothing_is_printed() -> None:
    gone = RecorderLine("liquidations", "sim2-s7-bybit", "not running, was recording", *TIMES, 1, "99.9%", "")
    rows = printed((gone,))
    assert max(map(len, rows)) <= 100
    assert any("not running, was" in row and "11-21 15:45" in row and "2025-01-03" in row for row in rows)
    assert printed(()) == []
