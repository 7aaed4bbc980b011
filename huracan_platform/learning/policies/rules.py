"""Policies without learning: fixed defaults, flat, and the rules that stand in where no trained policy is approved."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.contracts.policy import RiskObservation, RiskParameters

LEAST_LEVERAGE = 1.0
LEAST_STOP, MOST_STOP = 0.005, 0.10
LEAST_SIZE, MOST_SIZE = 0.5, 2.0

CALM, WILD = 0.50, 1.00                # annualised volatility; crypto majors spend most days in between
FALLEN, FALLEN_FAR = 0.05, 0.10        # the governor's own bounds of brake and quarantine
STREAK, LONG_STREAK = 3, 5
HIGH_ENTROPY, DISORDER = 0.60, 0.80


@dataclass(frozen=True)
class FixedPolicy:
    """The same parameters always. The defaults leave the strategy's size and leverage as they are."""

    max_leverage: float
    stop_loss: float
    size_multiplier: float = 1.0

    def risk_parameters(self, observation: RiskObservation) -> RiskParameters:
        """The fixed parameters, whatever is observed."""
        return RiskParameters(self.max_leverage, self.size_multiplier, self.stop_loss)


def flat_policy(max_leverage: float, stop_loss: float) -> FixedPolicy:
    """Never enters."""
    return FixedPolicy(max_leverage, stop_loss, 0.0)


@dataclass(frozen=True)
class FallbackPolicy:
    """Rules: volatility sets leverage; drawdown, loss streak and phase the size; entropy a wider stop."""

    max_leverage: float
    stop_loss: float

    def risk_parameters(self, observation: RiskObservation) -> RiskParameters:
        """The rules' answer, within the bounds of a trained policy's."""
        o = observation
        calm = 1.0 if o.volatility <= CALM else 0.6 if o.volatility <= WILD else 0.3
        size = 1.0 if o.drawdown < FALLEN else 0.75 if o.drawdown < FALLEN_FAR else LEAST_SIZE
        size *= 1.0 if o.consecutive_losses < STREAK else 0.75 if o.consecutive_losses < LONG_STREAK else 0.5
        size *= 0.8 if o.phase_distribution or o.phase_markdown else 1.0
        wider = 1.5 if o.entropy > DISORDER else 1.2 if o.entropy > HIGH_ENTROPY else 1.0
        return RiskParameters(
            max(self.max_leverage * calm, LEAST_LEVERAGE), min(max(size, LEAST_SIZE), MOST_SIZE),
            min(max(self.stop_loss * wider, LEAST_STOP), MOST_STOP),
        )
