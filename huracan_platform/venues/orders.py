"""The order gateway: the only module that sends orders.

Paper trading signs real orders with the exchange's own client and sends them to a simulated venue on loopback; a
request to any other host is refused before it leaves. A gateway never retries and never raises for what the venue said:
the answer is a value, and what is not a clear answer is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from huracan_platform.clock import Clock
from huracan_platform.contracts.order import Fill, OrderIntent, OrderKind, VenueOrder, VenuePosition
from huracan_platform.contracts.order_life import AccountState, QueryAnswer, QueryResult, SendAnswer, SendResult
from huracan_platform.errors import ConfigurationError, HaltTradingError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.client import acall, build_client, is_loopback, translated, urls_of
from huracan_platform.venues.gateway import CONDITIONAL_KINDS
from huracan_platform.venues.order_wire import (
    NOT_FOUND_CODES,
    classify_failure,
    parse_conditional,
    parse_fill,
    parse_order,
    parse_position,
    venue_code,
)

_TRADES_PER_CALL = 1000


@dataclass
class _Wire:
    """What the network saw of one call."""

    left: bool = False
    status: int | None = None
    body: str | None = None

    @property
    def code(self) -> int | None:
        return venue_code(self.body)


_WIRE: ContextVar[_Wire | None] = ContextVar("order_wire", default=None)


class PaperGateway:
    """Signed orders through ccxt to a simulated venue on loopback.

    Parameters
    ----------
    settings
        `venue.url` must be set and on loopback.
    clock
        Gives each send the part of its deadline that is left, as the venue's receive window.

    Raises
    ------
    ConfigurationError
        The venue is not a simulated one on loopback.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        if settings.venue.url is None or not is_loopback(settings.venue.url):
            raise ConfigurationError(f"paper gateway: expected HURACAN_VENUE__URL on loopback, got {settings.venue.url}")
        self._base = settings.venue.url.rstrip("/")
        self._key_head = settings.venue.api_key.get_secret_value()[:4]
        self._clock = clock
        self._client = build_client(settings, "orders", "async")
        # Against loopback the limiter only holds orders back (2 s for one look at all open orders). What is sent is
        # bounded by the engine's own period instead.
        self._client.enableRateLimit = False
        foreign = [url for url in urls_of(self._client.urls["api"]) if not is_loopback(url)]
        if foreign:
            raise ConfigurationError(f"paper gateway: expected loopback URLs only, got {foreign}")
        self._watch_wire()
        self._names: tuple[str, str] | None = None

    @property
    def venue(self) -> str:
        """Name that the simulated venue gives itself."""
        return self._identity()[0]

    @property
    def account(self) -> str:
        """Head of the key @ head of the venue's incarnation."""
        return self._identity()[1]

    async def open(self) -> None:
        """Load markets and the venue's identity."""
        with translated(self._client, "paper gateway"):
            await self._client.load_markets()
            identity = await self._client.fetch(f"{self._base}/control/identity")
        try:
            self._names = (str(identity["venue"]), f"{self._key_head}@{str(identity['incarnation'])[:8]}")
        except (KeyError, TypeError):
            raise TransientError(f"paper gateway: expected venue and incarnation at {self._base}, got {identity!r}") from None

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._client.close()

    async def send(self, intent: OrderIntent) -> SendAnswer:
        """One POST. Everything but a readable acceptance or a definite refusal is UNKNOWN."""
        request, conditional = intent.request, intent.request.kind in CONDITIONAL_KINDS
        # Both from one reading: signed with a later time stamp, the window would reach past the deadline.
        now_ms = self._clock.wire_ms()
        params: dict[str, Any] = {
            "clientOrderId": intent.client_order_id, "timestamp": now_ms, "recvWindow": max(1, intent.deadline_ms - now_ms),
        }
        if request.reduce_only:
            params["reduceOnly"] = True
        if request.kind is OrderKind.STOP_MARKET:
            params["stopLossPrice"] = str(request.trigger)
        if request.kind is OrderKind.TAKE_PROFIT_MARKET:
            params["takeProfitPrice"] = str(request.trigger)
        kind = "limit" if request.kind is OrderKind.LIMIT else "market"
        price = None if request.price is None else str(request.price)
        wire = _Wire()
        token = _WIRE.set(wire)
        try:
            side, quantity = request.side.value, str(request.quantity)
            answer = await self._client.create_order(request.symbol, kind, side, quantity, price, params)
            order = (parse_conditional if conditional else parse_order)(answer["info"], request.symbol)
        except HaltTradingError:
            raise
        except Exception as error:  # ccxt fails in its own parsers on mangled answers: whatever it is, the order may stand
            return _failure(wire, error)
        finally:
            _WIRE.reset(token)
        if order.client_order_id != intent.client_order_id or wire.status != 200:
            message = f"status {wire.status}, client order id {order.client_order_id}"
            return SendAnswer(SendResult.UNKNOWN, code="foreign answer", message=message)
        return SendAnswer(SendResult.ACK, order=order)

    async def cancel(self, symbol: str, client_order_id: str, *, conditional: bool) -> SendAnswer:
        """One DELETE by our id."""
        wire = _Wire()
        token = _WIRE.set(wire)
        try:
            await self._client.cancel_order(None, symbol, {"clientOrderId": client_order_id, "trigger": conditional})
        except HaltTradingError:
            raise
        except Exception as error:  # as in send: the cancel may have worked
            return _failure(wire, error)
        finally:
            _WIRE.reset(token)
        return SendAnswer(SendResult.ACK)

    async def query(self, symbol: str, client_order_id: str, *, conditional: bool) -> QueryAnswer:
        """One order by our id, from the book it belongs to."""
        key = "clientAlgoId" if conditional else "origClientOrderId"
        endpoint = "fapiPrivateGetAlgoOrder" if conditional else "fapiPrivateGetOrder"
        market = self._client.market_id(symbol)
        answer = await self._query(endpoint, {"symbol": market, key: client_order_id}, symbol, conditional)
        fired = answer.order.triggered_order_id if answer.order else None
        if answer.order is None or fired is None:
            return answer
        child = await self._query("fapiPrivateGetOrder", {"symbol": market, "orderId": fired}, symbol, False)
        if child.order is None:
            return QueryAnswer(QueryResult.NO_ANSWER, message=f"fired into {fired}: {child.message or child.result}")
        merged = replace(answer.order, state=child.order.state, filled=child.order.filled)
        return QueryAnswer(QueryResult.FOUND, merged)

    async def open_orders(self, symbols: Sequence[str] | None) -> list[VenueOrder]:
        """Both of the venue's books: ordinary orders, and conditional ones under algoOrder."""
        found: list[VenueOrder] = []
        for params in [{}] if symbols is None else [{"symbol": self._client.market_id(s)} for s in symbols]:
            ordinary = await acall(self._client, "fapiPrivateGetOpenOrders", params)
            conditional = await acall(self._client, "fapiPrivateGetOpenAlgoOrders", params)
            with _readable("open orders"):
                found += [parse_order(raw, self._symbol(raw)) for raw in _rows(ordinary)]
                found += [parse_conditional(raw, self._symbol(raw)) for raw in _rows(conditional)]
        return found

    async def positions(self) -> list[VenuePosition]:
        """positionRisk v3, flat ones left out."""
        rows = await acall(self._client, "fapiPrivateV3GetPositionRisk")
        with _readable("positions"):
            found = [parse_position(raw, self._symbol(raw)) for raw in _rows(rows)]
        return [position for position in found if position.quantity != 0]

    async def trades(self, symbol: str, from_id: int | None) -> list[Fill]:
        """userTrades, page after page."""
        found: list[Fill] = []
        next_id = from_id or 0
        while True:
            params = {"symbol": self._client.market_id(symbol), "fromId": next_id, "limit": _TRADES_PER_CALL}
            rows = await acall(self._client, "fapiPrivateGetUserTrades", params)
            with _readable(f"trades of {symbol}"):
                page = [parse_fill(raw, self.venue, self.account, symbol) for raw in _rows(rows)]
            found += page
            if len(page) < _TRADES_PER_CALL:
                return found
            next_id = max(int(fill.trade_id) for fill in page) + 1

    async def account_state(self) -> AccountState:
        """account v3."""
        raw = await acall(self._client, "fapiPrivateV3GetAccount")
        with _readable("account"):
            return AccountState(Decimal(raw["totalWalletBalance"]), Decimal(raw["totalMarginBalance"]))

    async def server_ms(self) -> int:
        """The venue's /time."""
        raw = await acall(self._client, "fapiPublicGetTime")
        with _readable("server time"):
            return int(raw["serverTime"])

    async def _query(self, endpoint: str, params: Mapping[str, Any], symbol: str, conditional: bool) -> QueryAnswer:
        wire = _Wire()
        token = _WIRE.set(wire)
        try:
            raw = await getattr(self._client, endpoint)(dict(params))
            return QueryAnswer(QueryResult.FOUND, (parse_conditional if conditional else parse_order)(raw, symbol))
        except HaltTradingError:
            raise
        except Exception as error:  # as in send: only the venue's own words prove anything
            definite = wire.status is not None and 400 <= wire.status < 500 and wire.code in NOT_FOUND_CODES
            result = QueryResult.NOT_FOUND if definite else QueryResult.NO_ANSWER
            return QueryAnswer(result, message=f"{type(error).__name__}, status {wire.status}, code {wire.code}")
        finally:
            _WIRE.reset(token)

    def _watch_wire(self) -> None:
        """Note what the network saw: exceptions of the client alone do not tell a refusal from a mangled answer."""
        fetch, on_response = self._client.fetch, self._client.on_rest_response

        async def watched_fetch(url: str, *args: Any, **kwargs: Any) -> Any:
            if not is_loopback(url):
                raise HaltTradingError(f"paper gateway: expected loopback, refused a request to {url.split('?')[0]}")
            wire = _WIRE.get()
            if wire is not None:
                wire.left = True
            return await fetch(url, *args, **kwargs)

        def watched_response(status: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any) -> Any:
            wire = _WIRE.get()
            if wire is not None:
                wire.status, wire.body = status, body
            return on_response(status, reason, url, method, headers, body, *rest)

        self._client.fetch, self._client.on_rest_response = watched_fetch, watched_response

    def _identity(self) -> tuple[str, str]:
        if self._names is None:
            raise ConfigurationError("paper gateway: expected open() first, got an unopened one")
        return self._names

    def _symbol(self, raw: Mapping[str, Any]) -> str:
        return str(self._client.safe_symbol(raw["symbol"], None, None, "contract"))


def _failure(wire: _Wire, error: Exception) -> SendAnswer:
    result = classify_failure(left=wire.left, status=wire.status, code=wire.code)
    code = type(error).__name__ if wire.code is None else str(wire.code)
    # the exception's own text holds the signed URL
    return SendAnswer(result, code=code, message=f"{type(error).__name__}, status {wire.status}")


def _rows(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list):
        raise ValueError(f"expected a list, got {type(answer).__name__}")
    return answer


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """A mangled answer is no answer."""
    try:
        yield
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise TransientError(f"{what}: expected the venue's format, got {type(error).__name__} {error}") from None
