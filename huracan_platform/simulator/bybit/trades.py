"""Public trades as Bybit tells them, on the tape and on the stream."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape

SIDES = ("Sell", "Buy")
_WORD = (1 << 64) - 1


def public_id(history: SymbolHistory, number: int) -> str:
    """Id of a public trade: unlike its number, no other symbol has the same."""
    return str(UUID(int=(history.listed.key & _WORD) << 64 | number & _WORD))


def latest(history: SymbolHistory, now: int, count: int) -> list[tuple[MinuteTape, int, int]]:
    """The last trades at a market time, newest first: minute's tape, index in it, when the minute opened."""
    row, index = history.last_trade(now)
    found: list[tuple[MinuteTape, int, int]] = []
    while row >= 0 and len(found) < count:
        tape, opened = history.tape(row), int(history.listed.bars.ts_ms[row])
        last = index if not found else len(tape) - 1
        found += [(tape, i, opened) for i in range(last, -1, -1)]
        row -= 1
    return found[:count]


def trade_object(history: SymbolHistory, tape: MinuteTape, index: int, opened: int) -> dict[str, Any]:
    """A trade of the tape; `side` is the taker's."""
    instrument = history.listed.instrument
    return {
        "execId": public_id(history, int(tape.ids[index])), "symbol": instrument.symbol,
        "price": plain(instrument.price(int(tape.price[index]))), "size": plain(instrument.quantity(int(tape.lots[index]))),
        "side": SIDES[bool(tape.buyer[index])], "time": str(opened + int(tape.told_ms[index])), "isBlockTrade": False,
        "isRPITrade": False, "seq": str(int(tape.ids[index])),
    }


def trade_event(history: SymbolHistory, tape: MinuteTape, index: int, opened: int) -> dict[str, Any]:
    """A trade as the stream tells it."""
    row = trade_object(history, tape, index, opened)
    rising = index > 0 and tape.price[index] > tape.price[index - 1]
    falling = index > 0 and tape.price[index] < tape.price[index - 1]
    return {
        "T": int(row["time"]), "s": row["symbol"], "S": row["side"], "v": row["size"], "p": row["price"],
        "L": "PlusTick" if rising else "MinusTick" if falling else "ZeroPlusTick", "i": row["execId"], "BT": False, "RPI": False,
        "seq": int(row["seq"]),
    }
