"""Facts with all their versions, as a reader needs them who must know what was known when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from huracan_platform.contracts.market import Float64, Int64


@dataclass(frozen=True)
class FactVersions:
    """Every version of one series' facts that a pin sees, in the order in which they became known.

    `ts_ms` is when the fact is of and `known_ms` since when its version was known, both (n,) in ms UTC; a corrected fact has
    several rows of one ts. `values` holds (n,) columns by name.
    """

    ts_ms: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    known_ms: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    values: Mapping[str, Float64] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ts_ms)
