"""How the delay with which a source's events arrive is estimated."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Section


class ArrivalSettings(Section):
    """From measured delays to the one that first versions of facts are known after."""

    quantile: float = Field(0.99, gt=0, lt=1, description="share of the measured delays that the modelled one covers")
    fewest: int = Field(1_000, ge=1, description="measurements needed; with fewer the documented delay of the dataset holds")
    window_days: int = Field(30, ge=1, description="wall days of measurements that count, so that the model follows its source")
