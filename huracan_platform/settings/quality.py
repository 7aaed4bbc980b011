"""Thresholds of the data checks."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.arrival import ArrivalSettings
from huracan_platform.settings.diagnosis import DiagnosisSettings
from huracan_platform.settings.rules import Fraction, Section


class QualitySettings(Section):
    """Thresholds of the six quality checks."""

    freshness_bars: int = Field(2, ge=1, description="newest bar must be younger than this many bars (market clock)")
    plausibility_mad_sigma: float = Field(10.0, gt=0, description="return outlier bound in MAD-sigmas")
    plausibility_confirm_bars: int = Field(2, ge=0, description="bars within which a second venue confirms a jump")
    coverage_alert: Fraction = Field(0.995, description="symbol-day coverage under which an alert goes out")
    coverage_degraded: Fraction = Field(0.98, description="symbol-day coverage under which the day is degraded")
    # These three hold until enough arrivals of a source were measured.
    arrival_delay_ms: int = Field(2_000, ge=0, description="first version of a candle is known this long after its close")
    funding_delay_ms: int = Field(5_000, ge=0, description="a funding rate is known this long after its settlement")
    open_interest_delay_ms: int = Field(
        300_000, ge=0, description="a snapshot of open interest is known this long after its moment, as in the venue's archive"
    )
    open_interest_price_tolerance: Fraction = Field(
        0.01, description="USD per contract may leave the hour's price range by this fraction: it is a mark price"
    )
    fetch_tries: int = Field(3, ge=1)
    diagnosis: DiagnosisSettings = DiagnosisSettings()
    arrival: ArrivalSettings = ArrivalSettings()
