"""Fee schedules and what a round trip costs. All returned figures are fractions of notional."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.settings import CostSettings


@dataclass(frozen=True)
class CostModel:
    """Fractions of notional per side; negative maker fee is a rebate."""

    name: str
    maker_fee: float
    taker_fee: float
    half_spread: float
    slippage: float

    @property
    def taker_side(self) -> float:
        """Cost of one taker fill: fee, half the spread, slippage."""
        return self.taker_fee + self.half_spread + self.slippage

    @property
    def round_trip(self) -> float:
        """In and out as taker."""
        return 2.0 * self.taker_side


def account_costs(costs: CostSettings, *, maker_fee: float | None = None, taker_fee: float | None = None) -> CostModel:
    """The account's schedule; None takes the settings' default where the venue does not tell its own."""
    return CostModel(
        "account",
        costs.maker_fee_bps / 1e4 if maker_fee is None else maker_fee,
        costs.taker_fee_bps / 1e4 if taker_fee is None else taker_fee,
        costs.half_spread_bps / 1e4,
        costs.slippage_bps / 1e4,
    )


def founding_costs(costs: CostSettings) -> CostModel:
    """The named scenario of the founding documents, -0.5 / +8 bps."""
    return CostModel(
        "founding", costs.founding_maker_fee_bps / 1e4, costs.founding_taker_fee_bps / 1e4,
        costs.half_spread_bps / 1e4, costs.slippage_bps / 1e4,
    )
