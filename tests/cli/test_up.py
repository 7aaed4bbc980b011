"""What `huracan up` tells other shells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from huracan_platform.cli.up import shell_exports
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.settings.venue import AlternativeVenue

URL, SECOND = "http://127.0.0.1:8799", "http://127.0.0.1:8800"
READ = (
    "from huracan_platform.settings import load_settings; s = load_settings(); "
    "print(s.home, s.venue.url, s.venue.alternatives[0].address)"
)


def test_a_shell_that_takes_the_lines_asks_the_same_venues_in_the_same_home(tmp_path: Path) -> None:
    other = AlternativeVenue(name="bybit", ccxt_id="bybit", url=SECOND)
    home = tmp_path / "a home"
    lines = shell_exports(Settings(home=home, venue=VenueSettings(url=URL, alternatives=(other,))))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HURACAN_")}
    done = subprocess.run(
        ["sh", "-c", f'{lines}\n"$0" -c "$1"', sys.executable, READ], env=kept, capture_output=True, text=True, check=True,
    )
    assert done.stdout.strip() == f"{home} {URL} bybit {SECOND}"
