"""Reddit's OAuth API and X's recent search over real HTTP, as their documentation describes them; what they hold is a test's."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLIENT_ID, CLIENT_SECRET, BEARER = "reddit-application", "reddit-app-secret", "x-bearer-token"
LISTING_ENDS_AFTER = 1000


@dataclass
class Apis:
    """What the services hold, and what they were asked.

    `posts` and `comments` are Reddit's items, newest first; `tweets` X's, newest first. `refuse` answers the next requests whose
    path begins with a key: status, headers, body.
    """

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    tweets: list[dict[str, Any]] = field(default_factory=list)
    refuse: dict[str, list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: int = 0
    token_lives: bool = True

    def answer(self, method: str, target: str, authorization: str, agent: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of one request."""
        parts = urlsplit(target)
        self.asked.append(f"{method} {target}")
        for path, answers in self.refuse.items():
            if parts.path.startswith(path) and answers:
                return answers.pop(0)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v1/access_token":
            return self._token(method, authorization, agent)
        if parts.path.startswith("/r/"):
            if not self.token_lives or authorization != f"Bearer token-{self.tokens}":
                self.token_lives = True
                return 401, {}, '{"message": "Unauthorized", "error": 401}'
            return 200, {}, json.dumps(_listing(self.comments if parts.path.endswith("/comments") else self.posts, asked))
        if parts.path == "/2/tweets/search/recent":
            if authorization != f"Bearer {BEARER}":
                return 401, {}, '{"title": "Unauthorized", "status": 401}'
            return 200, {}, json.dumps(_search(self.tweets, asked))
        return 404, {}, "{}"

    def _token(self, method: str, authorization: str, agent: str) -> tuple[int, dict[str, str], str]:
        right = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if method != "POST" or authorization != right:
            return 401, {}, '{"message": "Unauthorized", "error": 401}'
        if "huracan" not in agent:
            return 429, {}, "whoa there, pardner!"
        self.tokens += 1
        return 200, {}, json.dumps({"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 86400})


def post(number: int, title: str, made_ms: int, *, body: str = "") -> dict[str, Any]:
    """A post of Reddit."""
    return {
        "name": f"t3_{number}", "title": title, "selftext": body, "permalink": f"/r/Bitcoin/comments/{number}/",
        "created_utc": made_ms / 1000,
    }


def comment(number: int, title: str, body: str, made_ms: int) -> dict[str, Any]:
    """A comment on the post of a title."""
    return {
        "name": f"t1_{number}", "link_title": title, "body": body, "permalink": f"/r/Bitcoin/comments/1/_/{number}/",
        "created_utc": made_ms / 1000,
    }


def tweet(number: int, text: str, made_ms: int) -> dict[str, Any]:
    """A post of X."""
    made = datetime.fromtimestamp(made_ms / 1000, UTC)
    return {
        "id": str(number), "text": text, "created_at": f"{made:%Y-%m-%dT%H:%M:%S}.{made_ms % 1000:03d}Z", "lang": "en",
        "edit_history_tweet_ids": [str(number)],
    }


def _listing(items: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
    names = [item["name"] for item in items[:LISTING_ENDS_AFTER]]
    first = names.index(asked["after"]) + 1 if "after" in asked else 0
    page = items[first:first + int(asked.get("limit", 25))]
    more = page and first + len(page) < len(names)
    children = [{"kind": item["name"][:2], "data": item} for item in page]
    return {"kind": "Listing", "data": {"after": page[-1]["name"] if more else None, "children": children}}


def _search(tweets: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
    found = [t for t in tweets if t["created_at"] >= asked.get("start_time", "")]
    first = int(asked.get("next_token", 0))
    page = found[first:first + int(asked["max_results"])]
    meta: dict[str, Any] = {"result_count": len(page)}
    if page:
        meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
    if first + len(page) < len(found):
        meta["next_token"] = str(first + len(page))
    return {"data": page, "meta": meta} if page else {"meta": meta}


@contextmanager
def running_text_apis() -> Iterator[Apis]:
    """Serve on a free port of loopback until the end of the block."""
    apis = Apis()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            agent = self.headers.get("User-Agent", "")
            status, headers, body = apis.answer(self.command, self.path, self.headers.get("Authorization", ""), agent)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    apis.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield apis
    finally:
        server.shutdown()
        server.server_close()
