"""Texts and indices of mood."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from huracan_platform.settings.rules import Section


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
