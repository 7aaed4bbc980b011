"""Feature sets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from huracan_platform.settings.rules import Section


class FeatureSettings(Section):
    """Feature windows. `short_history` cuts trailing windows over 7 days for data of a few weeks."""

    profile: Literal["full", "short_history"] = "full"
    feature_set: str = "core"
    rank_window_days: int = Field(
        30, ge=2, le=90, description="hourly samples that temperature, entropy and funding are set against"
    )
    regime_window_days: int = Field(90, ge=2, le=90, description="hourly samples that the volatility regime is set against")
    short_window_days: int = Field(7, ge=2, le=7, description="both of these in the short_history profile")
