"""How late the events of a source arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.contracts.market import Int64


@dataclass(frozen=True)
class ArrivalDelay:
    """The delay after which first versions of a source's facts are known, ms of the market clock after the event's end.

    `documented_ms` is the setting that holds until enough was measured; `measured_ms` the quantile of the `measurements`,
    None while they are too few.
    """

    source: str
    dataset: str
    documented_ms: int
    measured_ms: int | None
    measurements: int

    @property
    def delay_ms(self) -> int:
        """The measured delay, else the documented one."""
        return self.documented_ms if self.measured_ms is None else self.measured_ms

    def known_at(self, documented_ms: Int64, now_ms: int) -> Int64:
        """Since when events are known whose documented delay ends at `documented_ms`; written at market time `now_ms`.

        What is being written has arrived: a slow source's newest events are known by now, not later.
        """
        modelled = documented_ms + (self.delay_ms - self.documented_ms)
        return np.asarray(np.minimum(modelled, np.maximum(documented_ms, now_ms)), np.int64)
