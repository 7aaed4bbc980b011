"""The decision and everything it was made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Action(IntEnum):
    """What to do with one symbol at one bar."""

    HOLD = 0
    ENTER_LONG = 1
    ENTER_SHORT = 2
    EXIT = 3


class Reason(IntEnum):
    """Why. Every bar of every symbol gets exactly one."""

    NO_OPINION = 0            # not a decision bar
    BELOW_PROBABILITY = 1
    EDGE_BELOW_COST = 2
    MISSING_FEATURE = 3       # probability or volatility is not finite
    GOVERNOR = 4              # multiplier 0: no new risk
    IN_POSITION = 5
    ENTRY_LONG = 6
    ENTRY_SHORT = 7
    TAKE_PROFIT = 8
    TIME_EXIT = 9
    STOP = 10                 # close beyond the stop: leave even if the venue's stop did not fire
    FORCED_EXIT = 11          # governor asks for flat


@dataclass(frozen=True)
class StrategyParameters:
    """Frozen inputs of the kernel; fractions, not percents. Part of the decision record.

    `risk_policy` is the id of the policy that limited leverage, stop distance and multiplier at this bar, the three after it
    are its answer; None without one.
    """

    enter_probability: float
    min_edge: float
    round_trip_cost: float
    barrier_sigma: float
    horizon_bars: int
    risk_per_trade: float
    max_leverage: float
    max_stop_distance: float
    risk_policy: str | None = None
    risk_leverage: float | None = None
    risk_size_multiplier: float | None = None
    risk_stop_loss: float | None = None


@dataclass(frozen=True)
class DecisionInputs:
    """All that `decide()` may look at: one closed bar of one symbol, the model's output, the book, the account.

    `p_up` is the calibrated probability of up (NaN: no opinion at this bar), `sigma` the trailing standard deviation
    of the horizon's log return, `position` the signed notional / equity, `bars_held` full bars since entry,
    `equity_usd` the account's equity, `risk_multiplier` what the governor and sizing factors leave (0 = no new risk,
    negative = leave now).
    """

    symbol: str
    ts_ms: int
    close: float
    p_up: float
    sigma: float
    position: float
    entry_price: float
    stop_price: float
    take_price: float
    bars_held: int
    equity_usd: float
    risk_multiplier: float
    parameters: StrategyParameters

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the journal and for replay."""
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """The outcome. `target` is the wanted signed notional / equity; stop and take are prices (0 when none)."""

    action: Action
    reason: Reason
    target: float
    stop_price: float
    take_price: float
    edge: float
