"""Texts and indices of mood."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from huracan_platform.settings.rules import Section


class RedditSettings(Section):
    """Reddit's API as an application without a user: credentials of a "script" or "web" app of https://www.reddit.com/prefs/apps."""

    subreddits: tuple[str, ...] = Field((), description='JSON, names without r/: ["CryptoCurrency", "Bitcoin"]')
    client_id: SecretStr | None = Field(None, description="of the application")
    client_secret: SecretStr | None = Field(None, description="of the application")
    user_agent: str = Field("linux:huracan-platform:v0.1", description="Reddit refuses clients without a name of their own")
    api_url: str = Field("https://oauth.reddit.com", description="base URL of the API")
    token_url: str = Field("https://www.reddit.com/api/v1/access_token", description="where tokens are given out")

    @model_validator(mode="after")
    def _has_credentials(self) -> RedditSettings:
        if self.subreddits and (self.client_id is None or self.client_secret is None):
            raise ValueError("HURACAN_SENTIMENT__REDDIT__CLIENT_ID and …_SECRET: expected both with subreddits, got one or none")
        return self


class XSettings(Section):
    """Recent search of X's API v2."""

    queries: dict[str, str] = Field(
        default_factory=dict, description='JSON, name to query: {"bitcoin": "(bitcoin OR $BTC) lang:en -is:retweet"}'
    )
    bearer_token: SecretStr | None = Field(None, description="of an application with recent search")
    api_url: str = Field("https://api.x.com", description="base URL of the API")
    most_pages: int = Field(5, ge=1, description="pages of 100 that a look may ask for; more posts than that leave a gap")

    @model_validator(mode="after")
    def _has_a_token(self) -> XSettings:
        if self.queries and self.bearer_token is None:
            raise ValueError("HURACAN_SENTIMENT__X__BEARER_TOKEN: expected one with queries, got none")
        return self


class SentimentSettings(Section):
    """Texts and the Fear & Greed index. Nothing is fetched from anywhere unless an address, subreddit or query is given here."""

    feeds: dict[str, str] = Field(
        default_factory=dict, description='JSON, name to address of RSS, Atom or JSON feeds: {"news": "https://…"}'
    )
    reddit: RedditSettings = RedditSettings()
    x: XSettings = XSettings()
    fear_greed_url: str | None = Field(None, description="answers as https://api.alternative.me/fng/ does; None: not fetched")
    poll_s: float = Field(60.0, gt=0, description="wall seconds between two looks at every source")
    scorer: Literal["vader", "finbert"] = Field(
        "vader", description="vader: rules and lexicon (Hutto & Gilbert 2014); finbert: the classifier in finbert_dir, an extra"
    )
    finbert_dir: Path | None = Field(None, description="folder with config, tokenizer and model.safetensors")
    finbert_sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="of model.safetensors, checked before it is read; None: not checked"
    )
    stale_after_h: float = Field(
        24.0, gt=0, description="a text that was older than this when it was first seen is kept, but not counted: it was no news"
    )
    aliases: dict[str, tuple[str, ...]] = Field(
        {"BTC": ("bitcoin", "xbt"), "ETH": ("ethereum", "ether"), "SOL": ("solana",)},
        description="names of coins in texts, any case; a coin's ticker in capitals or after a $ always counts",
    )

    @property
    def has_sources(self) -> bool:
        """Whether anything is to be collected."""
        return bool(self.feeds or self.reddit.subreddits or self.x.queries or self.fear_greed_url)

    @model_validator(mode="after")
    def _finbert_has_a_folder(self) -> SentimentSettings:
        if self.scorer == "finbert" and self.finbert_dir is None:
            raise ValueError("HURACAN_SENTIMENT__FINBERT_DIR: expected a folder with the scorer finbert, got none")
        return self
