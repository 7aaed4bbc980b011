"""Feature rows and matrices as they cross borders."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.contracts.market import Float64, Int64


@dataclass(frozen=True)
class FeatureMatrix:
    """Feature rows of one symbol in time order.

    `values` is (n, k) float64 with NaN where a feature is still warming up; row i belongs to the bar that opened at
    `ts_ms[i]` and uses nothing after that bar's close. `columns` has k names. `set_hash` identifies the definition
    (kernels, windows, genesis), `day_hashes` the content of each stored day that the rows came from.
    """

    symbol: str
    ts_ms: Int64
    values: Float64
    columns: tuple[str, ...]
    set_name: str
    set_hash: str
    day_hashes: tuple[str, ...]


@dataclass(frozen=True)
class FeatureRow:
    """One bar's features: `values` is (k,) float64. `row_hash` is the SHA-256 of its canonical bytes."""

    symbol: str
    ts_ms: int
    values: Float64
    columns: tuple[str, ...]
    set_hash: str
    row_hash: str
