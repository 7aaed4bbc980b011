"""RSS, Atom and JSON feeds as texts."""

from __future__ import annotations

import calendar
import hashlib
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from huracan_platform.clock import Clock, to_ms
from huracan_platform.contracts.texts import Text
from huracan_platform.data.sentiment.source import Look, RefusedAnswerError, RefusedEntry
from huracan_platform.errors import PermanentError, TransientError

TIMEOUT_S = 10.0
LONGEST_BODY = 5_000_000
USER_AGENT = "huracan-platform"
_TAG = re.compile(r"<[^>]+>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Feed:
    """One feed of the settings; `get` reads an address."""

    name: str
    url: str
    get: Callable[[str], bytes]

    @property
    def address(self) -> str:
        """Where it is, without what may be a key."""
        return without_secrets(self.url)

    def look(self, clock: Clock, since_ms: int | None) -> Look:
        """All that the feed holds now. It cannot tell whether something came and went since the look before."""
        body = self.get(self.url)
        return parse_feed(self.name, body, clock.market_ms())


def fetch(url: str) -> bytes:
    """An address's body.

    Raises
    ------
    TransientError
        No answer, or one of 429 and 5xx.
    PermanentError
        Any other answer than 200, or no http address.
    """
    told = without_secrets(url)
    try:
        answer = requests.get(url, timeout=TIMEOUT_S, headers={"User-Agent": USER_AGENT})
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TransientError(f"{told}: expected an answer, got {type(error).__name__}") from None
    except requests.RequestException as error:
        raise PermanentError(f"{told}: expected an http address, got {type(error).__name__}") from None
    if answer.status_code != 200:
        kind = TransientError if answer.status_code == 429 or answer.status_code >= 500 else PermanentError
        raise kind(f"{told}: expected 200, got {answer.status_code}")
    if len(answer.content) > LONGEST_BODY:
        raise PermanentError(f"{told}: expected at most {LONGEST_BODY} bytes, got {len(answer.content)}")
    return answer.content


def without_secrets(url: str) -> str:
    """An address without what services take keys by: account and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="…" if parts.query else "", fragment="").geturl()


def parse_feed(source: str, body: bytes, seen_ms: int) -> Look:
    """Texts of a feed, in its order; entries that lack a title, an address or a date are told apart.

    Raises
    ------
    RefusedAnswerError
        The body is no feed, or was cut off.
    """
    entries = _json_entries(source, body) if body.lstrip()[:1] == b"{" else _xml_entries(source, body)
    texts, refused = [], []
    for entry in entries:
        try:
            texts.append(_text(source, entry, seen_ms))
        except (LookupError, TypeError, ValueError) as error:
            reason = f"sentiment {source}: expected an entry with title, address and date, got {error!r}"
            refused.append(RefusedEntry(reason, orjson.dumps(dict(entry), default=str).decode()))
    return Look(tuple(texts), tuple(refused))


def _text(source: str, entry: Mapping[str, Any], seen_ms: int) -> Text:
    title, body = _plain(entry["title"]), _plain(entry.get("body") or "")
    digest = hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()
    return Text(source, str(entry["url"]), title, body, digest, int(entry["published_ms"]), seen_ms)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", text))).strip()


def _xml_entries(source: str, body: bytes) -> list[dict[str, Any]]:
    import feedparser

    found = feedparser.parse(body)
    broken = found.get("bozo_exception")
    # Wrong encodings and media types are read around; XML that ends too early is an answer cut off.
    if not found.get("version") or type(broken).__name__ == "SAXParseException":
        reason = f"sentiment {source}: expected RSS, Atom or a JSON feed, got {broken or body[:60]!r}"
        raise RefusedAnswerError(reason, body.decode(errors="replace"))
    return [_xml_entry(entry) for entry in found.entries]


def _xml_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    named = {"title": entry.get("title"), "url": entry.get("link"), "body": entry.get("summary")}
    return {name: value for name, value in named.items() if value} | (
        {"published_ms": calendar.timegm(when) * 1000} if when else {}
    )


def _json_entries(source: str, body: bytes) -> list[dict[str, Any]]:
    try:
        items = orjson.loads(body)["items"]
        return [_json_entry(item) for item in items]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        reason = f"sentiment {source}: expected a JSON feed with items, got {error!r}"
        raise RefusedAnswerError(reason, body.decode(errors="replace")) from None


def _json_entry(item: Mapping[str, Any]) -> dict[str, Any]:
    named = {"title": item.get("title"), "url": item.get("url") or item.get("id"), "body": item.get("content_text")}
    entry = {name: value for name, value in named.items() if value}
    try:
        return entry | {"published_ms": to_ms(datetime.fromisoformat(item["date_published"]))}
    except (LookupError, TypeError, ValueError):  # told as a missing date
        return entry | {"date": item.get("date_published")}
