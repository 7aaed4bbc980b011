"""What must hold after every fault: the venue's own ledger against our journal. Each broken invariant is one line."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from huracan_platform.brain.connection import Brain

D = Decimal
OPEN = ("NEW", "PARTIALLY_FILLED", "ACCEPTED")


def read_ledger(url: str) -> dict[str, Any]:
    """The venue's own books, over TCP."""
    with urllib.request.urlopen(f"{url}/control/ledger", timeout=10) as answer:
        return dict(json.loads(answer.read()))


def broken_invariants(ledger: Mapping[str, Any], brain: Brain) -> list[str]:
    """Names and figures of the invariants that do not hold; empty when all do."""
    with brain.connect() as connection:
        intents = dict(connection.execute("SELECT client_order_id, quantity FROM order_intents").fetchall())
        ours = connection.execute("SELECT trade_id, side, quantity, price, fee FROM fills").fetchall()
        filled = dict(connection.execute(
            "SELECT i.client_order_id, sum(f.quantity) FROM fills f JOIN order_intents i USING (intent_id) GROUP BY 1"
        ).fetchall())
        denied = dict(connection.execute(
            """SELECT client_order_id, state FROM orders JOIN order_intents USING (intent_id)
                WHERE state IN ('rejected', 'not_accepted')"""
        ).fetchall())
        alive = {r[0] for r in connection.execute(
            """SELECT i.client_order_id FROM orders o JOIN order_intents i USING (intent_id)
                WHERE o.state NOT IN ('filled', 'canceled', 'rejected', 'not_accepted', 'expired')"""
        ).fetchall()}
    broken = [f"I1: {key} was accepted without a committed intent" for key in ledger["accepts"] if key not in intents]
    broken += [f"I2: {key} was accepted {n} times" for key, n in ledger["accepts"].items() if n > 1]
    broken += [f"I2: {key} filled {q} of {intents[key]}" for key, q in filled.items() if q > intents[key]]
    theirs = sorted((str(f["id"]), f["side"].lower(), D(f["qty"]), D(f["price"]), D(f["commission"])) for f in ledger["fills"])
    if sorted(ours) != theirs:
        broken.append(f"I3: fills differ: ours {sorted(ours)}, the venue's {theirs}")
    broken += [f"I4: {key} is {denied[key]} in our books, the venue accepted it" for key in ledger["accepts"] if key in denied]
    own = [o for o in ledger["orders"] if o["conditional"] or not o["algo_id"]]  # the others were made by a trigger
    standing = {o["client_order_id"] for o in own if o["status"] in OPEN}
    if alive != standing:
        broken.append(f"I3: live orders differ: ours {sorted(alive)}, the venue's {sorted(standing)}")
    return broken + unguarded(ledger)


def unguarded(ledger: Mapping[str, Any]) -> list[str]:
    """Positions without exactly one native stop of their size."""
    broken = []
    for symbol, position in ledger["positions"].items():
        amount = D(position["amount"])
        stops = [
            o for o in ledger["orders"]
            if o["symbol"] == symbol and o["conditional"] and o["type"] == "STOP_MARKET" and o["status"] in OPEN
        ]
        side = "SELL" if amount > 0 else "BUY"
        fits = [s for s in stops if D(s["quantity"]) == abs(amount) and s["side"] == side and s["reduce_only"]]
        if (len(stops), len(fits)) != ((1, 1) if amount else (0, 0)):
            broken.append(f"stop: position {symbol} {amount} has stops {[(s['side'], s['quantity']) for s in stops]}")
    return broken
