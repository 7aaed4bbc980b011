"""Mark price and funding of a perpetual at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from huracan_platform.clock import HOUR_MS
from huracan_platform.simulator.market.bars import FundingHistory


@dataclass(frozen=True)
class Premium:
    """Prices in USDT; `rate` the funding rate as the venue tells it, a fraction of notional (None: none yet); ms UTC."""

    mark: Decimal
    index: Decimal
    settle: Decimal
    rate: Decimal | None
    next_funding_ms: int

    @property
    def rate_text(self) -> str:
        """The rate as the wire has it, "" where there is none."""
        return "" if self.rate is None else f"{self.rate:.8f}"


def settled_premium(mark: Decimal, index: Decimal, funding: FundingHistory, market_ms: int) -> Premium:
    """Prices with the last settled rate, and the next settlement on the grid of the present interval."""
    settled = funding.last_before(market_ms)
    rate = Decimal(f"{funding.rate[settled]:.8f}") if settled >= 0 else None
    step = funding.interval_hours(market_ms) * HOUR_MS
    return Premium(mark, index, mark, rate, market_ms // step * step + step)
