"""Everything that made a model, enough to make it again."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from huracan_platform.clock import DAY_MS, Clock, day_of, day_start_ms, days_between, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.trigger import Trigger
from huracan_platform.decision.costs import CostModel
from huracan_platform.errors import PermanentError
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import TrainedModel
from huracan_platform.learning.models.zoo import architecture_named
from huracan_platform.settings import FeatureSettings, LabelSettings, Settings, TrainingSettings

HASH_IN_NAME = 8


@dataclass(frozen=True)
class DatasetSpec:
    """Which facts a frame is made of: rows of [start_ms, end_ms) as a read pinned to (as_of, recorded_before) sees them.

    All times in ms UTC; `as_of_ms` is market time, `recorded_before_ms` wire time. `left_out_days` are UTC days (ISO) that
    did not pass their checks: no row and no outcome comes from them.
    """

    venue: str
    symbol: str
    start_ms: int
    end_ms: int
    as_of_ms: int
    recorded_before_ms: int
    left_out_days: tuple[str, ...] = ()

    @property
    def pin(self) -> Pin:
        """The pin of every read for this data set."""
        return Pin(to_datetime(self.as_of_ms), to_datetime(self.recorded_before_ms))

    @classmethod
    def of_days(
        cls, venue: str, symbol: str, first: date, last: date, clock: Clock, good_days: Collection[date] | None = None
    ) -> DatasetSpec:
        """Whole UTC days, `last` included, as they are known now; None trusts them all."""
        bad = [] if good_days is None else [d.isoformat() for d in days_between(first, last) if d not in good_days]
        return cls(
            venue, symbol, day_start_ms(first), day_start_ms(last) + DAY_MS, clock.market_ms(), clock.wire_ms(), tuple(bad)
        )


def dataset_id(spec: DatasetSpec, frame: TrainingFrame) -> str:
    """A name for people: symbol, feature set, days and the beginning of the hash."""
    first, last = day_of(spec.start_ms), day_of(spec.end_ms - 1)
    return f"{base_of(spec.symbol)}-{frame.set_name}-{first:%Y%m%d}-{last:%Y%m%d}-{frame.dataset_hash[:HASH_IN_NAME]}"


def base_of(symbol: str) -> str:
    """`BTC/USDT:USDT` → `btc`."""
    return symbol.split("/")[0].lower()


def build_manifest(
    trained: TrainedModel, frame: TrainingFrame, spec: DatasetSpec, settings: Settings, provenance: Provenance, *,
    parent_id: str | None = None, run_id: str | None = None, trigger: Trigger | None = None,
) -> dict[str, Any]:
    """The manifest as plain JSON values; NaN (a metric that is not defined) becomes null, secrets are masked.

    The registry adds id, version and time, which are not known before a model is registered.
    """
    fitted = trained.fitted
    manifest = {
        "architecture": fitted.architecture,
        "hyperparameters": architecture_named(fitted.architecture).hyperparameters,
        "artefact": {"hash": fitted.artefact_hash, "bytes": {name: len(content) for name, content in fitted.files.items()}},
        "dataset": {
            "id": dataset_id(spec, frame), "hash": frame.dataset_hash, "spec": asdict(spec), "rows": len(frame),
            "labelled": int((frame.weight > 0).sum()), "left_out": frame.left_out,
            "feature_set": frame.set_name, "feature_set_hash": frame.set_hash,
            "feature_day_hashes": list(frame.feature_day_hashes), "columns": list(frame.columns),
            "cost": asdict(frame.cost),
        },
        "features": settings.features.model_dump(mode="json"),
        "labels": frame.labels.model_dump(mode="json"),
        "training": settings.training.model_dump(mode="json"),
        "split": {
            "train": len(trained.split.train), "validation": len(trained.split.validation), "test": len(trained.split.test),
            "purged": trained.split.purged,
        },
        "seeds": {"training": settings.training.seed},
        "fit": fitted.report,
        "metrics": {part: scores.as_dict() for part, scores in trained.scores.items()},
        "importance": trained.importance,
        "provenance": provenance.as_dict(),
        "settings": settings.model_dump(mode="json"),
        "parent": parent_id, "run_id": run_id, "trigger": None if trigger is None else trigger.as_dict(),
    }
    plain: dict[str, Any] = _without_nan(manifest)
    return plain


@dataclass(frozen=True)
class Recipe:
    """What a manifest says about how to make its model again."""

    architecture: str
    hyperparameters: dict[str, Any]
    spec: DatasetSpec
    features: FeatureSettings
    labels: LabelSettings
    training: TrainingSettings
    cost: CostModel
    funding_delay_ms: int
    dataset_hash: str
    artefact_hash: str

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> Recipe:
        """Read a manifest.

        Raises
        ------
        PermanentError
            A field is missing or is not what this code writes.
        """
        try:
            dataset = manifest["dataset"]
            spec = {**dataset["spec"], "left_out_days": tuple(dataset["spec"]["left_out_days"])}
            return cls(
                manifest["architecture"], manifest["hyperparameters"], DatasetSpec(**spec),
                FeatureSettings(**manifest["features"]), LabelSettings(**manifest["labels"]),
                TrainingSettings(**manifest["training"]), CostModel(**dataset["cost"]),
                int(manifest["settings"]["quality"]["funding_delay_ms"]), dataset["hash"], manifest["artefact"]["hash"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PermanentError(f"manifest: expected the fields that this version writes, got {error!r}") from None


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list | tuple) else value
