"""The demo's way through the asset graph: its jobs in order, and the partitions of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# As `huracan policy train --quick`: enough to be judged, not enough to be good.
QUICK_POLICY: Mapping[str, Any] = {"ops": {"rl_policies": {"config": {"timesteps": 10_000, "seeds": 3}}}}


class Over(StrEnum):
    """Partitions of a step."""

    NOTHING = "unpartitioned"
    HISTORY = "all full days before the market's now"
    KEPT_DAYS = "the days that the venue still keeps open interest and ratios of, and those since the demo began"
    NEW_DAYS = "the full days since the demo began"
    SYMBOLS = "all symbols"


@dataclass(frozen=True)
class Step:
    """One job of the demo. `text` tells what is coming."""

    text: str
    job: str
    over: Over
    config: Mapping[str, Any] = field(default_factory=dict)


BEFORE_SESSION = (
    Step("instruments", "instruments_job", Over.NOTHING),
    Step("market data: download, contract, six checks", "market_data_job", Over.HISTORY),
    Step("features", "feature_job", Over.HISTORY),
    Step("models: train, calibrate, register, rank features; then the gates", "training_job", Over.SYMBOLS),
    Step("risk policies: train briefly, compare on held-out days", "policy_job", Over.SYMBOLS, QUICK_POLICY),
)
SESSION = Step("paper session", "paper_session_job", Over.NOTHING)
AFTER_SESSION = (
    Step("market data of the session's day", "market_data_job", Over.NEW_DAYS),
    Step("open interest, mark prices, ratios; what was recorded of texts and liquidations", "market_facts_job", Over.KEPT_DAYS),
    Step("trades and books of each second that was recorded", "microstructure_job", Over.NEW_DAYS),
    Step("repair of what is missing, and what is left", "repair_job", Over.NOTHING),
    Step("the day's summary of the data", "summary_job", Over.NOTHING),
    Step("features of the session's day", "feature_job", Over.NEW_DAYS),
    Step("positioning features: what traders hold, pay, say and lose", "positioning_job", Over.KEPT_DAYS),
    Step("drift of the versions in use", "drift_job", Over.SYMBOLS),
    Step("shadow returns", "shadow_job", Over.SYMBOLS),
)
