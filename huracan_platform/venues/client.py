"""One way to get an exchange client: ccxt, pointed where the settings say and nowhere else.

ccxt deep-merges `urls` given to its constructor, so an endpoint nobody thought of keeps pointing at production.
Here every URL is rewritten after construction and checked; a paper order client outside loopback is refused.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from huracan_platform.errors import ConfigurationError, PermanentError, TransientError
from huracan_platform.settings import Settings

Purpose = Literal["market", "orders"]
Flavour = Literal["sync", "async", "pro"]

_MODULES: dict[Flavour, str] = {"sync": "ccxt", "async": "ccxt.async_support", "pro": "ccxt.pro"}
# Binance counts 2400 weight a minute per address. Market data and orders have a limiter each, so that an order never
# waits behind a download (4 s behind a shared one, 5 ms alone); 50 ms per weight gives either of them half of it. Of other
# venues ccxt's own figure is taken.
_MS_PER_WEIGHT = {"binanceusdm": 50}
# Contracts settled in USDT are all that is traded here; the other categories would be eight requests more.
_OPTIONS: dict[str, dict[str, Any]] = {
    "bybit": {"fetchMarkets": {"types": ["linear"]}},
    "okx": {"fetchMarkets": {"types": ["swap"]}},
}
_QUERY = re.compile(r"\?[^\s\"'<>]*")
# ccxt's own message where no answer of the exchange came: its id, method and address, then status and body if there were any.
_REQUEST = re.compile(r"\S+ (?:GET|POST|PUT|DELETE|PATCH) \S+ ?(?P<rest>.*)", re.DOTALL)
_OS_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+?)\s*(?:[('\")\]]|$)")
_LONGEST_QUOTE = 300


class RateLimitedError(TransientError):
    """The venue asks for a pause. `retry_after_s` is what its Retry-After said, None when it said nothing."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def build_client(settings: Settings, purpose: Purpose = "market", flavour: Flavour = "sync") -> Any:
    """A ccxt exchange for one purpose, with its own rate limiter.

    Parameters
    ----------
    settings : Settings
        `venue.url` set points every endpoint, REST and WebSocket, at it; None leaves the venue's own.
    purpose : {"market", "orders"}
        An order client carries the keys and a recvWindow no longer than the order deadline.
    flavour : {"sync", "async", "pro"}
        async and pro clients must be closed with `await client.close()`.

    Raises
    ------
    ConfigurationError
        Unknown ccxt id; a paper order client outside loopback; the limiter switched off at a foreign host.
    """
    venue = settings.venue
    exchange = getattr(importlib.import_module(_MODULES[flavour]), venue.ccxt_id, None)
    if exchange is None:
        raise ConfigurationError(f"HURACAN_VENUE__CCXT_ID: expected an exchange id of ccxt, got {venue.ccxt_id!r}")
    local = venue.url is not None and is_loopback(venue.url)
    _refuse_unsafe(settings, purpose, local)
    client = exchange({
        "enableRateLimit": venue.rate_limit,
        **({"rateLimit": _MS_PER_WEIGHT[venue.ccxt_id]} if venue.ccxt_id in _MS_PER_WEIGHT else {}),
        "timeout": int(venue.request_timeout_s * 1000),
        "options": {
            "fetchCurrencies": False,  # a spot endpoint: with it load_markets needs more than exchangeInfo
            "adjustForTimeDifference": True,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "recvWindow": min(int(settings.execution.order_deadline_s * 1000), 60_000),
            **_OPTIONS.get(venue.ccxt_id, {}),
        },
    })
    client.has["fetchCurrencies"] = False
    client.place = venue.place  # for what is said of it when it does not answer
    if purpose == "orders" or local:
        client.apiKey = venue.api_key.get_secret_value()
        client.secret = venue.api_secret.get_secret_value()
    if venue.url is not None:
        _point_at(client, venue.url)
    return client


def is_loopback(url: str) -> bool:
    """True when the URL's host is this machine by name or by address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def urls_of(tree: Any) -> Iterator[str]:
    """Every string in a nested mapping of URLs."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from urls_of(branch)


def call(client: Any, endpoint: str, params: Mapping[str, Any] | None = None) -> Any:
    """Call one raw endpoint of a sync client, `call(client, "fapiPublicGetKlines", {...})`, errors translated.

    None as params is an empty mapping here: inside ccxt it ends in "argument of type 'NoneType' is not iterable".
    """
    with translated(client, endpoint):
        return getattr(client, endpoint)(dict(params or {}))


