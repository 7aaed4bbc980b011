"""What the pre-trade checks look at, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import OrderRequest, TradingState
from huracan_platform.decision.risk.limits import RiskLimits


class Purpose(StrEnum):
    """Why an order is sent. PROTECT (the native stop) and FLATTEN only ever reduce and pass a halt."""

    STRATEGY = "strategy"
    PROTECT = "protect"
    FLATTEN = "flatten"


@dataclass(frozen=True)
class Exposure:
    """Worst case per symbol, in base units: position, what may still be bought, what may still be sold.

    `buying` and `selling` hold the open part of ordinary orders that are not reduce-only, and the whole open part of
    every UNKNOWN one: an order that may stand at the venue counts as if it did.
    """

    symbol: str
    position: Decimal
    buying: Decimal
    selling: Decimal
    mark: Decimal

    @property
    def highest(self) -> Decimal:
        """Signed notional if everything that buys fills."""
        return (self.position + self.buying) * self.mark

    @property
    def lowest(self) -> Decimal:
        """Signed notional if everything that sells fills."""
        return (self.position - self.selling) * self.mark

    @property
    def worst(self) -> Decimal:
        """Largest possible absolute notional."""
        return max(abs(self.highest), abs(self.lowest))


@dataclass(frozen=True)
class RiskInputs:
    """All that the checks look at. Money in quote currency; `skew_ms` is venue wire time minus ours.

    `exposures` are those before the order, the order's own symbol included. `period_low` and `period_high` bound the
    marks of the collar's period. `authorised_until_ms` is None where no authorisation exists. `feature_age_ms` is on
    the market clock, None where the order has no feature row behind it.
    """

    request: OrderRequest
    purpose: Purpose
    instrument: Instrument | None
    limits: RiskLimits
    trading_state: TradingState
    mark: Decimal | None
    period_low: Decimal | None
    period_high: Decimal | None
    exposures: tuple[Exposure, ...]
    equity: Decimal
    day_start_equity: Decimal
    high_water_mark: Decimal
    open_orders: int
    unknown_symbols: tuple[str, ...]
    skew_ms: int
    now_ms: int
    model_id: str | None
    authorised_until_ms: int | None
    feature_age_ms: int | None

    @property
    def adds_risk(self) -> bool:
        """Whether the order can make a position larger or turn it around."""
        return not self.request.reduce_only

    @property
    def price(self) -> Decimal | None:
        """Price that the order is judged at: its limit, its trigger, or the mark."""
        return self.request.price or self.request.trigger or self.mark

    @property
    def own_exposure(self) -> Exposure:
        """Exposure of the order's symbol before the order."""
        for exposure in self.exposures:
            if exposure.symbol == self.request.symbol:
                return exposure
        zero = Decimal(0)
        return Exposure(self.request.symbol, zero, zero, zero, self.mark or zero)

    @property
    def exposures_after(self) -> tuple[Exposure, ...]:
        """Worst case with the order accepted."""
        own, quantity = self.own_exposure, self.request.quantity
        buying = quantity if self.request.side.sign > 0 else Decimal(0)
        after = Exposure(own.symbol, own.position, own.buying + buying, own.selling + quantity - buying, own.mark)
        return (*(e for e in self.exposures if e.symbol != own.symbol), after)


@dataclass(frozen=True)
class CheckOutcome:
    """One check's answer. `observed` and `limit` are figures as text, with their unit where it could be mistaken."""

    code: str
    passed: bool
    observed: str
    limit: str
    message: str
