"""Sources of market facts beside candles and funding."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class SourceSettings(Section):
    """Arrival delays that count until some were measured, and how far sources may be apart from what they agree with."""

    mark_price_delay_ms: int = Field(2_000, ge=0, description="mark, index and premium are known this long after their close")
    account_ratio_delay_ms: int = Field(300_000, ge=0, description="an account ratio is known this long after its moment")
    taker_volume_delay_ms: int = Field(300_000, ge=0, description="taker volumes are known this long after their five minutes")
    premium_tolerance: Fraction = Field(
        0.005, description="a venue averages its premium index and its mark price differently: they may be apart by this fraction"
    )
    index_tolerance: Fraction = Field(0.01, description="the index may leave the traded prices of its hour by this fraction")
    taker_volume_tolerance: Fraction = Field(
        0.001, description="taker volumes may be apart from the candles' volume by this fraction of it"
    )
    alternatives: tuple[str, ...] = Field(
        ("funding", "open_interest", "liquidations"),
        description="datasets that are also collected from alternative venues, under their names; trades and book may be added",
    )
