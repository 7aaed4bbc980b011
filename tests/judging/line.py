"""The whole line from a synthetic market to seven verdicts, in one process: for the controls that judge the judges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.market import Candles, Float64, FundingRates
from huracan_platform.contracts.model import GateStatus, Verdict
from huracan_platform.data.features.alignment import align_funding
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.registry import feature_set
from huracan_platform.decision.costs import account_costs, founding_costs
from huracan_platform.judging.evaluation.bootstrap import block_permutation
from huracan_platform.judging.evaluation.leakage import RecomputeRow
from huracan_platform.judging.evaluation.walk_forward import WalkForward, walk_forward
from huracan_platform.judging.gates.collect import collect_evidence
from huracan_platform.judging.gates.evidence import JudgingEvidence, Trials
from huracan_platform.judging.gates.judge import judge
from huracan_platform.learning.models.frame import TrainingFrame, build_frame
from huracan_platform.learning.models.train import train_model
from huracan_platform.settings import Settings
from huracan_platform.simulator.market.synthetic import generate_symbol
from tests.judging.world import START_MS

JUDGED_GATES = (1, 2, 3, 5, 6)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """One symbol's history with its features and labels."""

    candles: Candles
    funding: FundingRates
    frame: TrainingFrame
    settings: Settings
    recompute: RecomputeRow


def synthetic_world(seed: int, days: int, settings: Settings, base: str = "BTC") -> World:
    """What a download, a feature build and labelling of the synthetic market would give."""
    listed, _ = generate_symbol(base, seed, START_MS, days * 1_440)
    bars, instrument = listed.bars, listed.instrument
    tick, lot = 10.0**-instrument.price_decimals, 10.0**-instrument.quantity_decimals
    symbol = f"{base}/USDT:USDT"
    prices = (getattr(bars, name) * tick for name in ("open", "high", "low", "close"))
    candles = Candles(symbol, bars.ts_ms, *prices, bars.volume * lot)
    history = listed.funding
    funding = FundingRates(symbol, history.ts_ms, history.rate, np.full(len(history.ts_ms), 8.0))
    values = compute_features(candles, funding, settings)
    core = feature_set("core", "full")
    matrix = FeatureMatrix(symbol, candles.ts_ms, values, core.columns, core.name, core.set_hash, ())

    frame = build_frame(candles, matrix, settings.labels, account_costs(settings.costs))
    return World(candles, funding, frame, settings, recomputer(candles, funding, settings))


def compute_features(candles: Candles, funding: FundingRates, settings: Settings) -> Float64:
    """(n, k) rows of the core set."""
    rates = align_funding(candles.ts_ms, funding, settings.quality.funding_delay_ms)
    return FeatureEngine(feature_set("core", "full")).run(candles, rates)


def recomputer(candles: Candles, funding: FundingRates, settings: Settings) -> RecomputeRow:
    """Rows computed anew by an engine that has seen no bar after theirs; it goes on from one row to a later one."""
    engine = FeatureEngine(feature_set("core", "full"))

    def recompute(ts_ms: int) -> Float64:
        nonlocal engine
        if engine.newest_ms is not None and engine.newest_ms >= ts_ms:
            engine = FeatureEngine(engine.feature_set)
        seen = 0 if engine.newest_ms is None else int(np.searchsorted(candles.ts_ms, engine.newest_ms)) + 1
        past = bars_between(candles, seen, int(np.searchsorted(candles.ts_ms, ts_ms)) + 1)
        return engine.run(past, align_funding(past.ts_ms, funding, settings.quality.funding_delay_ms))[-1]

    return recompute


def bars_between(candles: Candles, first: int, end: int) -> Candles:
    """Bars first ≤ i < end."""
    columns = ("ts_ms", "open", "high", "low", "close", "volume")
    return Candles(candles.symbol, **{c: getattr(candles, c)[first:end] for c in columns})


def shuffled_labels(frame: TrainingFrame, rng: np.random.Generator) -> TrainingFrame:
    """Labels permuted in day-long blocks among the rows that have one: their clustering stays, their meaning goes."""
    known = np.flatnonzero(np.isfinite(frame.y))
    y = frame.y.copy()
    y[known] = y[known][block_permutation(len(known), 96, rng)]
    return frame.with_labels(y)


def evidence_of(
    world: World, architecture: str, *, seed: int = 0, trials: Trials | None = None,
) -> tuple[JudgingEvidence, WalkForward]:
    """Train, walk forward, backtest, examine."""
    frame, settings = world.frame, world.settings
    trained = train_model(frame, architecture, settings)
    result = walk_forward(frame, settings, architecture)
    schedules = account_costs(settings.costs), founding_costs(settings.costs)
    evidence = collect_evidence(
        f"{architecture}-{frame.dataset_hash[:8]}", trained.fitted, trained.split, result, frame, world.candles, world.funding,
        schedules, trials or Trials(len(settings.training.architectures)), settings, np.random.default_rng(seed),
        recompute=world.recompute,
    )
    return evidence, result


def judged(evidence: JudgingEvidence, settings: Settings, *, seed: int = 0) -> tuple[Verdict, ...]:
    """The seven verdicts."""
    return judge(evidence, settings.gates, judged_at=NOW, rng=np.random.default_rng(seed))


def passes(verdicts: tuple[Verdict, ...]) -> bool:
    """Whether the gates that can be judged all pass."""
    return all(v.status is GateStatus.PASS for v in verdicts if v.gate in JUDGED_GATES)


__all__ = ["JUDGED_GATES", "World", "evidence_of", "judged", "passes", "shuffled_labels", "synthetic_world"]
