"""Venues, checks, recorders and features."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from huracan_platform.settings.rules import Fraction, Section


class AlternativeVenue(Section):
    """A venue that is asked where the first one does not answer, and for a second opinion on prices and funding."""

    name: str = Field(min_length=1, description="what it is called in messages")
    ccxt_id: Literal["binanceusdm", "bybit"] = Field(description="ccxt exchange id")
    url: str | None = Field(None, description="base URL of a simulated venue on loopback; None is the real venue")


class VenueSettings(Section):
    """Which venue, and how to reach it. `url` set: every endpoint is rewritten to it (simulated venue)."""

    kind: Literal["simulated", "real"] = Field(
        "simulated", description="simulated: the launcher starts one on loopback; real: ccxt_id's public data"
    )
    ccxt_id: str = Field("binanceusdm", description="ccxt exchange id")
    url: str | None = Field(None, description="base URL of a simulated venue on loopback; None is the real venue")
    api_key: SecretStr = SecretStr("k")
    api_secret: SecretStr = SecretStr("s")
    request_timeout_s: float = Field(10.0, gt=0)
    rate_limit: bool = Field(True, description="client-side limiter for market data; off only against loopback")
    alternatives: tuple[AlternativeVenue, ...] = Field(
        (), description='JSON, asked in this order: [{"name": "bybit", "ccxt_id": "bybit", "url": "http://…"}]'
    )

    @model_validator(mode="after")
    def _alternatives_are_told_apart(self) -> VenueSettings:
        names = [other.name for other in self.alternatives]
        if len(set(names)) < len(names):
            raise ValueError(f"HURACAN_VENUE__ALTERNATIVES: expected different names, got {', '.join(names)}")
        foreign = [other.name for other in self.alternatives if other.url is None and self.kind == "simulated"]
        if foreign:
            raise ValueError(f"HURACAN_VENUE__ALTERNATIVES: expected a url beside a simulated venue, got none of {foreign[0]}")
        return self


class QualitySettings(Section):
    """Thresholds of the six quality checks."""

    freshness_bars: int = Field(2, ge=1, description="newest bar must be younger than this many bars (market clock)")
    plausibility_mad_sigma: float = Field(10.0, gt=0, description="return outlier bound in MAD-sigmas")
    plausibility_confirm_bars: int = Field(2, ge=0, description="bars within which a second venue confirms a jump")
    coverage_alert: Fraction = Field(0.995, description="symbol-day coverage under which an alert goes out")
    coverage_degraded: Fraction = Field(0.98, description="symbol-day coverage under which the day is degraded")
    arrival_delay_ms: int = Field(2_000, ge=0, description="first version of a candle is known this long after its close")
    funding_delay_ms: int = Field(5_000, ge=0, description="a funding rate is known this long after its settlement")
    open_interest_delay_ms: int = Field(
        300_000, ge=0, description="a snapshot of open interest is known this long after its moment, as in the venue's archive"
    )
    open_interest_price_tolerance: Fraction = Field(
        0.01, description="USD per contract may leave the hour's price range by this fraction: it is a mark price"
    )
    fetch_tries: int = Field(3, ge=1)


class SentimentSettings(Section):
    """Texts and the Fear & Greed index. Nothing is fetched from anywhere unless an address is given here."""

    feeds: dict[str, str] = Field(
        default_factory=dict, description='JSON, name to address of RSS, Atom or JSON feeds: {"news": "https://…"}'
    )
    fear_greed_url: str | None = Field(None, description="answers as https://api.alternative.me/fng/ does; None: not fetched")
    poll_s: float = Field(60.0, gt=0, description="wall seconds between two looks at every feed")
    scorer: Literal["vader"] = Field("vader", description="vader: rules and lexicon (Hutto & Gilbert 2014), no network")
    stale_after_h: float = Field(
        24.0, gt=0, description="a text that was older than this when it was first seen is kept, but not counted: it was no news"
    )
    aliases: dict[str, tuple[str, ...]] = Field(
        {"BTC": ("bitcoin", "xbt"), "ETH": ("ethereum", "ether"), "SOL": ("solana",)},
        description="names of coins in texts, any case; a coin's ticker in capitals or after a $ always counts",
    )


class LiquidationSettings(Section):
    """The recorder of liquidations, and what counts as a cascade."""

    stale_s: float = Field(20.0, gt=0, description="wall seconds without any frame after which the stream counts as lost")
    flush_s: float = Field(1.0, gt=0, description="wall seconds between two writes of what came")
    window_min: int = Field(5, ge=1, description="a cascade is looked for in so many minutes, and ends after as many without one")
    fewest: int = Field(3, ge=1, description="liquidations in the window")
    one_sided: float = Field(0.80, ge=0.5, le=1, description="share of the window's USD on one side")
    percentile: float = Field(0.95, gt=0, lt=1, description="of the trailing non-empty windows, to be reached in USD")
    volume_share: float = Field(0.005, ge=0, description="of the USD traded in the window, which its liquidations must reach")
    trailing_days: int = Field(7, ge=1, description="days that a window and a minute are set against")
    fewest_windows: int = Field(30, ge=1, description="non-empty windows or minutes needed for a percentile; fewer call nothing")


class FeatureSettings(Section):
    """Feature windows. `short_history` cuts trailing windows over 7 days for data of a few weeks."""

    profile: Literal["full", "short_history"] = "full"
    feature_set: str = "core"
    rank_window_days: int = Field(
        30, ge=2, le=90, description="hourly samples that temperature, entropy and funding are set against"
    )
    regime_window_days: int = Field(90, ge=2, le=90, description="hourly samples that the volatility regime is set against")
    short_window_days: int = Field(7, ge=2, le=7, description="both of these in the short_history profile")
