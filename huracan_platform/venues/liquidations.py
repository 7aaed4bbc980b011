"""Liquidation messages of three venues as one kind of record, each with the side that it means.

Binance tells the side of the *order* (SELL closed a long), Bybit the side of the *position* (Buy was a long), OKX both, and its
sizes are in contracts. Binance tells at most one a second and symbol, the others all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from huracan_platform.contracts.liquidation import Liquidation, Side
from huracan_platform.errors import DataContractError
from huracan_platform.venues.listed import Contract

Wire = Literal["binance_usdm", "bybit_linear", "okx_swap"]
_CLOSED_BY: dict[str, Side] = {"SELL": "long", "BUY": "short", "sell": "long", "buy": "short"}
_POSITION: dict[str, Side] = {"Buy": "long", "Sell": "short", "long": "long", "short": "short"}


def parse_liquidations(
    wire: Wire, message: Mapping[str, Any], exchange: str, contracts: Mapping[str, Contract], known_ms: int
) -> list[Liquidation]:
    """The liquidations of one message; those of contracts that are not asked for are left out.

    Parameters
    ----------
    contracts
        By the venue's own name.
    known_ms
        When the message arrived, ms UTC, market time; what a message tells is never known before it happened.

    Raises
    ------
    DataContractError
        A field is missing, or a side, price or quantity is none.
    """
    try:
        told = [_record(row, contracts) for row in _ROWS[wire](message)]
    except (LookupError, TypeError, ValueError) as error:
        raise DataContractError(f"liquidations {exchange}: expected a liquidation of {wire}, got {error!r}") from None
    found: list[Liquidation] = []
    for contract, ts, side, price, quantity in told:
        if contract is not None:
            words = (contract.symbol, ts, side, price, quantity)
            number = sum((f.symbol, f.ts_ms, f.side, f.price, f.quantity) == words for f in found)
            found.append(Liquidation(exchange, contract.symbol, ts, side, price, quantity, max(ts, known_ms), number))
    return found


@dataclass(frozen=True)
class _Row:
    name: str
    ts: Any
    side: Side
    price: Any
    contracts: Any


def _record(row: _Row, contracts: Mapping[str, Contract]) -> tuple[Contract | None, int, Side, float, float]:
    contract = contracts.get(row.name)
    price, quantity = float(row.price), float(row.contracts) * (contract.base_per_contract if contract else 1.0)
    if not (0 < price < float("inf") and 0 < quantity < float("inf")):
        raise ValueError(f"price {price:g} and quantity {quantity:g}")
    return contract, int(row.ts), row.side, price, quantity


def _binance(message: Mapping[str, Any]) -> list[_Row]:
    order = message.get("data", message)["o"]
    # Average price and what was filled; an order told before its first fill has neither.
    filled = float(order["z"]) > 0 and float(order["ap"]) > 0
    price, quantity = (order["ap"], order["z"]) if filled else (order["p"], order["q"])
    return [_Row(order["s"], order["T"], _CLOSED_BY[order["S"]], price, quantity)]


def _bybit(message: Mapping[str, Any]) -> list[_Row]:
    return [_Row(row["s"], row["T"], _POSITION[row["S"]], row["p"], row["v"]) for row in message["data"]]


def _okx(message: Mapping[str, Any]) -> list[_Row]:
    def side(row: Mapping[str, Any]) -> Side:
        return _POSITION[row["posSide"]] if row["posSide"] != "net" else _CLOSED_BY[row["side"]]

    return [
        _Row(told["instId"], row["ts"], side(row), row["bkPx"], row["sz"]) for told in message["data"] for row in told["details"]
    ]


_ROWS: dict[Wire, Callable[[Mapping[str, Any]], Sequence[_Row]]] = {
    "binance_usdm": _binance, "bybit_linear": _bybit, "okx_swap": _okx,
}
