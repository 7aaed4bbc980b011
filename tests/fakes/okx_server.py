"""OKX's public market data on loopback, as much as the platform uses: real HTTP over the market that a seed makes.

Unrecorded: shapes and paging are those of ccxt 4.5.90's parsers and of the vendor's documentation. Bounds are exclusive, pages
come newest first, the running bar is not confirmed, amounts are told in contracts beside base and quote.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from huracan_platform.clock import SystemClock
from huracan_platform.simulator.market.bars import I64, ListedSymbol, Market
from huracan_platform.simulator.market.price_bars import PREMIUM_DECIMALS, PriceKind, minute_prices, price_bars
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory

MINUTE, STEP = 60_000, 300_000
CONTRACT_VALUE = {"BTC": Decimal("0.01"), "ETH": Decimal("0.1")}
# Premiums are stamped every minute, some seconds before it ends; settlements some ms late.
STAMPED_BEFORE_END_MS = 4_000
FUNDING_LATE_MS = 7
_BARS = {"1m": "1m", "5m": "5m", "1H": "1h"}
_LIMITS = {"candles": 300, "history-candles": 300}
_TROUBLES = {
    "limited": (429, {"code": "50011", "msg": "Too Many Requests", "data": []}),
    "busy": (200, {"code": "50013", "msg": "Systems are busy. Please try again later.", "data": []}),
    "timeout": (200, {"code": "50004", "msg": "API endpoint request timeout.", "data": []}),
}


class Refusal(Exception):
    """A code and a message in the envelope."""


@dataclass
class OkxServer:
    """The market's past up to its now. The next requests are answered with a `trouble`: limited, busy, timeout, broken, cut;
    with `times` only so many of them. `requests` are the paths asked for, with what was asked."""

    market: Market
    incarnation: str = "okx-1"
    trouble: str = ""
    times: int = 1_000_000
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: dict[str, int] = field(default_factory=dict)
    url: str = ""
    _histories: dict[str, SymbolHistory] = field(default_factory=dict)

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, str]:
        """Status and text."""
        if path.startswith("/control/"):
            return 200, json.dumps(self._control(path.rpartition("/")[2]))
        self.requests.append((path.removeprefix("/api/v5/"), asked))
        if self.trouble and self.times > 0:
            self.times -= 1
            if self.trouble == "broken":
                return 502, "<html>Bad Gateway</html>"
            if self.trouble == "cut":
                return 200, json.dumps({"code": "0", "msg": "", "data": [["1"]]})[:-9]
            status, envelope = _TROUBLES[self.trouble]
            return status, json.dumps(envelope)
        try:
            return 200, json.dumps({"code": "0", "msg": "", "data": self._data(path.removeprefix("/api/v5/"), asked)})
        except Refusal as refusal:
            code, message = refusal.args
            return 200, json.dumps({"code": code, "msg": message, "data": []})

    def history(self, base: str) -> SymbolHistory:
        """Bars of a symbol."""
        if base not in self._histories:
            self._histories[base] = SymbolHistory(self.market.symbols[f"{base}USDT"])
        return self._histories[base]

    def _control(self, name: str) -> dict[str, Any]:
        if name == "identity":
            return {"venue": f"okx-{self.market.identity}", "incarnation": self.incarnation}
        return {
            "market_anchor_ms": self.market.now_ms, "wire_anchor_ms": SystemClock().wire_ms(), "speed": 0.0,
            "history_start_ms": self.market.start_ms, "market_end_ms": self.market.end_ms,
        }

    def _data(self, path: str, asked: dict[str, str]) -> list[Any]:
        group, _, name = path.partition("/")
        if path == "public/time":
            return [{"ts": str(SystemClock().wire_ms())}]
        if path == "public/instruments":
            return [self._instrument(s) for s in self.market.symbols.values()] + [_INVERSE, _ANNOUNCED, _FUTURE]
        listed = self._listed(asked, index=name.endswith("index-candles"))
        if group == "market":
            return self._bars(name, listed, asked)
        if path == "public/funding-rate-history":
            return paged(self._funding(listed), "fundingTime", asked, "before", "after", 100)
        if path == "public/premium-history":
            return paged(self._premium(listed), "ts", asked, "before", "after", 100)
        return paged(self._statistics(name, listed, asked), 0, asked, "begin", "end", 100)

    def _listed(self, asked: dict[str, str], *, index: bool) -> ListedSymbol:
        name = asked.get("instId", "")
        base, _, rest = name.partition("-")
        found = self.market.symbols.get(f"{base}USDT")
        if found is None or rest != ("USDT" if index else "USDT-SWAP"):
            raise Refusal("51001", "Instrument ID does not exist")
        return found

    def _instrument(self, listed: ListedSymbol) -> dict[str, Any]:
        instrument, value = listed.instrument, CONTRACT_VALUE[listed.instrument.base]
        name, per = f"{instrument.base}-USDT", instrument.lot / value
        return {
            "instType": "SWAP", "instId": f"{name}-SWAP", "uly": name, "instFamily": name, "baseCcy": "", "quoteCcy": "",
            "settleCcy": "USDT", "ctVal": str(value), "ctMult": "1", "ctValCcy": instrument.base, "ctType": "linear",
            "listTime": str(listed.listed_ms), "expTime": str(self.closing.get(instrument.base, "")), "state": "live",
            "tickSz": str(instrument.tick), "lotSz": str(per), "minSz": str(per),
            "maxLmtSz": str(instrument.max_quantity / value), "maxMktSz": str(instrument.max_market_quantity / value),
            "lever": "100", "alias": "", "category": "1", "optType": "", "stk": "", "ruleType": "normal",
        }

    def _bars(self, name: str, listed: ListedSymbol, asked: dict[str, str]) -> list[Any]:
        now, history = self.market.now_ms, self.history(listed.instrument.base)
        interval = _BARS[asked.get("bar", "1m")]
        step = INTERVALS_MS[interval]
        series = history.series(interval)
        complete = series.complete_before(now)
        rows: I64 = np.concatenate([series.rows[:complete], history.running(interval, now)])
        kind: PriceKind | None = "index" if "index" in name else None
        if kind:
            rows = price_bars(kind, listed, rows, rows[:, 0] + step, history.running("1m", now), now)
        if not name.startswith("history"):  # the last bars only
            rows = rows[-1_440:]
        traded = name.endswith("candles") and "-price-" not in name and not kind
        told = [self._bar(listed, row, row[0] + step <= now, traded=traded) for row in rows.tolist()]
        return paged(told, 0, asked, "before", "after", _LIMITS.get(name, 100))

    @staticmethod
    def _bar(listed: ListedSymbol, row: list[int], ended: bool, *, traded: bool) -> list[str]:
        instrument = listed.instrument
        prices = [str(row[0]), *(str(instrument.price(ticks)) for ticks in row[1:5])]
        base = instrument.quantity(row[5])
        amounts = [str(base / CONTRACT_VALUE[instrument.base]), str(base), str(instrument.value(row[6]))] if traded else []
        return [*prices, *amounts, str(int(ended))]

    def _funding(self, listed: ListedSymbol) -> list[dict[str, str]]:
        known = listed.funding
        name = f"{listed.instrument.base}-USDT-SWAP"
        return [
            {"instType": "SWAP", "instId": name, "formulaType": "withRate", "fundingRate": f"{rate * 0.9:.10f}",
             "realizedRate": f"{rate:.8f}", "fundingTime": str(ts + FUNDING_LATE_MS), "method": "current_period"}
            for ts, rate in zip(known.ts_ms.tolist(), known.rate.tolist(), strict=True) if ts <= self.market.now_ms
        ]

    def _premium(self, listed: ListedSymbol) -> list[dict[str, str]]:
        name = f"{listed.instrument.base}-USDT-SWAP"
        finished = int(np.searchsorted(listed.bars.ts_ms, self.market.now_ms - MINUTE, side="right"))
        close = minute_prices("premium", listed, 0, finished)[3] / 10**PREMIUM_DECIMALS
        told = listed.bars.ts_ms[:finished] + MINUTE - STAMPED_BEFORE_END_MS
        return [
            {"instId": name, "premium": f"{value:.{PREMIUM_DECIMALS}f}", "ts": str(ts)}
            for ts, value in zip(told.tolist(), close.tolist(), strict=True)
        ]

    def _statistics(self, name: str, listed: ListedSymbol, asked: dict[str, str]) -> list[list[str]]:
        if asked.get("period") != "5m":
            raise Refusal("51000", "Parameter period error")
        instrument, known = listed.instrument, listed.positioning
        assert known is not None
        value = CONTRACT_VALUE[instrument.base]
        if name == "stat/taker-volume-contract":
            rows = self.history(instrument.base).series("5m").rows
            unit = {"0": Decimal(1), "1": value}[asked.get("unit", "1")]
            told = [
                [str(row[0]), str(instrument.quantity(row[5] - row[8]) / unit), str(instrument.quantity(row[8]) / unit)]
                for row in rows.tolist() if row[0] + STEP <= self.market.now_ms
            ]
            return told[-1_440:]
        moments = [at for at in range(len(known.ts_ms)) if known.ts_ms[at] <= self.market.now_ms][-1_440:]
        if name == "stat/contracts/long-short-account-ratio-contract":
            return [[str(known.ts_ms[at]), f"{known.long[at] / (10_000 - known.long[at]):.16f}"] for at in moments]
        if name != "stat/contracts/open-interest-history":
            raise Refusal("50014", "Not known here")
        close = listed.bars.close[[listed.bars.row_at(int(known.ts_ms[at]) - 1) for at in moments]].tolist()
        base = [instrument.quantity(int(known.open_interest[at])) for at in moments]
        return [
            [str(known.ts_ms[at]), str(held / value), str(held), str(held * instrument.price(ticks))]
            for at, held, ticks in zip(moments, base, close, strict=True)
        ]


def paged(rows: list[Any], time: Any, asked: dict[str, str], newer: str, older: str, most: int) -> list[Any]:
    """Rows between two exclusive bounds, the newest of them first, `limit` at most."""
    limit = int(asked.get("limit", 100))
    if not 1 <= limit <= most:
        raise Refusal("51000", f"Parameter limit error: at most {most}")
    since, until = int(asked.get(newer, 0)), int(asked.get(older, 10**15))
    return [row for row in rows if since < int(row[time]) < until][::-1][:limit]


# What is in the answer beside linear swaps.
_INVERSE = {
    "instType": "SWAP", "instId": "BTC-USD-SWAP", "uly": "BTC-USD", "instFamily": "BTC-USD", "settleCcy": "BTC", "ctVal": "100",
    "ctMult": "1", "ctValCcy": "USD", "ctType": "inverse", "listTime": "1611916828000", "expTime": "", "state": "live",
    "tickSz": "0.1", "lotSz": "1", "minSz": "1", "maxLmtSz": "30000",
}
_ANNOUNCED = {"instType": "SWAP", "instId": "ETH-USD_UM-SWAP", "state": "preopen"}
_FUTURE = {**_INVERSE, "instId": "TEST-USDT-SWAP", "uly": "TEST-USDT", "settleCcy": "USDT", "ctType": "linear", "state": "test"}


@contextmanager
def okx_server(market: Market) -> Iterator[OkxServer]:
    """A server on a free port."""
    state = OkxServer(market)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, text = state.answer(parts.path, dict(parse_qsl(parts.query)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
