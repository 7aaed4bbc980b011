"""Who trades at the venue, whatever protocol they speak: one account for each API key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr

from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.serving.problems import VenueRefusal


class Party(Protocol):
    """A client of the venue: its API key and its account."""

    @property
    def name(self) -> str:
        """The API key."""

    @property
    def account(self) -> Account:
        """Its money and orders."""


_P = TypeVar("_P", bound=Party)


class Accounts(ABC, Generic[_P]):
    """All clients of the venue, the first one first."""

    def __init__(self) -> None:
        self._by_name: dict[str, _P] = {}

    def __iter__(self) -> Iterator[_P]:
        return iter(self._by_name.values())

    @property
    def first(self) -> _P:
        """The client of the key that the venue was started with."""
        return next(iter(self))

    def named(self, name: str) -> _P | None:
        """The client of a key; None where there is none."""
        return self._by_name.get(name)

    def add(self, key: SecretStr, secret: SecretStr, balance: Decimal) -> _P:
        """Open an account of so many USDT for a key.

        Raises
        ------
        VenueRefusal
            With status 409 where the key has an account.
        """
        name = key.get_secret_value()
        if name in self._by_name:
            raise VenueRefusal(-1130, f"api_key: expected a new one, got {name!r}", 409)
        self._by_name[name] = self._open(name, secret, balance)
        return self._by_name[name]

    @abstractmethod
    def _open(self, name: str, secret: SecretStr, balance: Decimal) -> _P:
        """A client with an account of its own."""
