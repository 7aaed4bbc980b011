"""What a feature set is computed by, as the engine drives it: a compiled function over a state record, and what goes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.features.kernels import state as core_state
from huracan_platform.data.features.kernels.state import State
from huracan_platform.data.features.kernels.step import KERNEL_HASH, run_bars
from huracan_platform.data.features.positioning import rings
from huracan_platform.data.features.positioning.columns import INPUTS
from huracan_platform.data.features.positioning.step import POSITIONING_HASH, run_positioning


@dataclass(frozen=True)
class Windows:
    """Lengths of the hourly windows of a profile."""

    rank_hours: int
    regime_hours: int


Run = Callable[[State, Int64, Float64, tuple[Float64, ...], Windows, Float64], tuple[int, int]]


@dataclass(frozen=True)
class Kernel:
    """A compiled set.

    `run` takes a state, bar opens, (n, 5) bars, an (n,) array per name of `inputs`, the windows and the (n, k) rows to fill;
    it gives the row and the fault of the first bar that is none, as in `kernels.step`. The state is a (1,) record array whose
    record has `genesis_minute` and `minute`.
    """

    inputs: tuple[str, ...]
    layout: np.dtype[Any]
    format_version: int
    code_version: str
    new_state: Callable[[], State]
    run: Run


def _run_core(
    state: State, ts_ms: Int64, bars: Float64, inputs: tuple[Float64, ...], windows: Windows, out: Float64,
) -> tuple[int, int]:
    return run_bars(state, ts_ms, bars, np.ascontiguousarray(inputs[0]), windows.rank_hours, windows.regime_hours, out)


def _run_positioning(
    state: State, ts_ms: Int64, bars: Float64, inputs: tuple[Float64, ...], windows: Windows, out: Float64,
) -> tuple[int, int]:
    return run_positioning(state, ts_ms, bars, np.column_stack(inputs), out)


CORE = Kernel(("funding",), core_state.STATE, core_state.FORMAT_VERSION, KERNEL_HASH, core_state.new_state, _run_core)
POSITIONING = Kernel(INPUTS, rings.STATE, rings.FORMAT_VERSION, POSITIONING_HASH, rings.new_state, _run_positioning)
