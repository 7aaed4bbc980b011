"""Which symbols of a venue's universe are chosen as of a day."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Section


class UniverseSettings(Section):
    """What a symbol must be on a day to be chosen as of it. Only what was so before that day counts."""

    quote: str = Field("", description="quote currency, USDT; empty: any")
    listed_for_days: int = Field(0, ge=0, description="full days that it must have been listed for")
    top: int = Field(0, ge=0, description="so many of the largest by turnover; 0: all")
    turnover_days: int = Field(30, ge=1, description="days before over whose candles of the library turnover is summed")
