"""Fitting: scaler, classifier and calibrator as one model, and its scores on rows it has not seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.hashing import hash_files
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.calibrate import Calibrator, calibrator_from_json, choose_calibrator
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scaling import Scaler
from huracan_platform.learning.models.scores import Scores, score
from huracan_platform.learning.models.split import Split, ended_before, forward_split
from huracan_platform.learning.models.zoo import ZooModel, architecture_named
from huracan_platform.settings import Settings

MIN_ROWS = 100
SPEC_FILE, SCALER_FILE, CALIBRATOR_FILE = "features.json", "scaler.json", "calibrator.json"
FORMAT = 1


@dataclass(frozen=True)
class FittedModel:
    """Everything needed to turn raw features into a calibrated probability.

    `report` tells what fitting settled on (trees, calibration candidates, row counts); it is not part of the artefact.
    """

    architecture: str
    columns: tuple[str, ...]
    set_name: str
    set_hash: str
    scaler: Scaler
    classifier: ZooModel
    calibrator: Calibrator
    report: dict[str, Any] = field(default_factory=dict)

    def probability(self, x: Float64) -> Float64:
        """Calibrated probability of up (n,) from raw features x (n, k); NaN where a feature is not finite.

        Raises
        ------
        DataContractError
            x has another number of columns than the model was trained on.
        """
        x = np.atleast_2d(x)
        if x.shape[1] != len(self.columns):
            raise DataContractError(f"model {self.architecture}: expected {len(self.columns)} features, got {x.shape[1]}")
        p = np.full(len(x), np.nan)
        complete = np.flatnonzero(np.isfinite(x).all(axis=1))
        if len(complete):
            p[complete] = self.calibrator.apply(self.raw_score(x[complete]))
        return p

    def raw_score(self, x: Float64) -> Float64:
        """The classifier's own probability of up (n,), before calibration; x (n, k) finite."""
        up: Float64 = self.classifier.predict_proba(self.scaler.apply(x))[:, 1]
        return up

    def importance(self) -> dict[str, float]:
        """Feature name to share, largest first."""
        shares = zip(self.columns, self.classifier.importance().tolist(), strict=True)
        return dict(sorted(shares, key=lambda item: (-item[1], item[0])))

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The artefact: weights, scaler, calibrator and feature spec, no pickle, the same bytes for the same model."""
        spec = {
            "format": FORMAT, "architecture": self.architecture, "columns": list(self.columns), "set_name": self.set_name,
            "set_hash": self.set_hash,
        }
        return {
            **self.classifier.save(), SPEC_FILE: _json(spec), SCALER_FILE: _json(self.scaler.to_json()),
            CALIBRATOR_FILE: _json(self.calibrator.to_json()),
        }

    @cached_property
    def artefact_hash(self) -> str:
        """SHA-256 hex over `files`."""
        return hash_files(self.files)

    @classmethod
    def from_files(cls, files: dict[str, bytes], *, threads: int = 1) -> FittedModel:
        """The inverse of `files`. Whoever calls this has checked the hash first (`ArtefactStore.load` does)."""
        try:
            spec, scaler = json.loads(files[SPEC_FILE]), json.loads(files[SCALER_FILE])
            if spec["format"] != FORMAT:
                raise DataContractError(f"model: expected format {FORMAT}, got {spec['format']!r}")
            return cls(
                spec["architecture"], tuple(spec["columns"]), spec["set_name"], spec["set_hash"], Scaler.from_json(scaler),
                architecture_named(spec["architecture"]).load(files, threads),
                calibrator_from_json(json.loads(files[CALIBRATOR_FILE])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataContractError(f"model: expected the files of a saved model, got {error!r}") from None


@dataclass(frozen=True)
class TrainedModel:
    """A model fitted on the oldest part of a frame, with its scores per part; `test` was held out from everything."""

    fitted: FittedModel
    split: Split
    scores: dict[str, Scores]
    importance: dict[str, float]

    @property
    def test(self) -> Scores:
        """Scores on the held-out part."""
        return self.scores["test"]


def fit_model(
    frame: TrainingFrame, train_rows: Int64, validation_rows: Int64, architecture: str, settings: Settings
) -> FittedModel:
    """Fit scaler and classifier on the training rows; stop early, and calibrate, on the validation rows.

    Abstaining rows are left out of fitting and calibration, not of the scaler: live rows do not tell in advance. The
    validation rows are cut in time order, the first half fits the calibrators and the second, purged, picks one.

    Raises
    ------
    DataContractError
        Too few labelled rows, or only one class among them.
    """
    train, validation = frame.labelled(train_rows), frame.labelled(validation_rows)
    _check_enough(frame, train, "training")
    _check_enough(frame, validation, "validation")
    scaler = Scaler.fit(frame.x[train_rows])
    kind = architecture_named(architecture)
    classifier = kind.create(settings.training.seed, settings.training.threads)
    x_valid = scaler.apply(frame.x[validation])
    classifier.fit(scaler.apply(frame.x[train]), frame.y[train], frame.weight[train], x_valid, frame.y[validation])

    second = validation[len(validation) // 2:]
    embargo_ms = settings.training.embargo_min * MINUTE_MS
    first = ended_before(frame, validation[: len(validation) // 2], int(frame.decision_ms[second[0]]), embargo_ms)
    p_valid = classifier.predict_proba(x_valid)[:, 1]
    # By index: labels end at their barrier, so purging does not take the youngest rows only.
    p_first = p_valid[np.searchsorted(validation, first)]
    choice = choose_calibrator(p_first, frame.y[first], p_valid[len(validation) // 2:], frame.y[second])
    report = {
        **classifier.report(), "calibrator": choice.calibrator.method, "calibration_brier": choice.brier,
        "calibration_rows": [choice.fitted_on, choice.picked_on], "train_rows": len(train), "validation_rows": len(validation),
    }
    return FittedModel(
        architecture, frame.columns, frame.set_name, frame.set_hash, scaler, classifier, choice.calibrator, report
    )


def train_model(frame: TrainingFrame, architecture: str, settings: Settings) -> TrainedModel:
    """Split forward, fit, and score each part with its labelled rows."""
    split = forward_split(frame, settings.training)
    fitted = fit_model(frame, split.train, split.validation, architecture, settings)
    scores = {}
    for name, rows in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        labelled = frame.labelled(rows)
        scores[name] = score(fitted.probability(frame.x[labelled]), frame.y[labelled])
    return TrainedModel(fitted, split, scores, fitted.importance())


def _check_enough(frame: TrainingFrame, rows: Int64, part: str) -> None:
    up = int(frame.y[rows].sum())
    if len(rows) < MIN_ROWS or up in (0, len(rows)):
        raise DataContractError(
            f"{part} rows of {frame.symbol}: expected at least {MIN_ROWS} labelled rows of both classes, "
            f"got {len(rows)} ({up} up)"
        )


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
