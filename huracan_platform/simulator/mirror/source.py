"""Public REST of the mirrored venue. Only GET, never signed, and within its weight limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import numpy as np
import orjson

from huracan_platform.clock import MINUTE_MS
from huracan_platform.errors import TransientError
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.market.bars import I64, FundingHistory

TIMEOUT_S = 10.0
TRIES = 3
PAUSE_S = 0.25
LONGEST_BAN_S = 60.0
# The venue allows 2,400 a minute to an address, which other programs of this machine may share.
MOST_WEIGHT = 1_600
PAGE = 1_000
# Pages of trades that one hole may take: 60,000 trades, 1,200 of weight. A longer hole is told, not filled.
MOST_TRADE_PAGES = 60


@dataclass(frozen=True)
class Trade:
    """An aggregate trade of the mirrored venue: ms UTC, ticks, lots; `buyer`: the aggressor bought."""

    number: int
    price: int
    lots: int
    first: int
    last: int
    time_ms: int
    buyer: bool


def read_trade(told: Mapping[str, Any], instrument: Instrument) -> Trade:
    """A trade from an aggTrade of REST or of the stream."""
    price, lots = instrument.ticks(Decimal(told["p"])), instrument.lots(Decimal(told["q"]))
    return Trade(told["a"], price, lots, told["f"], told["l"], told["T"], not told["m"])


def read_bar(told: list[Any], instrument: Instrument) -> list[int]:
    """A bar (10,) from the fields of a kline: open time, prices, volume, close time, quote, count, taker volume and quote."""
    ts, open_, high, low, close, volume, _, quote, count, bought, bought_quote = told[:11]
    prices = [instrument.ticks(Decimal(p)) for p in (open_, high, low, close)]

    def value(amount: str) -> int:
        return int(Decimal(amount).scaleb(instrument.price_decimals + instrument.quantity_decimals).to_integral_value())

    return [
        int(ts), *prices, instrument.lots(Decimal(volume)), value(quote), int(count), instrument.lots(Decimal(bought)),
        value(bought_quote),
    ]


def _parsed(path: str, body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise TransientError(f"{path}: expected JSON, got {body[:80]!r}") from None


class Source:
    """The mirrored venue at a base URL. A request is tried three times before it fails with a TransientError."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self._session = url.rstrip("/"), session

    async def get(self, path: str, **query: object) -> Any:
        """JSON of a public path.

        Raises
        ------
        TransientError
            Not reached, or no answer but an error, three times in a row.
        """
        for attempt in range(1, TRIES + 1):
            status, body = await self._ask(path, query)
            if status == 200:
                return _parsed(path, body)
            if attempt < TRIES and (status == 0 or status in (418, 429) or status >= 500):
                await asyncio.sleep(PAUSE_S * 2**attempt)
                continue
            break
        got = body.decode(errors="replace")[:200] if status == 0 else f"{status} {body.decode(errors='replace')[:200]}"
        raise TransientError(f"{self.url}{path}: expected an answer, got {got}")

    async def ask(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of one request, whatever they are; status 0 and the reason where there is no answer."""
        return await self._ask(path, query)

    async def _ask(self, path: str, query: Mapping[str, object]) -> tuple[int, bytes]:
        wanted = {name: str(value) for name, value in query.items() if value is not None}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._session.get(self.url + path, params=wanted, timeout=timeout) as answer:
                body = await answer.read()
                await self._heed(answer)
                return answer.status, body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, f"{type(error).__name__} {error}".encode()

    async def _heed(self, answer: aiohttp.ClientResponse) -> None:
        """Wait where the venue says so, or where the minute's weight is nearly spent."""
        told = answer.headers.get("Retry-After", "")
        if answer.status in (418, 429) and told.isdigit():
            await asyncio.sleep(min(float(told), LONGEST_BAN_S))
        used = answer.headers.get("X-MBX-USED-WEIGHT-1M", "")
        if used.isdigit() and int(used) > MOST_WEIGHT:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(60.0 - now % 60.0)

    async def bars(self, instrument: Instrument, since_ms: int) -> I64:
        """Minutes (n, 10) from `since_ms` to now; the last one is under way."""
        rows: list[list[int]] = []
        while True:
            page = await self.get("/fapi/v1/klines", symbol=instrument.symbol, interval="1m", startTime=since_ms, limit=PAGE)
            rows += [read_bar(row, instrument) for row in page]
            if len(page) < PAGE:
                return np.array(rows, np.int64).reshape(-1, 10)
            since_ms = rows[-1][0] + MINUTE_MS

    async def trades(self, instrument: Instrument, **first: int) -> list[Trade]:
        """Trades from `fromId` or `startTime` (up to `endTime`) on, oldest first, as many as may be asked for."""
        found: list[Trade] = []
        query: dict[str, int] = first
        for _ in range(MOST_TRADE_PAGES):
            page = await self.get("/fapi/v1/aggTrades", symbol=instrument.symbol, limit=PAGE, **query)
            found += [read_trade(row, instrument) for row in page]
            if len(page) < PAGE:
                break
            query = {"fromId": found[-1].number + 1}
            if found[-1].time_ms > first.get("endTime", found[-1].time_ms):
                break
        return [t for t in found if t.time_ms <= first.get("endTime", t.time_ms)]

    async def funding(self, instrument: Instrument, since_ms: int) -> FundingHistory:
        """Settlements whose recorded time is `since_ms` or later."""
        rows: list[dict[str, Any]] = []
        while True:
            page = await self.get("/fapi/v1/fundingRate", symbol=instrument.symbol, startTime=since_ms, limit=PAGE)
            rows += page
            if len(page) < PAGE:
                break
            since_ms = page[-1]["fundingTime"] + 1
        raw = np.array([row["fundingTime"] for row in rows], np.int64)
        rates = np.array([float(row["fundingRate"]) for row in rows], np.float64)
        marks = np.array([instrument.ticks(Decimal(row["markPrice"] or 0)) for row in rows], np.int64)
        return FundingHistory((raw + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS, raw, rates, marks)
