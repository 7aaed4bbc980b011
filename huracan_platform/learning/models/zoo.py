"""The zoo: every architecture by name behind one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.model import Classifier
from huracan_platform.errors import PermanentError
from huracan_platform.learning.models.linear import WEIGHTS_FILE as LINEAR_FILE
from huracan_platform.learning.models.linear import LinearModel, LinearParameters
from huracan_platform.learning.models.xgboost_model import WEIGHTS_FILE as XGBOOST_FILE
from huracan_platform.learning.models.xgboost_model import XGBoostModel, XGBoostParameters


class ZooModel(Classifier, Protocol):
    """A classifier that can also say what it relied on."""

    def importance(self) -> Float64:
        """(k,) non-negative shares per feature, summing to 1, or all 0 when nothing was learnt."""
        ...

    def contributions(self, x: Float64) -> Float64:
        """What each feature adds to the log odds of each row (n, k), against the model's mean; x scaled."""
        ...

    def report(self) -> dict[str, Any]:
        """What the fit settled on, as plain values for the manifest."""
        ...


@dataclass(frozen=True)
class Architecture:
    """How to make a fresh model (seed, threads), how to load one (files, threads), and what it is made with."""

    name: str
    weight_files: tuple[str, ...]
    hyperparameters: dict[str, Any]
    create: Callable[[int, int], ZooModel]
    load: Callable[[dict[str, bytes], int], ZooModel]


ZOO: dict[str, Architecture] = {
    "linear": Architecture(
        "linear", (LINEAR_FILE,), asdict(LinearParameters()),
        lambda seed, threads: LinearModel(LinearParameters(), threads=threads),
        lambda files, threads: LinearModel.load(files, threads=threads),
    ),
    "xgboost": Architecture(
        "xgboost", (XGBOOST_FILE,), asdict(XGBoostParameters()),
        lambda seed, threads: XGBoostModel(XGBoostParameters(), seed=seed, threads=threads),
        lambda files, threads: XGBoostModel.load(files, threads=threads),
    ),
}


def architecture_named(name: str) -> Architecture:
    """The architecture of that name.

    Raises
    ------
    PermanentError
        There is none; lists those there are.
    """
    if name not in ZOO:
        raise PermanentError(f"architecture: expected one of {', '.join(sorted(ZOO))}, got {name!r}")
    return ZOO[name]
