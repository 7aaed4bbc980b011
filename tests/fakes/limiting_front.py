"""The venue's own request limits on a clock moved by hand, in front of a venue that has none."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.binance.limits import RateLimits
from huracan_platform.simulator.serving.problems import VenueRefusal

WEIGHT_OF_A_PAGE = 5


class LimitingFront:
    """Spends weight for each request under /fapi; `statuses` are those that it answered there."""

    def __init__(self, target: str, clock: ManualClock) -> None:
        self._target = target
        self.limits = RateLimits(clock.wire_ms, enforced=True)
        self.statuses: list[int] = []

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """What the venue says, or the refusal of the limits."""
        if path.startswith("/fapi"):
            try:
                self.limits.spend(WEIGHT_OF_A_PAGE)
            except VenueRefusal as refusal:
                self.statuses.append(refusal.status)
                return refusal.status, dict(refusal.headers), b'{"code":-1003,"msg":"Too many requests."}'
            self.statuses.append(200)
        with urllib.request.urlopen(self._target + path, timeout=10) as answer:
            return 200, {}, answer.read()


@contextmanager
def limited(target: str, clock: ManualClock) -> Iterator[tuple[str, LimitingFront]]:
    """The front's URL and what it counts."""
    front = LimitingFront(target, clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = front.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", front
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
