"""Rows of market data as each exchange asks for and answers with them; every read of a page is retried."""

from __future__ import annotations

from typing import Any, Protocol

from huracan_platform.contracts.market import Float64, Int64, OpenInterest
from huracan_platform.venues.retry import ReadRetry


class Wire(Protocol):
    """Market data in the words of one exchange. `market_id` is the exchange's own name of a symbol, `what` names the rows
    in errors; windows are [start_ms, end_ms)."""

    page_bars: int

    def __init__(self, client: Any, retry: ReadRetry) -> None: ...

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Opens and (n, 5) values of the bars, 1m or 1h, that began in a window of at most `page_bars`, oldest first."""
        ...

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Times as stamped and rates of the settlements in the window, oldest first."""
        ...

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots every 5 minutes in the window, oldest first."""
        ...

    def fees(self, market_id: str) -> tuple[float, float]:
        """What the account pays as maker and as taker, fractions of notional."""
        ...
