"""Thresholds by which faults of data are named. Each tells what was measured on genuine recordings of real venues."""

from __future__ import annotations

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class DiagnosisSettings(Section):
    """Where genuine data ends and a named fault begins."""

    explained_share: Fraction = Field(
        0.6, description="of the hours that disagree with the venue's own, the share that one cause must explain to be named"
    )
    longest_shift_min: int = Field(2_880, ge=1, description="shifts in time are looked for up to this many minutes either way")
    fewest_bars: int = Field(5, ge=2, description="a stretch shorter than this many bars is a spike, not a fault with a name")
    seam_ratio: float = Field(
        2.0, gt=0, description="open against the close before, over the range of both bars plus the day's median return: two "
        "series are spliced beyond it (genuine: 0.4 at most at Binance, 0.9 at FTX, 250,000 bars)",
    )
    stale_bars: int = Field(
        30, ge=2, description="bars in a row with the same four prices: copied forward beyond it (genuine: 0 identical rows)"
    )
    repeated_bars: int = Field(10, ge=2, description="bars in a row that are there a second time elsewhere (genuine: none)")
    swap_ratio: float = Field(
        2.0, gt=1, description="opens lie this many times nearer to the open before than to the close before: open and close "
        "are swapped beyond it",
    )
    other_market: Fraction = Field(
        0.02, description="a level off by at most this, moving alike, is the same asset at another market (spot, another venue)"
    )
    moves_alike: Fraction = Field(0.9, description="correlation of hourly moves above which two series are the same asset")
    shift_gain: Fraction = Field(
        0.6, description="a shift in time leaves less than this part of the distance to the mark price or second venue"
    )
    spot_gain: Fraction = Field(
        0.5, description="closes are spot's when their distance to the index is less than this part of that to the mark price"
    )
    least_basis_bps: float = Field(1.0, gt=0, description="basis under which spot and perpetual cannot be told apart")
    turnover_most: float = Field(
        2e8, gt=0, description="median dollars a minute of a day beyond which volume is in a wrong unit (genuine: 1.4e7 at most "
        "in minutes, 2.9e7 in hours of 5 venues, 2025–2026)",
    )
    volume_jump: float = Field(
        100.0, gt=1, description="median volume of a minute over the library's beside it beyond which its unit is another "
        "(genuine: 10 from day to day at Binance, 74 at a market without trades)",
    )
    carried_min: int = Field(30, ge=2, description="minutes without bars over which a price that goes on to the tick is odd")
    carried_part: Fraction = Field(
        0.3, description="… and the part of the usual move of a minute that it may be off by (genuine: 2 % of holes of an hour)"
    )
    rhythm_days: int = Field(7, ge=3, description="days of minutes from which the rhythm of the hour hints at shifted times")
    rhythm_sigmas: float = Field(
        5.0, gt=0, description="a busiest minute other than :00 is this many sigmas over the usual one in shifted times"
    )
    rhythm_gain: float = Field(
        4.0, gt=0, description="… and this many over :00 (genuine: 2.1 at most over 7 days or more, 180 windows of six symbols)"
    )
    rhythm_of_day_days: int = Field(28, ge=7, description="days from which the rhythm of the day hints at shifted times")
    rhythm_of_day_gain: float = Field(
        0.7, gt=0, description="two correlations with the hours of a day gain this much by moving shifted times back (genuine: "
        "in none of 1,713 windows of 28 days, 2017–2026)",
    )
    page_sizes: tuple[int, ...] = Field(
        (1500, 1000, 999, 500, 499, 300, 200, 100), description="rows of one answer of the venues; a hole of one is a page"
    )
    funding_fewest: int = Field(6, ge=2, description="settlements under which a series of rates is not judged as a whole")
    funding_usual_most: float = Field(
        0.003, gt=0, description="median |rate| per 8 h of a window beyond which its unit is doubted (genuine: 0.0012 at 9 "
        "venues but for LAYER's collapse of 2025-05 with 0.067)",
    )
    funding_premium_off: float = Field(
        5e-5, gt=0, description="rates may be this far from what the premium gives, a fraction per 8 h, besides a fifth of it: "
        "the venue averages every few seconds, its premium index is told per 5 minutes",
    )
    funding_factor_tolerance: float = Field(2.5, gt=1, description="a factor counts as a known unit's within this factor of it")
    funding_leaps: int = Field(
        3, ge=1, description="settlements that step over the interest without being it, where a clamp keeps rates there "
        "(genuine: 1 at most in 90, 29 series of Binance and Bybit)",
    )
    funding_interest_run: int = Field(
        160, ge=2, description="the interest itself so many times in a row is a fill (genuine: 81 at Binance and Bybit)"
    )
    funding_copied: Fraction = Field(0.7, description="share of a series' own rates found in another series: copied beyond it")
