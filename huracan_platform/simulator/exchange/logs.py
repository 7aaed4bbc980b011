"""Fills and income of an account in columns: a venue that runs for months keeps them all, at some 70 bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, overload

from huracan_platform.simulator.exchange.orders import Fill, Order

PLACES = 8  # of the amounts in USDT
ZERO = Decimal(0)
NONE = -1


class IncomeType(StrEnum):
    """Why the wallet changed, as the venue names it."""

    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@dataclass(frozen=True, slots=True)
class Income:
    """One change of the wallet: USDT, market ms, and the trade that made it (None: no trade did)."""

    number: int
    symbol: str
    kind: IncomeType
    amount: Decimal
    time_ms: int
    trade_id: int | None


Row = TypeVar("Row", covariant=True)
_KINDS = tuple(IncomeType)


class _Log(Sequence[Row]):
    """A sequence of rows that are made as they are asked for."""

    def row(self, index: int) -> Row:
        """Row of an index from 0."""
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self.row(i) for i in range(*index.indices(len(self)))]
        return self.row(range(len(self))[index])

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, range(len(self)))


def _whole(amount: Decimal) -> int:
    """An amount in units of the last place; one that has more places is a mistake."""
    scaled = amount.scaleb(PLACES)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"amount: expected at most {PLACES} decimals, got {amount}")
    return whole


def _amount(whole: int) -> Decimal:
    return Decimal(whole).scaleb(-PLACES) if whole else ZERO


class IncomeLog(_Log[Income]):
    """Every change of a wallet, numbered from 1."""

    def __init__(self) -> None:
        self._symbols: list[str] = []
        self._columns = [array("q") for _ in range(5)]

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, symbol: str, kind: IncomeType, amount: Decimal, time_ms: int, trade_id: int | None) -> None:
        """Note a change."""
        if symbol not in self._symbols:
            self._symbols.append(symbol)
        trade = NONE if trade_id is None else trade_id
        values = (self._symbols.index(symbol), _KINDS.index(kind), _whole(amount), time_ms, trade)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def row(self, index: int) -> Income:
        """Row of an index from 0."""
        number, kind, amount, time_ms, trade_id = (column[index] for column in self._columns)
        symbol = self._symbols[number]
        return Income(index + 1, symbol, _KINDS[kind], _amount(amount), time_ms, None if trade_id == NONE else trade_id)


class FillLog(_Log[Fill]):
    """Every execution of an account's orders."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._columns = [array("q") for _ in range(8)]

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, fill: Fill) -> None:
        """Note an execution."""
        values: tuple[Any, ...] = (
            fill.trade_id, fill.price, fill.lots, _whole(fill.commission), _whole(fill.realised), fill.maker, fill.time_ms,
            fill.wire_ms,
        )
        self._orders.append(fill.order)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def between(self, first_id: int, since_ms: int, until_ms: int | None) -> range:
        """Indices of the rows from a trade id and a market time on, up to another: both only grow."""
        ids, times = self._columns[0], self._columns[6]
        stop = len(times) if until_ms is None else bisect_right(times, until_ms)
        return range(max(bisect_left(ids, first_id), bisect_left(times, since_ms)), stop)

    def row(self, index: int) -> Fill:
        """Row of an index from 0."""
        trade_id, price, lots, commission, realised, maker, time_ms, wire_ms = (column[index] for column in self._columns)
        return Fill(
            trade_id, self._orders[index], price, lots, _amount(commission), _amount(realised), bool(maker), time_ms, wire_ms
        )
