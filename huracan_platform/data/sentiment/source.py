"""Where texts come from, as the collector sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from huracan_platform.clock import Clock
from huracan_platform.contracts.texts import Text
from huracan_platform.errors import DataContractError


class RefusedAnswerError(DataContractError):
    """An answer that holds no texts in the form that was expected; `body` is the answer."""

    def __init__(self, message: str, body: str) -> None:
        super().__init__(message)
        self.body = body


@dataclass(frozen=True)
class RefusedEntry:
    """An entry that is no text, as it came, and why."""

    reason: str
    row: str


@dataclass(frozen=True)
class Look:
    """What a source told at one look.

    `whole` says whether everything since the look before is in it; None where the source cannot tell, and only the newest
    text known before can, when it is told again.
    """

    texts: tuple[Text, ...]
    refused: tuple[RefusedEntry, ...] = ()
    whole: bool | None = None


class TextSource(Protocol):
    """One feed, subreddit or search."""

    @property
    def name(self) -> str:
        """Under which its texts and its recordings are kept."""
        ...

    @property
    def address(self) -> str:
        """Where it is, without a secret: told with what was refused."""
        ...

    def look(self, clock: Clock, since_ms: int | None) -> Look:
        """What is new since the market time of the look before, or what there is; None: there was none.

        Raises
        ------
        TransientError
            No answer, too many requests, or the server's own trouble.
        PermanentError
            The address or the credentials are wrong.
        RefusedAnswerError
            The answer is none of texts.
        """
        ...
