"""New posts and comments of a subreddit, over Reddit's OAuth API as an application without a user.

Source: https://www.reddit.com/dev/api and https://github.com/reddit-archive/reddit/wiki/OAuth2. Shapes are those of the
documentation; none was recorded. `before` is not used for paging: once the item that it names is deleted, it gives nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from huracan_platform.clock import Clock
from huracan_platform.contracts.texts import Text
from huracan_platform.data.sentiment.api import TIMEOUT_S, JsonApi, sent
from huracan_platform.data.sentiment.source import Look, RefusedAnswerError, RefusedEntry
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings.sentiment import RedditSettings

PAGE = 100
# A listing ends after about a thousand items.
MOST_PAGES = 10
# Items appear in a listing some seconds after they were made.
OVERLAP_MS = 60_000
LISTINGS = ("new", "comments")
REMOVED = ("[deleted]", "[removed]")


@dataclass(frozen=True)
class Subreddit:
    """One subreddit of an API that all of them share."""

    api: JsonApi
    subreddit: str

    @property
    def name(self) -> str:
        """`reddit/CryptoCurrency`"""
        return f"reddit/{self.subreddit}"

    @property
    def address(self) -> str:
        """Its page."""
        return f"https://www.reddit.com/r/{self.subreddit}"

    def look(self, clock: Clock, since_ms: int | None) -> Look:
        """Posts and comments since then; of a first look the newest page of either."""
        texts: list[Text] = []
        refused: list[RefusedEntry] = []
        whole = True
        for listing in LISTINGS:
            whole &= self._read(listing, clock, since_ms, texts, refused)
        return Look(tuple(texts), tuple(refused), whole)

    def _read(
        self, listing: str, clock: Clock, since_ms: int | None, texts: list[Text], refused: list[RefusedEntry]
    ) -> bool:
        """Add what the listing has; whether it reached back to `since_ms`."""
        after: str | None = None
        for page in range(1, MOST_PAGES + 1):
            params: dict[str, str | int] = {"limit": PAGE, "raw_json": 1} | ({"after": after} if after else {})
            told = self.api.get(clock, f"/r/{self.subreddit}/{listing}", params)
            seen_ms = clock.market_ms()
            children, after = _children(self.name, told)
            oldest_ms = seen_ms
            for child in children:
                if child.get("body") in REMOVED or child.get("selftext") in REMOVED:  # by its author or a moderator: no new text
                    continue
                try:
                    text = _text(self.name, child, seen_ms)
                except (LookupError, TypeError, ValueError) as error:
                    reason = f"sentiment {self.name}: expected a post or comment, got {error!r}"
                    refused.append(RefusedEntry(reason, json.dumps(child)))
                    continue
                texts.append(text)
                oldest_ms = min(oldest_ms, text.published_ms)
            if since_ms is None or oldest_ms < since_ms - OVERLAP_MS:
                return True
            if after is None:
                return page < MOST_PAGES  # the last page of a longer listing looks like the end of a short one
        return False


def reddit_api(settings: RedditSettings) -> JsonApi:
    """The API with the credentials of the settings."""

    def token() -> str:
        assert settings.client_id is not None  # the settings are checked as a whole
        assert settings.client_secret is not None
        credentials = (settings.client_id.get_secret_value(), settings.client_secret.get_secret_value())
        answer = sent("reddit token", lambda: requests.post(
            settings.token_url, data={"grant_type": "client_credentials"}, auth=credentials,
            headers={"User-Agent": settings.user_agent}, timeout=TIMEOUT_S,
        ))
        if answer.status_code == requests.codes.ok and isinstance(found := _json(answer), dict) and "access_token" in found:
            return str(found["access_token"])
        kind = TransientError if answer.status_code == 429 or answer.status_code >= 500 else PermanentError
        raise kind(f"reddit token: expected 200 with an access_token, got {answer.status_code}")

    return JsonApi("reddit", settings.api_url, token, settings.user_agent, _pause_s)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None


def _pause_s(headers: Mapping[str, str], wire_ms: int) -> float | None:
    """Seconds until the window of the limit ends."""
    try:
        return float(headers.get("Retry-After") or headers["X-Ratelimit-Reset"])
    except (KeyError, ValueError):
        return None


def _children(name: str, told: Any) -> tuple[list[Any], str | None]:
    try:
        data = told["data"]
        return [child["data"] for child in data["children"]], data["after"]
    except (LookupError, TypeError) as error:
        raise RefusedAnswerError(f"sentiment {name}: expected a listing, got {error!r}", json.dumps(told)) from None


def _text(name: str, item: Mapping[str, Any], seen_ms: int) -> Text:
    # A post has a title and perhaps a text of its own; a comment has a body and the title of what it is about.
    title, body = ("title", "selftext") if "title" in item else ("link_title", "body")
    heading, told = str(item[title]), str(item[body])
    digest = hashlib.sha256(f"{heading}\n{told}".encode()).hexdigest()
    address = f"https://www.reddit.com{item['permalink']}"
    return Text(name, address, heading, told, digest, int(float(item["created_utc"]) * 1000), seen_ms)
