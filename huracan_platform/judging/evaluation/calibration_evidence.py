"""Out-of-sample probabilities beside what happened, and how sure one may be that they beat the base rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.judging.evaluation.bootstrap import bootstrap_interval
from huracan_platform.judging.evaluation.walk_forward import WalkForward
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scores import Reliability, brier, brier_skill, debiased_ece, reliability

MINUTES_PER_DAY = 1_440


@dataclass(frozen=True)
class CalibrationEvidence:
    """`p_up` (n,) calibrated out-of-sample probabilities of the rows whose label is up or down, `y` (n,) what it was.

    Rows that abstain (no direction earned its costs) have no outcome that a probability of up could be right about;
    they are counted in `abstained`. `block` is the mean bootstrap block, one day of rows: labels overlap.
    """

    p_up: Float64
    y: Float64
    abstained: int
    block: int

    @property
    def brier(self) -> float:
        """Mean squared error of the probabilities."""
        return brier(self.p_up, self.y)

    @property
    def skill(self) -> float:
        """Brier skill against the base rate of these very rows, the hardest constant to beat."""
        return brier_skill(self.p_up, self.y)

    @property
    def ece(self) -> float:
        """Debiased calibration error over equal-mass bins."""
        return debiased_ece(self.p_up, self.y)

    @property
    def reliability(self) -> Reliability:
        """The reliability diagram's points."""
        return reliability(self.p_up, self.y)

    def skill_interval(self, draws: int, rng: np.random.Generator) -> tuple[float, float] | None:
        """90 % block bootstrap interval of the Brier skill."""
        if len(self.y) == 0:
            return None
        return bootstrap_interval(lambda at: brier_skill(self.p_up[at], self.y[at]), len(self.y), self.block, draws, rng)


def calibration_evidence(frame: TrainingFrame, result: WalkForward) -> CalibrationEvidence:
    """What a walk-forward run says about calibration."""
    y = frame.y[result.rows]
    known = np.isfinite(y)
    block = max(MINUTES_PER_DAY // frame.labels.sample_every_min, 1)
    return CalibrationEvidence(result.p_up[known], y[known], int((~known).sum()), block)
