"""The limits that pre-trade checks compare with, as exact decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.settings import Settings


@dataclass(frozen=True)
class RiskLimits:
    """Fractions are of price (collars) or of equity (loss, drawdown); leverage is notional / equity; ages in ms."""

    price_collar: Decimal
    period_collar: Decimal
    max_order_usd: Decimal
    max_order_quantity: Decimal
    max_symbol_leverage: Decimal
    max_gross_leverage: Decimal
    max_net_leverage: Decimal
    max_daily_loss: Decimal
    max_drawdown: Decimal
    max_open_orders: int
    max_clock_skew_ms: int
    stale_feature_ms: int


def risk_limits(settings: Settings) -> RiskLimits:
    """The limits from the settings. Risk may be added until the drawdown at which the governor quarantines."""
    risk = settings.risk
    return RiskLimits(
        price_collar=_exact(risk.price_collar),
        period_collar=_exact(risk.price_collar_period),
        max_order_usd=risk.max_order_usd,
        max_order_quantity=risk.max_order_quantity,
        max_symbol_leverage=_exact(risk.max_symbol_leverage),
        max_gross_leverage=_exact(risk.max_gross_leverage),
        max_net_leverage=_exact(risk.max_net_leverage),
        max_daily_loss=_exact(risk.max_daily_loss),
        max_drawdown=_exact(risk.quarantine_drawdown),
        max_open_orders=risk.max_open_orders,
        max_clock_skew_ms=risk.max_clock_skew_ms,
        stale_feature_ms=int(settings.execution.stale_bar_market_s * 1000),
    )


def _exact(value: float) -> Decimal:
    # through str: 0.05 shall be five hundredths, not the nearest binary fraction
    return Decimal(str(value))
