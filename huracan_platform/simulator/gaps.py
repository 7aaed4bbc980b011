"""What a venue that follows another knows that it has missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

MOST_KEPT = 1_000


@dataclass(frozen=True)
class Gap:
    """Something missing in [from_ms, to_ms), market ms; `what` says what and why."""

    symbol: str
    from_ms: int
    to_ms: int
    what: str


class Gaps:
    """The latest gaps, oldest first; one that goes on from the last of its symbol and kind makes it longer."""

    def __init__(self) -> None:
        self._found: list[Gap] = []

    def add(self, gap: Gap) -> None:
        """Note a gap."""
        for at in range(len(self._found) - 1, -1, -1):
            known = self._found[at]
            if known.symbol == gap.symbol:
                if known.what == gap.what and known.to_ms == gap.from_ms:
                    self._found[at] = replace(known, to_ms=gap.to_ms)
                    return
                break
        self._found.append(gap)
        del self._found[:-MOST_KEPT]

    def told(self) -> list[dict[str, Any]]:
        """As JSON objects."""
        return [asdict(gap) for gap in self._found]
