"""Open interest and ratios: asked of the mirrored venue, its answers kept for a few seconds."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from huracan_platform.clock import Clock
from huracan_platform.simulator.mirror.source import Source
from huracan_platform.simulator.serving.problems import VenueRefusal, bad_symbol

PATHS = (
    "/fapi/v1/openInterest", "/futures/data/openInterestHist", "/futures/data/topLongShortAccountRatio",
    "/futures/data/globalLongShortAccountRatio", "/futures/data/takerlongshortRatio",
)
KEPT_MS = 5_000
MOST_KEPT = 1_000


class MirroredPositioning:
    """Answers of the source as they came, times included."""

    def __init__(self, source: Source, symbols: tuple[str, ...], wire: Clock) -> None:
        self._source, self._symbols, self._wire = source, symbols, wire
        self._kept: dict[str, tuple[int, int, bytes]] = {}

    async def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        """Status and body, at most five seconds old; refused where the source is not reached."""
        if query.get("symbol") not in (None, *self._symbols):
            raise bad_symbol()
        now, key = self._wire.wire_ms(), f"{path}?{sorted(query.items())}"
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEPT_MS:
            status, body = await self._source.ask(path, query)
            if status == 0:
                raise VenueRefusal(-1001, "Internal error; unable to process your request. Please try again.", 503)
            kept = self._kept[key] = (now, status, body)
            if len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return kept[1], kept[2]

    def middleware(self) -> Middleware:
        """Answers the paths of positioning in place of the venue's own."""

        @web.middleware
        async def mirrored(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method != "GET" or request.path not in PATHS:
                return await handler(request)
            status, body = await self.answer(request.path, dict(request.query))
            return web.Response(body=body, status=status, content_type="application/json")

        return mirrored
