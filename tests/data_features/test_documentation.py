"""The tables of features in the documentation are the registry."""

from __future__ import annotations

from pathlib import Path

from huracan_platform.data.features.registry import SETS

TABLE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_tables_say_what_the_registry_says() -> None:
    cells = [[c.strip() for c in line.replace(r"\|", "¦").strip("| ").split(" | ")]
             for line in TABLE.read_text().splitlines() if line.startswith("| ") and line[2].isdigit()]
    told = [(c[1], c[2], c[3].replace("¦", "|"), c[4], c[5], c[7], c[8]) for c in cells]
    assert told == [
        (f"`{f.name}`", f.group, f.description, str(f.window or "–"), f.long_window or "–", str(f.warmup_bars), f.source)
        for definition in SETS.values() for f in definition.features
    ]
