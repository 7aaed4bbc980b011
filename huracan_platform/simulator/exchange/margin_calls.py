"""Warnings to an account whose margin is nearly used up, before anything is taken from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.margin import Pool, maintenance_of, pools
from huracan_platform.simulator.exchange.matching import Matching

# Share of the margin balance that must be kept at which the exchange's own page begins to warn.
DANGEROUS = Decimal("0.8")


class MarginCalls:
    """Each wallet that positions stand on is warned of once, and again when it has been sound in between."""

    def __init__(self, matching: Matching, account: Account) -> None:
        self._matching, self._account = matching, account
        self._warned: set[tuple[str, ...]] = set()

    def due(self, market_ms: int) -> list[dict[str, Any]]:
        """MARGIN_CALL for every wallet that has come into danger since the last look."""
        marks = self._matching.marks(self._account) if self._account.positions else {}
        called = {pool.symbols: pool for pool in pools(self._account) if self._in_danger(pool, marks)}
        new = [pool for symbols, pool in called.items() if symbols not in self._warned]
        self._warned = set(called)
        return [self._event(pool, marks, market_ms) for pool in new]

    @staticmethod
    def _in_danger(pool: Pool, marks: dict[str, Decimal]) -> bool:
        return pool.maintenance(marks) >= DANGEROUS * (pool.wallet + pool.profit(marks))

    def _event(self, pool: Pool, marks: dict[str, Decimal], market_ms: int) -> dict[str, Any]:
        account = self._account
        wallet = {} if pool.isolated else {"cw": plain(pool.wallet)}
        return {
            "e": "MARGIN_CALL", "E": market_ms, **wallet,
            "p": [
                {
                    "s": symbol, "ps": "BOTH", "pa": plain(account.position(symbol).amount),
                    "mt": "ISOLATED" if pool.isolated else "CROSSED", "iw": plain(pool.wallet) if pool.isolated else "0",
                    "mp": plain(marks[symbol]), "up": plain(account.position(symbol).unrealised(marks[symbol])),
                    "mm": plain(maintenance_of(account, symbol, marks[symbol])),
                }
                for symbol in pool.symbols
            ],
        }