async def acall(client: Any, endpoint: str, params: Mapping[str, Any] | None = None) -> Any:
    """`call` for async and pro clients."""
    with translated(client, endpoint):
        return await getattr(client, endpoint)(dict(params or {}))


@contextmanager
def translated(client: Any, doing: str) -> Iterator[None]:
    """Turn ccxt's errors into ours; anything else, a caller's mistake, passes through."""
    ccxt = importlib.import_module("ccxt")
    try:
        yield
    except ccxt.BaseError as error:
        raise translate(error, doing, client) from None


def translate(error: Exception, doing: str, client: Any = None) -> TransientError | PermanentError:
    """Our error for one of ccxt's: transient where a retry may help, permanent otherwise.

    What was no answer of the exchange's own names it, its address and the setting that gives that. Query strings (signature,
    timestamp, listen key) and keys are cut from the message.
    """
    ccxt = importlib.import_module("ccxt")
    kind, text = type(error).__name__, _without_secrets(str(error), client)
    request = _REQUEST.match(text)
    if request is not None or isinstance(error, ccxt.NetworkError):
        place = getattr(client, "place", None) or getattr(client, "id", "the venue")
        got = (request["rest"] if request else text) or os_reason(error) or "none"
        message = f"{doing}: expected an answer of {place}, got {got} ({kind})"
    else:
        message = f"{doing}: {kind} {text}"
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return RateLimitedError(message, _retry_after_s(client))
    if isinstance(error, ccxt.OperationFailed | ccxt.BadResponse):
        return TransientError(message)
    return PermanentError(message)


def os_reason(error: BaseException | None) -> str | None:
    """What the operating system said at the bottom: `Connection refused`. None where it said nothing."""
    while error is not None:
        found = _OS_REASON.search(str(error))
        if found is not None:
            return found[1].strip()
        error = error.__cause__ or error.__context__
    return None


def _refuse_unsafe(settings: Settings, purpose: Purpose, local: bool) -> None:
    place = settings.venue.url or settings.venue.ccxt_id
    if purpose == "orders" and settings.execution.gateway == "paper" and not local:
        raise ConfigurationError(f"paper orders: expected HURACAN_VENUE__URL on loopback, got {place}")
    if not settings.venue.rate_limit and not local:
        raise ConfigurationError(f"HURACAN_VENUE__RATE_LIMIT: expected true outside loopback, got false at {place}")


def _point_at(client: Any, url: str) -> None:
    base = urlsplit(url)
    if base.scheme not in ("http", "https") or not base.netloc:
        raise ConfigurationError(f"HURACAN_VENUE__URL: expected http://HOST:PORT, got {url!r}")
    client.urls["api"] = _rewritten(client.urls["api"], lambda old: _moved(old, base.scheme, base.netloc, base.path.rstrip("/")))
    # Sandbox switches would bring foreign hosts back.
    client.urls = {name: tree for name, tree in client.urls.items() if name not in ("test", "demo")}
    foreign = sorted({u for u in urls_of(client.urls["api"]) if urlsplit(u).netloc != base.netloc})
    if foreign:
        raise ConfigurationError(f"venue URLs: expected all on {base.netloc}, got {foreign}")
    # What a simulated venue says of itself has no envelope, which ccxt takes for an error where answers have one.
    refuse = client.handle_errors
    client.handle_errors = lambda code, reason, at, *rest: None if "/control/" in at else refuse(code, reason, at, *rest)
    # ccxt picks the table of linear futures by host name; elsewhere -2019, -4164, -2022 and -5022 would be plain ExchangeError.
    linear = client.exceptions.get("linear")
    if linear:
        client.exceptions = client.deep_extend(client.exceptions, {"exact": linear["exact"]})


def _rewritten(tree: Any, move: Callable[[str], str]) -> Any:
    return move(tree) if isinstance(tree, str) else {name: _rewritten(branch, move) for name, branch in tree.items()}


def _moved(old: str, scheme: str, netloc: str, prefix: str) -> str:
    parts = urlsplit(old)
    if parts.scheme in ("ws", "wss"):
        scheme = {"http": "ws", "https": "wss"}[scheme]
    return urlunsplit((scheme, netloc, prefix + parts.path, "", ""))


def _without_secrets(text: str, client: Any) -> str:
    text = _QUERY.sub("?…", text)
    for secret in (getattr(client, "apiKey", None), getattr(client, "secret", None)):
        if secret and len(secret) > 3:  # one-letter demo keys occur in every word
            text = text.replace(secret, "***")
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…"


def _retry_after_s(client: Any) -> float | None:
    headers = getattr(client, "last_response_headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                return max(0.0, float(value))
            except ValueError:
                return None
    return None
