"""A trained policy without the library that trained it: weights, a JSON spec and a forward pass in numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.hashing import hash_files
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.policy import OBSERVATIONS, RiskObservation, RiskParameters
from huracan_platform.errors import DataContractError
from huracan_platform.learning.policies.actions import ACTIONS, HIGH, LOW, from_unit, parameters_of

SPEC_FILE, WEIGHTS_FILE = "policy.json", "actor.safetensors"
FORMAT = 1
MOST_Z = 5.0  # of a normalised observation


@dataclass(frozen=True)
class Normalisation:
    """Mean and scale (15,) of the observations; what is further than 5 scales away counts as 5."""

    mean: Float64
    scale: Float64

    def of(self, observation: Float64) -> Float64:
        """(..., 15) normalised."""
        z: Float64 = np.clip((observation - self.mean) / self.scale, -MOST_Z, MOST_Z)
        return z


@dataclass(frozen=True)
class ActorPolicy:
    """Layers of tanh, the last one plain, as (weight (out, in), bias (out,)); deterministic: the mean action.

    `max_leverage` bounds the leverage that its adjustments lead to.
    """

    layers: tuple[tuple[Float64, Float64], ...]
    normalisation: Normalisation
    max_leverage: float

    def unit_action(self, observation: Float64) -> Float64:
        """(3,) numbers in [-1, 1] for a raw observation (15,)."""
        x = self.normalisation.of(observation)
        for weight, bias in self.layers[:-1]:
            x = np.tanh(weight @ x + bias)
        weight, bias = self.layers[-1]
        action: Float64 = np.clip(weight @ x + bias, -1.0, 1.0)
        return action

    def risk_parameters(self, observation: RiskObservation) -> RiskParameters:
        """What the policy sets for an observation."""
        return parameters_of(from_unit(self.unit_action(observation.as_array())), observation.leverage, self.max_leverage)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The artefact's files by name."""
        from safetensors.numpy import save

        arrays: dict[str, npt.NDArray[np.float32]] = {}
        for k, (weight, bias) in enumerate(self.layers):
            arrays |= {f"{k}.weight": weight.astype(np.float32), f"{k}.bias": bias.astype(np.float32)}
        spec = {
            "format": FORMAT, "observations": list(OBSERVATIONS), "actions": list(ACTIONS), "action_low": LOW.tolist(),
            "action_high": HIGH.tolist(), "layers": len(self.layers), "activation": "tanh", "max_leverage": self.max_leverage,
            "normalisation": {"mean": self.normalisation.mean.tolist(), "scale": self.normalisation.scale.tolist(),
                              "clip": MOST_Z},
        }
        return {SPEC_FILE: json.dumps(spec, indent=1, sort_keys=True).encode(), WEIGHTS_FILE: save(arrays)}

    @cached_property
    def artefact_hash(self) -> str:
        """SHA-256 over the files."""
        return hash_files(self.files)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> ActorPolicy:
        """Parse files whose hash was checked.

        Raises
        ------
        DataContractError
            They are not what this code writes: another format, other observations or actions, layers that do not fit.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            spec = json.loads(files[SPEC_FILE])
            arrays = {name: values.astype(np.float64) for name, values in load(files[WEIGHTS_FILE]).items()}
            _check(spec)
            layers = tuple((arrays[f"{k}.weight"], arrays[f"{k}.bias"]) for k in range(spec["layers"]))
            given = spec["normalisation"]
            normalisation = Normalisation(np.array(given["mean"], dtype=np.float64), np.array(given["scale"], dtype=np.float64))
            max_leverage = float(spec["max_leverage"])
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise DataContractError(f"policy artefact: expected a spec and weights as written here, got {error!r}") from error
        widths = [len(OBSERVATIONS), *(len(bias) for _, bias in layers)]
        shapes = [weight.shape for weight, _ in layers]
        wanted = list(zip(widths[1:], widths[:-1], strict=True))
        if shapes != wanted or widths[-1] != len(ACTIONS) or normalisation.mean.shape != (len(OBSERVATIONS),):
            raise DataContractError(f"policy artefact: expected layers of shapes {wanted} ending in {len(ACTIONS)}, got {shapes}")
        if not all(np.isfinite(a).all() for a in (*arrays.values(), normalisation.mean, normalisation.scale)):
            raise DataContractError("policy artefact: expected finite weights, got some that are not")
        return cls(layers, normalisation, max_leverage)


def _check(spec: dict[str, Any]) -> None:
    expected = {
        "format": FORMAT, "observations": list(OBSERVATIONS), "actions": list(ACTIONS), "action_low": LOW.tolist(),
        "action_high": HIGH.tolist(), "activation": "tanh",
    }
    for name, value in expected.items():
        if spec[name] != value:
            raise ValueError(f"{name} {spec[name]!r} where {value!r} was expected")
