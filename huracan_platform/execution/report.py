"""What a session did, counted while it runs and told at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from huracan_platform.contracts.decision import Action, Reason
from huracan_platform.execution.trades import RoundTrip


@dataclass(frozen=True)
class SessionProgress:
    """A glance at a running session. `market_ms`: close of the newest bar, ms UTC; `share` of the market hours asked for."""

    market_ms: int
    share: float
    bars: int
    decisions: int
    orders: int
    fills: int
    equity_usd: float
    trading_state: str


@dataclass(frozen=True)
class SessionReport:
    """A finished session. Latencies are wall ms from a bar seen closed to its order written ahead; None without orders.

    `denials` counts failed pre-trade checks by code, `suppressed` the decision bars that wanted nothing by reason.
    """

    session_id: str
    name: str
    venue: str
    account: str
    epoch: int
    end_reason: str
    first_bar_ms: int | None
    last_bar_ms: int | None
    wall_s: float
    bars: dict[str, int]
    models: dict[str, str | None]
    decisions: dict[str, int]
    actions: dict[str, int]
    denials: dict[str, int]
    orders: dict[str, int]
    stale_bars: int
    refills: int
    reconnects: int
    fills: int
    trades: tuple[RoundTrip, ...]
    open_positions: dict[str, str]
    fill_ids: tuple[int, ...]
    start_equity_usd: str
    end_equity_usd: str
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    trading_state: str

    @property
    def pnl_usd(self) -> Decimal:
        """Profit of the closed trades after fees."""
        return sum((t.pnl for t in self.trades), Decimal(0))

    @property
    def market_hours(self) -> float:
        """Market time covered, hours."""
        if self.first_bar_ms is None or self.last_bar_ms is None:
            return 0.0
        return (self.last_bar_ms - self.first_bar_ms) / 3_600_000

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; decimals as text."""
        values = asdict(self)
        values["trades"] = [t.as_dict() for t in self.trades]
        values["fill_ids"] = list(self.fill_ids)
        return {**values, "pnl_usd": str(self.pnl_usd), "market_hours": round(self.market_hours, 4)}


@dataclass
class Tally:
    """Running counts of one session."""

    bars: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    denials: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    stale_bars: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    first_bar_ms: int | None = None
    last_bar_ms: int | None = None

    def saw_bar(self, symbol: str, open_ms: int, close_ms: int) -> None:
        """Count one bar."""
        self.bars[symbol] += 1
        self.first_bar_ms = open_ms if self.first_bar_ms is None else min(self.first_bar_ms, open_ms)
        self.last_bar_ms = close_ms if self.last_bar_ms is None else max(self.last_bar_ms, close_ms)

    def decided(self, action: Action, reason: Reason) -> None:
        """Count one journalled decision."""
        self.decisions[reason.name] += 1
        self.actions[action.name] += 1

    def latency(self, share: float) -> float | None:
        """A quantile of the latencies, ms."""
        return round(float(np.quantile(self.latencies_ms, share)), 3) if self.latencies_ms else None


def sorted_counts(counter: Counter[str]) -> dict[str, int]:
    """Most frequent first, ties by name."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))

