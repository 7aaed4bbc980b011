"""Posts of X that match a query, over its v2 recent search.

Source: https://docs.x.com/x-api/posts/search-recent-posts. Shapes are those of the documentation; none was recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huracan_platform.clock import HOUR_MS, Clock, to_datetime, to_ms
from huracan_platform.contracts.texts import Text
from huracan_platform.data.sentiment.api import JsonApi
from huracan_platform.data.sentiment.source import Look, RefusedAnswerError, RefusedEntry
from huracan_platform.settings.sentiment import XSettings

PAGE = 100
# What is younger than half a minute is not searched yet, and comes with the next look.
OVERLAP_MS = 120_000
# Nothing further back is searched; an hour's margin, as a start beyond it is refused.
REACHES_BACK_MS = 7 * 24 * HOUR_MS - HOUR_MS


@dataclass(frozen=True)
class Search:
    """One query of an API that all of them share."""

    api: JsonApi
    query_name: str
    query: str
    most_pages: int

    @property
    def name(self) -> str:
        """`x/bitcoin`"""
        return f"x/{self.query_name}"

    @property
    def address(self) -> str:
        """The query."""
        return f"https://x.com/search?q={self.query}"

    def look(self, clock: Clock, since_ms: int | None) -> Look:
        """Posts since then, as many pages as the settings allow; of a first look the newest page."""
        texts: list[Text] = []
        refused: list[RefusedEntry] = []
        params: dict[str, str | int] = {"query": self.query, "max_results": PAGE, "tweet.fields": "created_at,lang"}
        reached = True
        if since_ms is not None:
            earliest = clock.market_ms() - REACHES_BACK_MS
            reached = since_ms >= earliest
            params["start_time"] = f"{to_datetime(max(since_ms - OVERLAP_MS, earliest)):%Y-%m-%dT%H:%M:%SZ}"
        for _ in range(self.most_pages if since_ms is not None else 1):
            told = self.api.get(clock, "/2/tweets/search/recent", params)
            following = self._take(told, clock.market_ms(), texts, refused)
            if following is None:
                return Look(tuple(texts), tuple(refused), reached)
            params["next_token"] = following
        return Look(tuple(texts), tuple(refused), since_ms is None)

    def _take(self, told: Any, seen_ms: int, texts: list[Text], refused: list[RefusedEntry]) -> str | None:
        """Add a page's posts; the token of the page after it, None after the last."""
        try:
            posts, following = told.get("data", []), told["meta"].get("next_token")
        except (LookupError, AttributeError, TypeError) as error:
            reason = f"sentiment {self.name}: expected posts and meta, got {error!r}"
            raise RefusedAnswerError(reason, json.dumps(told)) from None
        for post in posts:
            try:
                texts.append(self._text(post, seen_ms))
            except (LookupError, TypeError, ValueError) as error:
                refused.append(RefusedEntry(f"sentiment {self.name}: expected a post, got {error!r}", json.dumps(post)))
        return None if following is None else str(following)

    def _text(self, post: Mapping[str, Any], seen_ms: int) -> Text:
        words = str(post["text"])
        digest = hashlib.sha256(f"{words}\n".encode()).hexdigest()
        published = to_ms(datetime.fromisoformat(post["created_at"]))
        return Text(self.name, f"https://x.com/i/status/{int(post['id'])}", words, "", digest, published, seen_ms)


def x_api(settings: XSettings) -> JsonApi:
    """The API with the token of the settings."""

    def token() -> str:
        assert settings.bearer_token is not None  # the settings are checked as a whole
        return settings.bearer_token.get_secret_value()

    return JsonApi("x", settings.api_url, token, "huracan-platform", _pause_s)


def _pause_s(headers: Mapping[str, str], wire_ms: int) -> float | None:
    """Until the moment at which the limit's window ends."""
    try:
        return float(headers["x-rate-limit-reset"]) - wire_ms / 1000
    except (KeyError, ValueError):
        return None
