"""Z-scores with the statistics of the training rows, kept with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.errors import DataContractError


@dataclass(frozen=True)
class Scaler:
    """`mean` and `scale`, both (k,); a column that did not vary, rounding aside, has scale 1."""

    mean: Float64
    scale: Float64

    @classmethod
    def fit(cls, x: Float64) -> Scaler:
        """Statistics of x (n, k), population standard deviation. NaN or infinity is a mistake of the caller."""
        if len(x) == 0 or not np.isfinite(x).all():
            bad = int((~np.isfinite(x)).sum())
            raise DataContractError(f"scaler: expected finite training rows, got {len(x)} rows with {bad} values not finite")
        mean, scale = x.mean(axis=0), x.std(axis=0)
        return cls(mean, np.where(scale > 1e-12 * np.abs(mean), scale, 1.0))

    def apply(self, x: Float64) -> Float64:
        """x (n, k) in units of training standard deviations."""
        scaled: Float64 = (x - self.mean) / self.scale
        return scaled

    def to_json(self) -> dict[str, Any]:
        """Plain values; floats survive the round trip bit for bit."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Scaler:
        """The inverse of `to_json`."""
        return cls(np.asarray(value["mean"], np.float64), np.asarray(value["scale"], np.float64))
