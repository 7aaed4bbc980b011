"""Slack's Web API on loopback, as much as the platform uses: real HTTP, its answers, its refusals, its losses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN = "xoxb-planted-1234"


@dataclass
class SlackServer:
    """What was posted, and what the next requests are answered instead: `limited`, `revoked`, `broken` or `lost`."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    webhook_posts: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""
    requests: int = 0
    url: str = ""

    def answer(self, path: str, sent: dict[str, Any], token: str) -> tuple[int, dict[str, str], str]:
        self.requests += 1
        if path.startswith("/services/"):
            if self.trouble == "down":
                return 503, {}, "unavailable"
            self.webhook_posts.append(sent)
            return 200, {}, "ok"
        if self.trouble == "limited":
            return 429, {"Retry-After": "7"}, json.dumps({"ok": False, "error": "ratelimited"})
        if self.trouble in ("broken", "down"):
            return 503, {}, "<html>upstream</html>"
        if self.trouble == "revoked" or token != TOKEN:
            return 200, {}, json.dumps({"ok": False, "error": "token_revoked"})
        method = path.rpartition("/")[2]
        if method == "chat.postMessage":
            ts = f"17000000{len(self.posts):02d}.000100"
            self.posts.append({**sent, "ts": ts})
            return (0 if self.trouble == "lost" else 200), {}, json.dumps({"ok": True, "channel": "C1", "ts": ts})
        found = [p for p in self.posts if method == "conversations.history" or p.get("thread_ts") == sent["ts"]]
        return 200, {}, json.dumps({"ok": True, "messages": found})


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A server on a free port."""
    state = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if "json" in self.headers.get("Content-Type", ""):
                sent = json.loads(body)
            else:
                sent = {k: v[0] for k, v in parse_qs(body).items()}
                sent |= {k: json.loads(sent[k]) for k in ("blocks", "metadata") if k in sent}
            status, headers, text = state.answer(self.path, sent, self.headers.get("Authorization", "").removeprefix("Bearer "))
            if status == 0:  # carried out, and the answer never sent
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
