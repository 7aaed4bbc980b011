"""Which venue, and which others are asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PrivateAttr, SecretStr, model_validator

from huracan_platform.settings.rules import Section


class AlternativeVenue(Section):
    """A venue that is asked where the first one does not answer, and for a second opinion on prices and funding."""

    name: str = Field(min_length=1, description="what it is called in messages")
    ccxt_id: Literal["binanceusdm", "bybit", "okx"] = Field(description="ccxt exchange id")
    url: str | None = Field(None, description="base URL of a simulated venue on loopback; None is the real venue")

    @property
    def address(self) -> str:
        """Exchange and place: what an alternative is known by, whatever it is called in messages."""
        return f"{self.ccxt_id} {self.url or ''}".rstrip()


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
    _named_by: str = PrivateAttr("HURACAN_VENUE__URL")

    @property
    def place(self) -> str:
        """Exchange, address and the setting that gives it, for messages."""
        return f"{self.ccxt_id} at {self.url or 'its own address'} ({self._named_by})"

    def instead(self, other: AlternativeVenue, *, rate_limit: bool) -> VenueSettings:
        """An alternative in the place of the first venue."""
        venue = self.model_copy(update={
            "ccxt_id": other.ccxt_id, "url": other.url, "alternatives": (), "rate_limit": rate_limit,
        })
        venue._named_by = f"HURACAN_VENUE__ALTERNATIVES, {other.name}"
        return venue

    @model_validator(mode="after")
    def _alternatives_are_told_apart(self) -> VenueSettings:
        names = [other.name for other in self.alternatives]
        if len(set(names)) < len(names):
            raise ValueError(f"HURACAN_VENUE__ALTERNATIVES: expected different names, got {', '.join(names)}")
        foreign = [other.name for other in self.alternatives if other.url is None and self.kind == "simulated"]
        if foreign:
            raise ValueError(f"HURACAN_VENUE__ALTERNATIVES: expected a url beside a simulated venue, got none of {foreign[0]}")
        return self
