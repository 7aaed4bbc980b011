"""A live session's process, as far as features go: a checkpoint from a file, one bar a line, one row a line.

`python -m tests.data_features.stream_child SET PROFILE CHECKPOINT_FILE`; numbers travel as hexadecimal floats.
"""

from __future__ import annotations

import sys
from pathlib import Path

from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.registry import feature_set


def main() -> None:
    """Serve until the input ends."""
    engine = FeatureEngine(feature_set(sys.argv[1], sys.argv[2]))
    engine.restore(Path(sys.argv[3]).read_bytes())
    for line in sys.stdin:
        ts_ms, *bar = line.split()
        row = engine.step(int(ts_ms), *(float.fromhex(x) for x in bar))
        print(*(x.hex() for x in row.tolist()), flush=True)


if __name__ == "__main__":
    main()
