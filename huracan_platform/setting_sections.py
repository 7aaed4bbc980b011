"""Sections of the settings tree: venues, recorders and risk policies."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class AlternativeVenue(BaseModel):
    """A venue that is asked where the first one does not answer, and for a second opinion on prices and funding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="what it is called in messages")
    ccxt_id: Literal["binanceusdm", "bybit"] = Field(description="ccxt exchange id")
    url: str | None = Field(None, description="base URL of a simulated venue on loopback; None is the real venue")


class VenueSettings(BaseModel):
    """Which venue, and how to reach it. `url` set: every endpoint is rewritten to it (simulated venue)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class SentimentSettings(BaseModel):
    """Texts and the Fear & Greed index. Nothing is fetched from anywhere unless an address is given here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class LiquidationSettings(BaseModel):
    """The recorder of liquidations, and what counts as a cascade."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stale_s: float = Field(20.0, gt=0, description="wall seconds without any frame after which the stream counts as lost")
    flush_s: float = Field(1.0, gt=0, description="wall seconds between two writes of what came")
    window_min: int = Field(5, ge=1, description="a cascade is looked for in so many minutes, and ends after as many without one")
    fewest: int = Field(3, ge=1, description="liquidations in the window")
    one_sided: float = Field(0.80, ge=0.5, le=1, description="share of the window's USD on one side")
    percentile: float = Field(0.95, gt=0, lt=1, description="of the trailing non-empty windows, to be reached in USD")
    volume_share: float = Field(0.005, ge=0, description="of the USD traded in the window, which its liquidations must reach")
    trailing_days: int = Field(7, ge=1, description="days that a window and a minute are set against")
    fewest_windows: int = Field(30, ge=1, description="non-empty windows or minutes needed for a percentile; fewer call nothing")


class RiskPolicySettings(BaseModel):
    """The risk policy of a symbol: leverage, size and stop by a trained policy, or by rules where none is approved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(False, description="off: sessions trade by the strategy's own settings, and no policy is asked")
    version: str | None = Field(None, description="policy id to use; None: the symbol's newest approved one")
    adjust_every_s: float = Field(
        60.0, gt=0, description="market seconds after which a decision bar asks again; until then the last answer holds"
    )
    max_leverage: float = Field(5.0, ge=1, le=10, description="a policy's leverage counts as a share of this")
    stop_loss: float = Field(0.02, ge=0.005, le=0.10, description="furthest stop of the fixed defaults, fraction of entry")
    drawdown_weight: float = Field(1.0, ge=0, description="of a rise of the drawdown against log equity, in reward and verdict")
    turnover_cost_bps: float = Field(1.0, ge=0, description="of notional traded, in the reward only, beyond costs")
    held_out_fraction: float = Field(0.30, gt=0, lt=1, description="newest part of the walk-forward rows, for the verdict only")
    episode_days: int = Field(30, ge=1, description="length of a training episode")
    timesteps: int = Field(50_000, ge=1, description="decision bars a policy is trained on, per seed")
    seeds: int = Field(5, ge=3, description="policies trained alike; the first is the version, all of them its verdict")


class RollbackSettings(BaseModel):
    """When a version takes charge of a symbol, and when it loses it to the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_days: int = Field(5, ge=2, description="days held out from both versions needed to compare them before activation")
    alpha: float = Field(0.05, gt=0, lt=1, description="chance of rolling back, ever, a version that is no worse")
    clip: float = Field(0.005, gt=0, description="differences of hourly returns count up to this: two stops of opposite trades")
    max_drawdown: float = Field(0.05, gt=0, lt=1, description="of shadow returns, without a test; the governor's soft brake")
    cool_down_h: float = Field(24.0, ge=0, description="wall hours between a rollback of a symbol and the next by itself")
