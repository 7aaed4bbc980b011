"""Stream names of the protocol: what they ask for, how often it comes and on which paths; and who listens to which."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from huracan_platform.simulator.market.series import INTERVALS_MS
from huracan_platform.simulator.serving.problems import VenueRefusal

Send = Callable[[str, bytes], None]
EVERY_SYMBOL = ""
_NAME = re.compile(r"^([a-z0-9]+)(_perpetual)?@([A-Za-z]+)(?:_([0-9a-zA-Z]+)|(5|10|20))?(?:@(\w+))?$")
# Streams that are served under /public; the others are under /market, and user events under /private.
PUBLIC_KINDS = ("depth", "bookTicker", "trade")
# Least wall ms between two messages of a kind, by what may follow the second "@"; "" is what comes without.
_BOOK_PACES = {"": 250, "100ms": 100, "250ms": 250, "500ms": 500}
_PACES: dict[str, dict[str, int]] = {
    "kline": {"": 250}, "continuousKline": {"": 250}, "aggTrade": {"": 0}, "trade": {"": 0}, "bookTicker": {"": 0},
    "depth": _BOOK_PACES, "markPrice": {"": 3_000, "1s": 1_000, "3s": 3_000}, "miniTicker": {"": 2_000}, "ticker": {"": 2_000},
    "forceOrder": {"": 0},
}
_EVERY = {
    "!bookTicker": ("bookTicker", 5_000), "!forceOrder@arr": ("forceOrder", 0), "!markPrice@arr": ("markPrice", 3_000),
    "!markPrice@arr@1s": ("markPrice", 1_000), "!miniTicker@arr": ("miniTicker", 1_000), "!ticker@arr": ("ticker", 1_000),
}


@dataclass(frozen=True)
class StreamName:
    """A stream of one symbol, or of every one. `detail`: interval of a kline, levels of a partial book, else "".
    `pace_ms`: least wall time between two of its messages where they are thinned out, else 0."""

    text: str
    symbol: str
    kind: str
    detail: str
    pace_ms: int = 0

    @property
    def category(self) -> str:
        """First part of the paths that serve it."""
        return "/public" if self.kind in PUBLIC_KINDS else "/market"


def read_stream(text: str, symbols: tuple[str, ...]) -> StreamName:
    """The stream that a client names, `btcusdt@kline_1m`; refused where the venue has none of that name."""
    if text in _EVERY:
        kind, pace_ms = _EVERY[text]
        return StreamName(text, EVERY_SYMBOL, kind, "", pace_ms)
    match = _NAME.match(text)
    if match is None or match.group(1).upper() not in symbols:
        raise VenueRefusal(2, f"Invalid request: no stream {text!r}")
    symbol, contract, kind, interval, count, pace = match.groups()
    paces = _PACES.get(kind, {})
    of_bars, detail = kind in ("kline", "continuousKline"), interval or count or ""
    known = (
        (pace or "") in paces
        and (contract is not None) == (kind == "continuousKline")
        and (interval in INTERVALS_MS if of_bars else interval is None)
        and (count is None or kind == "depth")
    )
    if not known:
        raise VenueRefusal(2, f"Invalid request: no stream {text!r}")
    return StreamName(text, symbol.upper(), kind, detail, paces[pace or ""])


class Subscribers:
    """Listeners by stream. A listener is called with the stream's name and the message."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._listeners: dict[StreamName, list[Send]] = {}

    def read(self, text: str) -> StreamName:
        """The stream of that name."""
        return read_stream(text, self._symbols)

    def add(self, name: StreamName, listener: Send) -> None:
        """Begin to listen; twice is once."""
        listeners = self._listeners.setdefault(name, [])
        if listener not in listeners:
            listeners.append(listener)

    def remove(self, name: StreamName, listener: Send) -> None:
        """Listen no more."""
        listeners = self._listeners.get(name, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(name, None)

    def heard(self, name: StreamName) -> bool:
        """Whether anyone listens to the stream."""
        return name in self._listeners

    def of(self, symbol: str) -> list[StreamName]:
        """Streams of a symbol that someone listens to."""
        return [name for name in self._listeners if name.symbol == symbol]

    def send(self, name: StreamName, message: bytes) -> None:
        """Tell every listener of the stream."""
        for listener in list(self._listeners.get(name, ())):
            listener(name.text, message)
