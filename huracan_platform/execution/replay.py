"""A past decision, made again from the library alone, and compared bit for bit.

`recompute` sees references and account inputs only. What the session stored as features, probability, volatility,
closing price and decision is withheld from it and compared at the end.
"""

from __future__ import annotations

import math
import struct
from dataclasses import asdict, dataclass
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.contracts.decision import Decision, DecisionInputs, StrategyParameters
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.journal import DecisionRecord, FeatureSource
from huracan_platform.contracts.market import Pin
from huracan_platform.data.features.recompute import recompute_row
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.decide import decide
from huracan_platform.execution.scoring import horizon_sigma, probability
from huracan_platform.learning.models.artefact import ArtefactStore
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class ReplayInputs:
    """What replay may know: where to read, and the account as it stood. No feature, score, price or decision."""

    venue: str
    symbol: str
    ts_ms: int
    pin: Pin
    source: FeatureSource
    model_asked: bool
    artefact_hash: str | None
    position: float
    entry_price: float
    stop_price: float
    take_price: float
    bars_held: int
    equity_usd: float
    risk_multiplier: float
    parameters: StrategyParameters


@dataclass(frozen=True)
class Recomputed:
    """What came out."""

    features: FeatureRow
    inputs: DecisionInputs
    decision: Decision


@dataclass(frozen=True)
class Difference:
    """One figure that is not the same bits."""

    name: str
    stored: Any
    recomputed: Any


@dataclass(frozen=True)
class ReplayReport:
    """Outcome of one replay: identical when there is no difference; they come in the order of computation."""

    decision_id: str
    compared: int
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """True when every compared figure has the same bits."""
        return not self.differences


class Replayer:
    """Makes decisions again."""

    def __init__(self, brain: Brain, store: FeatureStore, artefacts: ArtefactStore, settings: Settings) -> None:
        self._candles = CandleRepository(brain)
        self._store = store
        self._artefacts = artefacts
        self._settings = settings

    def replay(self, record: DecisionRecord) -> ReplayReport:
        """Recompute the decision and compare.

        Raises
        ------
        DataContractError, PermanentError
            The library or the stores no longer have what the decision was made from.
        """
        again = self.recompute(replay_inputs(record))
        stored = _figures(record.features, record.inputs, record.decision)
        recomputed = _figures(again.features, again.inputs, again.decision)
        names = list(dict.fromkeys([*stored, *recomputed]))
        different = (n for n in names if _bits(stored.get(n)) != _bits(recomputed.get(n)))
        differences = tuple(Difference(n, stored.get(n), recomputed.get(n)) for n in different)
        return ReplayReport(record.decision_id, len(names), differences)

    def recompute(self, given: ReplayInputs) -> Recomputed:
        """Features, probability, volatility and decision from what is given and the library as its pin sees it."""
        row = self._features(given)
        p_up = math.nan
        if given.model_asked and given.artefact_hash is not None:
            p_up = probability(self._artefacts.load(given.artefact_hash), row)
        inputs = DecisionInputs(
            symbol=given.symbol, ts_ms=given.ts_ms, close=self._close(given), p_up=p_up,
            sigma=horizon_sigma(row, given.parameters.horizon_bars), position=given.position, entry_price=given.entry_price,
            stop_price=given.stop_price, take_price=given.take_price, bars_held=given.bars_held, equity_usd=given.equity_usd,
            risk_multiplier=given.risk_multiplier, parameters=given.parameters,
        )
        return Recomputed(row, inputs, decide(inputs))

    def _features(self, given: ReplayInputs) -> FeatureRow:
        features = feature_set(given.source.feature_set, given.source.profile, settings=self._settings.features)
        return recompute_row(
            self._store, given.venue, given.symbol, features, given.ts_ms, given.pin, state_from_ms=given.source.state_from_ms,
            checkpoint_hash=given.source.checkpoint_hash,
        )

    def _close(self, given: ReplayInputs) -> float:
        bar = self._candles.read(given.venue, [given.symbol], given.ts_ms, given.ts_ms + 1, given.pin)[given.symbol]
        return float(bar.close[0])


def replay_inputs(record: DecisionRecord) -> ReplayInputs:
    """The part of a record that replay may see."""
    i = record.inputs
    return ReplayInputs(
        venue=record.venue, symbol=i.symbol, ts_ms=i.ts_ms, pin=record.pin, source=record.source,
        model_asked=record.model_asked, artefact_hash=record.artefact_hash, position=i.position, entry_price=i.entry_price,
        stop_price=i.stop_price, take_price=i.take_price, bars_held=i.bars_held, equity_usd=i.equity_usd,
        risk_multiplier=i.risk_multiplier, parameters=i.parameters,
    )


def _figures(features: FeatureRow, inputs: DecisionInputs, decision: Decision) -> dict[str, Any]:
    """Every figure by name, in the order of computation."""
    named = {f"feature {name}": float(value) for name, value in zip(features.columns, features.values, strict=True)}
    output = {f"decision {name}": value for name, value in asdict(decision).items()}
    return {
        "close": inputs.close, "feature set": features.set_hash, **named, "feature row": features.row_hash,
        "sigma": inputs.sigma, "p_up": inputs.p_up, **output,
    }


def _bits(value: Any) -> Any:
    """Floats by their bits, every NaN alike; other values as they are."""
    if not isinstance(value, float):
        return value
    return "nan" if math.isnan(value) else struct.pack("<d", value)
