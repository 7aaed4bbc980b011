"""Costs, the strategy, limits and sessions."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class CostSettings(Section):
    """Costs where the venue does not tell its own. Basis points of notional, positive = paid."""

    maker_fee_bps: float = 2.0
    taker_fee_bps: float = 5.0
    founding_maker_fee_bps: float = -0.5
    founding_taker_fee_bps: float = 8.0
    half_spread_bps: float = Field(0.5, ge=0)
    slippage_bps: float = Field(1.0, ge=0, description="taker slippage beyond the spread")


class StrategySettings(Section):
    """The model-barrier strategy: enter on calibrated probability, leave at barrier, stop or time."""

    enter_probability: Fraction = Field(0.62, description="calibrated probability needed to enter")
    min_edge_bps: float = Field(0.0, description="expected edge after round-trip cost needed to enter")
    risk_per_trade: Fraction = Field(0.0025, description="equity fraction lost when the stop is hit")
    max_leverage_per_symbol: float = Field(0.5, gt=0, description="notional / equity cap per symbol")


class RiskSettings(Section):
    """Hard limits of the pre-trade checks and the governor."""

    price_collar: Fraction = Field(0.02, description="order price may differ from mark by this fraction")
    price_collar_period: Fraction = Field(0.08, description="order price may differ from any mark of the collar's period by this")
    collar_period_market_s: float = Field(900.0, gt=0, description="period of the second collar, market clock")
    max_order_usd: Decimal = Decimal("25000")
    max_order_quantity: Decimal = Decimal("1000000")
    max_symbol_leverage: float = 1.0
    max_gross_leverage: float = 2.0
    max_net_leverage: float = 1.5
    max_daily_loss: Fraction = 0.05
    soft_brake_drawdown: Fraction = 0.05
    quarantine_drawdown: Fraction = 0.10
    hard_stop_drawdown: Fraction = 0.15
    max_clock_skew_ms: int = 500
    halt_clock_skew_ms: int = 1000
    max_open_orders: int = Field(20, ge=1, description="orders that may stand at the venue, stops included")
    deescalate_after_market_s: float = Field(
        3600.0, ge=0, description="the governor relaxes one state after so long below its bound"
    )
    deescalate_margin: Fraction = Field(0.01, description="and only when the drawdown is this much below the state's bound")
    stop_distance_max: Fraction = 0.10


class ExecutionSettings(Section):
    """Lease, deadlines and session bounds. Seconds are wall time unless the name says market."""

    gateway: Literal["paper"] = "paper"
    lease_ttl_s: float = Field(15.0, gt=0)
    heartbeat_s: float = Field(5.0, gt=0)
    order_deadline_s: float = Field(5.0, gt=0, description="an intent not accepted by then is not valid any more")
    clock_bound_s: float = Field(1.0, ge=0)
    unknown_grace_s: float = Field(10.0, gt=0, description="wait after the deadline before not-found proves anything")
    unknown_not_found: int = Field(3, ge=3, description="definitive not-founds needed")
    reconcile_every_s: float = Field(5.0, gt=0)
    max_session_s: float = Field(6 * 3600.0, gt=0, description="bound of one session")
    stale_bar_market_s: float = Field(150.0, gt=0, description="newest closed bar older than this: no new risk")
    authorisation_days: int = Field(30, ge=1)
