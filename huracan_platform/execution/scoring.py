"""Models in charge: which one a symbol trades by, and what it says about one feature row."""

from __future__ import annotations

import math
from dataclasses import dataclass

from huracan_platform.clock import MINUTE_MS, Clock
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.models.train import FittedModel
from huracan_platform.learning.registry import Registry

SIGMA_COLUMN = "realised_vol_1440"


@dataclass(frozen=True)
class ActiveModel:
    """A model with all that belongs to it: weights, scaler, calibrator and feature spec are one artefact."""

    model_id: str
    artefact_hash: str
    fitted: FittedModel


def is_decision_bar(ts_ms: int, sample_every_min: int) -> bool:
    """Whether the bar that opened at `ts_ms` closes on the sampling grid, where the model is asked."""
    return (ts_ms + MINUTE_MS) % (sample_every_min * MINUTE_MS) == 0


def probability(fitted: FittedModel, row: FeatureRow) -> float:
    """Calibrated probability of up for one row; infinite where a feature is missing and the model cannot answer.

    NaN is kept for bars at which no model is asked, so that a missing feature gets its own reason.
    """
    p_up = float(fitted.probability(row.values.reshape(1, -1))[0])
    return math.inf if math.isnan(p_up) else p_up


def horizon_sigma(row: FeatureRow, horizon_bars: int) -> float:
    """Trailing standard deviation of the horizon's log return."""
    per_minute = float(row.values[row.columns.index(SIGMA_COLUMN)])
    return per_minute * math.sqrt(horizon_bars)


class ModelDesk:
    """The model in charge of each symbol. A swap is one assignment between two bars: all of a version or nothing.

    Parameters
    ----------
    gateway
        Only models with a valid authorisation for it are put in charge.
    columns, set_hash
        What the session computes; a model trained on anything else is refused.
    """

    def __init__(self, registry: Registry, clock: Clock, *, gateway: str, columns: tuple[str, ...], set_hash: str) -> None:
        self._registry = registry
        self._clock = clock
        self._gateway = gateway
        self._columns = columns
        self._set_hash = set_hash
        self.in_charge: dict[str, ActiveModel] = {}

    def appoint_standing(self, venue: str, symbol: str) -> str | None:
        """Put the version in charge that took charge last and still may; its id, None when none may."""
        standing = self._registry.standing(venue, symbol, self._gateway, self._clock.wire_ms())
        return self.appoint(standing[-1].model_id) if standing else None

    def appoint(self, model_id: str) -> str:
        """Load, check and put a model in charge of its symbol; returns its id.

        Raises
        ------
        PermanentError
            There is no such model, it has no valid authorisation, or it was not activated and others were.
        DataContractError
            Its artefact is damaged, or it was trained on other features.
        """
        card, now = self._registry.card(model_id), self._clock.wire_ms()
        permission = self._registry.authorisation(model_id, self._gateway, now)
        if not permission.valid:
            raise PermanentError(f"model {model_id}: expected leave to trade through {self._gateway}, got: {permission.reason}")
        standing = [g.model_id for g in self._registry.standing(card.venue, card.symbol, self._gateway, now)]
        if model_id not in standing:
            raise PermanentError(f"model: expected one that was activated ({', '.join(standing)}), got {model_id}, which was not")
        fitted = self._registry.load(model_id)
        if (fitted.columns, fitted.set_hash) != (self._columns, self._set_hash):
            raise DataContractError(
                f"model {model_id}: expected features {self._set_hash[:12]} ({len(self._columns)} columns), "
                f"got {fitted.set_hash[:12]} ({len(fitted.columns)})"
            )
        self.in_charge[card.symbol] = ActiveModel(model_id, card.artefact_hash, fitted)
        return model_id

    def authorised_until(self, model_id: str) -> int | None:
        """Expiry of the model's authorisation, wire ms; None where there is none that is valid now."""
        permission = self._registry.authorisation(model_id, self._gateway, self._clock.wire_ms())
        return permission.authorisation.expires_ms if permission.valid and permission.authorisation else None
