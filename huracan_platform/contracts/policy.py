"""What a risk policy sees and says, its versions, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from huracan_platform.contracts.market import Float64


@dataclass(frozen=True)
class RiskObservation:
    """Fifteen figures of one symbol's account and market at a decision bar.

    `drawdown` is the fraction lost of the highest equity so far; `win_rate` and `profit_factor` (gains over losses, at
    most 10) are of the last 20 closed trades, 0.5 and 1 before the first; `volatility` the trailing day's, annualised;
    the phases are 0 or 1; `temperature` and `entropy` lie in [0, 1]; `leverage` is the one in force; `open_positions`
    counts the symbol's own (0 or 1); `equity_ratio` is equity over that at the start; `consecutive_losses` ends the trades
    so far; `hours_since_trade` since the last entry or exit, at most 168, which also stands for none yet.
    """

    drawdown: float
    win_rate: float
    profit_factor: float
    volatility: float
    phase_accumulation: float
    phase_markup: float
    phase_distribution: float
    phase_markdown: float
    temperature: float
    entropy: float
    leverage: float
    open_positions: float
    equity_ratio: float
    consecutive_losses: float
    hours_since_trade: float

    def as_array(self) -> Float64:
        """(15,) in the order of the fields."""
        return np.array([getattr(self, name) for name in OBSERVATIONS])

    @classmethod
    def of_array(cls, values: Float64) -> RiskObservation:
        """From (15,) in the order of the fields."""
        return cls(*(float(v) for v in values))


OBSERVATIONS: tuple[str, ...] = tuple(f.name for f in fields(RiskObservation))


@dataclass(frozen=True)
class RiskParameters:
    """What a policy sets until the next decision bar.

    `leverage` counts against the configured maximum, `size_multiplier` scales the risk per trade (0: no entry), `stop_loss` is
    the furthest a stop may be from the entry, a fraction of its price.
    """

    leverage: float
    size_multiplier: float
    stop_loss: float


class RiskPolicy(Protocol):
    """Anything that sets risk parameters from an observation. Pure: equal observations give equal parameters."""

    def risk_parameters(self, observation: RiskObservation) -> RiskParameters:
        """The parameters until the next decision bar."""
        ...


@dataclass(frozen=True)
class PolicyCard:
    """One policy version. `model_id` is the version whose walk-forward decisions it was trained on; wire ms UTC."""

    policy_id: str
    venue: str
    symbol: str
    version: int
    artefact_hash: str
    model_id: str
    dataset_hash: str
    manifest: dict[str, Any]
    created_ms: int


@dataclass(frozen=True)
class Contender:
    """How one policy did on the held-out rows, and each of its seeds where it has several.

    `score` is utility (log growth less weight times maximum drawdown), the interquartile mean over seeds; `lead` the
    interval of the trained policy's score less this one's, None for the trained policy itself.
    """

    name: str
    score: float
    log_growth: float
    max_drawdown: float
    trades: int
    seed_scores: tuple[float, ...] = ()
    lead: tuple[float, float] | None = None


@dataclass(frozen=True)
class PolicyVerdict:
    """The held-out comparison of one version. `approved` only where the trained policy leads every rival beyond chance."""

    policy_id: str
    approved: bool
    winner: str
    reason: str
    days: int
    contenders: tuple[Contender, ...]
    judged_ms: int
