"""Rows of market data as each exchange asks for and answers with them; every read of a page is retried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

from huracan_platform.contracts.market import AccountRatios, Float64, Int64, OpenInterest, TakerVolumes
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.contracts import Contract

PriceKind = Literal["mark", "index", "premium"]
PRICE_KINDS: tuple[PriceKind, ...] = ("mark", "index", "premium")
Kept = Literal["funding", "mark_prices", "open_interest", "account_ratios", "taker_volumes"]


class Wire(Protocol):
    """Market data in the words of one exchange. `market_id` is the exchange's own name of a symbol, `what` names the rows
    in errors; windows are [start_ms, end_ms), of any length unless said otherwise; rows come oldest first."""

    page_bars: int
    # How far back the exchange tells a dataset, ms; what is not named is told from the listing on.
    kept_ms: ClassVar[Mapping[Kept, int]]

    def __init__(self, client: Any, retry: ReadRetry) -> None: ...

    def contracts(self, venue: str) -> list[Contract]:
        """Every linear perpetual that the exchange tells of, those that no longer trade too where it does; `venue` is the name
        under which its facts are kept."""
        ...

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Opens and (n, 5) values of the bars, 1m or 1h, that began in a window of at most `page_bars`."""
        ...

    def prices(self, kind: PriceKind, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Opens and closes of the 5-minute bars of the mark price, the index price or the premium index (a fraction)."""
        ...

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Times as stamped and rates of the settlements in the window."""
        ...

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots every 5 minutes in the window."""
        ...

    def account_ratios(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """Shares of accounts that are long, every 5 minutes in the window."""
        ...

    def taker_volumes(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """What aggressors traded in each 5 minutes that began in the window.

        Raises
        ------
        UntoldError
            The exchange does not tell it.
        """
        ...

    def fees(self, market_id: str) -> tuple[float, float]:
        """What the account pays as maker and as taker, fractions of notional."""
        ...
