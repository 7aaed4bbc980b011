"""Stream names of the protocol, and who listens to which."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from huracan_platform.simulator.market.series import INTERVALS_MS
from huracan_platform.simulator.problems import VenueRefusal

Send = Callable[[str, bytes], None]
_NAME = re.compile(r"^([a-z0-9]+)(_perpetual)?@([A-Za-z]+)(?:_([0-9a-zA-Z]+)|(5|10|20))?(?:@(\w+))?$")

EVERY_SYMBOL = ""
_EVERY = {
    "!bookTicker": ("bookTicker", ""), "!forceOrder@arr": ("forceOrder", ""), "!markPrice@arr": ("markPrice", "3s"),
    "!markPrice@arr@1s": ("markPrice", "1s"),
}


@dataclass(frozen=True)
class StreamName:
    """A stream of one symbol, or of every one. `detail`: interval of a kline, levels of a partial book, period of a mark
    price, else ""."""

    text: str
    symbol: str
    kind: str
    detail: str


def read_stream(text: str, symbols: tuple[str, ...]) -> StreamName:
    """The stream that a client names, `btcusdt@kline_1m`; refused where the venue has none of that name."""
    if text in _EVERY:
        return StreamName(text, EVERY_SYMBOL, *_EVERY[text])
    match = _NAME.match(text)
    if match is None or match.group(1).upper() not in symbols:
        raise VenueRefusal(2, f"Invalid request: no stream {text!r}")
    symbol, contract, kind, interval, count, pace = match.groups()
    details = {
        "kline": interval or "", "continuousKline": interval or "", "depth": count or "",
        "markPrice": "1s" if pace == "1s" else "3s",
    }
    detail, continuous = details.get(kind, ""), kind == "continuousKline"
    known = (
        (kind in ("kline", "continuousKline") and detail in INTERVALS_MS)
        or (kind == "depth" and pace in (None, "100ms", "250ms", "500ms"))
        or (kind == "markPrice" and pace in (None, "1s", "3s"))
        or (kind in ("aggTrade", "trade", "bookTicker", "forceOrder") and pace is None)
    )
    if not known or (contract is not None) != continuous:
        raise VenueRefusal(2, f"Invalid request: no stream {text!r}")
    return StreamName(text, symbol.upper(), kind, detail)


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
