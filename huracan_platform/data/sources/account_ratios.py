"""Long/short account ratio: the share of a venue's accounts that are long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.source import Column, SourceContract, SourceRows
from huracan_platform.data.sources.source import Origin, Rule
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class AccountRatioSource:
    """Snapshots every 5 minutes, of which venues keep a month."""

    contract = SourceContract("account_ratios", (Column("long_share", "a fraction", 0, 1),), step_ms=5 * MINUTE_MS)
    description = "Share of all accounts with a position that are long, each 5 minutes; of the past the venue keeps a month."

    def delay_ms(self, settings: Settings) -> int:
        """As the venue's archive is late."""
        return settings.sources.account_ratio_delay_ms

    def kept_ms(self, origin: Origin) -> int | None:
        """As the venue says."""
        return origin.market.kept_ms("account_ratios")

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        """As the venue tells them."""
        return SourceRows.of(origin.market.account_ratios(symbol, start_ms, end_ms))

    def rules(self, settings: Settings) -> Sequence[Rule]:
        """None: no other number follows from how many accounts are long."""
        return ()
