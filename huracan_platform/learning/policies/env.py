"""The replay as a Gymnasium environment: a step is one decision bar, an episode some days of them.

The reward is in units of the risk per trade, so that a lost trade of usual size costs about 1:
log equity change, less weight times the rise of the drawdown, less a turnover cost.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.policy import OBSERVATIONS, RiskParameters
from huracan_platform.learning.policies.actions import HIGH, LOW, parameters_of
from huracan_platform.learning.policies.observation import MOST_HOURS, MOST_PROFIT_FACTOR
from huracan_platform.learning.policies.replay import LEAST_EQUITY, LEVERAGE, Account, ReplayData
from huracan_platform.settings import RiskPolicySettings

MOST_LEVERAGE = 10.0
_NO_BOUND = float(np.finfo(np.float32).max)
OBSERVATION_HIGH: dict[str, float] = {
    "win_rate": 1.0, "profit_factor": MOST_PROFIT_FACTOR, "leverage": MOST_LEVERAGE, "open_positions": 1.0,
    "hours_since_trade": float(MOST_HOURS), "temperature": 1.0, "entropy": 1.0,
    **{name: 1.0 for name in OBSERVATIONS if name.startswith("phase_")},
}

Observation = npt.NDArray[np.float32]


class RiskEnv(gymnasium.Env[Observation, npt.NDArray[np.float32]]):
    """Fifteen observations, three actions: leverage adjustment, size multiplier, stop loss in percent.

    An episode starts at a row drawn by the seed and lasts `episode_days`, or to the end of the data. It is truncated there
    and terminates only where no equity is left.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - declared so by gymnasium

    def __init__(self, data: ReplayData, settings: RiskPolicySettings) -> None:
        high = np.array([OBSERVATION_HIGH.get(name, _NO_BOUND) for name in OBSERVATIONS], dtype=np.float32)
        low = np.array([-_NO_BOUND if name == "equity_ratio" else 0.0 for name in OBSERVATIONS], dtype=np.float32)
        self.observation_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        self.action_space = gymnasium.spaces.Box(LOW.astype(np.float32), HIGH.astype(np.float32), dtype=np.float32)
        self._data = data
        self._settings = settings
        self._account = Account(data, settings)
        self._end = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """A fresh account at a drawn row."""
        super().reset(seed=seed)
        ts_ms = self._data.ts_ms
        length_ms = self._settings.episode_days * DAY_MS
        latest = int(np.searchsorted(ts_ms, ts_ms[-1] - length_ms, side="right"))
        first = int(self.np_random.integers(max(latest, 1)))
        self._end = max(int(np.searchsorted(ts_ms, ts_ms[first] + length_ms, side="right")) - 1, first + 1)
        self._account.begin(first)
        return self._observation(), {"row": first}

    def step(self, action: npt.NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Trade to the next decision bar under the action's parameters, which `info` names."""
        account = self._account
        given: Float64 = np.clip(np.asarray(action, dtype=np.float64), LOW, HIGH)
        risk = parameters_of(given, float(account.state[LEVERAGE]), self._settings.max_leverage)
        before, drawdown = account.equity, account.drawdown
        truncated = account.row + 1 == self._end
        turnover = account.step(risk, last=truncated)
        return self._observation(), self._reward(before, drawdown, turnover), account.ruined, truncated, self._told(risk)

    def _reward(self, before: float, drawdown: float, turnover: float) -> float:
        account, settings = self._account, self._settings
        change = np.log(max(account.equity, LEAST_EQUITY) / before)
        fallen = max(min(account.drawdown, 1.0) - drawdown, 0.0)
        cost = turnover * settings.turnover_cost_bps / 1e4
        return float((change - settings.drawdown_weight * fallen - cost) / self._data.parameters.risk_per_trade)

    def _observation(self) -> Observation:
        return self._account.observe().astype(np.float32)

    def _told(self, risk: RiskParameters) -> dict[str, Any]:
        return {"row": self._account.row, "equity": self._account.equity, "risk": risk}
