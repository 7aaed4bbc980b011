"""What assets reach the outside world through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.data.features.store import FeatureStore
    from huracan_platform.decision.costs import CostModel
    from huracan_platform.learning.registry import Registry
    from huracan_platform.venues.market import MarketData


class Platform(dg.ConfigurableResource):
    """Opens the platform's parts from the settings; nothing is connected before it is asked for."""

    def settings(self) -> Settings:
        """Settings from the environment of the run."""
        return load_settings()

    def brain(self, role: Role) -> Brain:
        """The Brain Library under a role, started if it is the embedded one, migrated."""
        from huracan_platform.brain.migrate import open_brain

        return open_brain(self.settings(), role)

    def market(self) -> MarketData:
        """Market data of the configured venue."""
        from huracan_platform.venues.market import MarketData

        return MarketData(self.settings())

    def alternatives(self) -> dict[str, MarketData]:
        """Market data of the venues beside the configured one, by name, in the order in which they are asked."""
        from huracan_platform.venues.alternatives import alternative_markets

        return alternative_markets(self.settings())

    def second_venue(self, brain: Brain) -> str | None:
        """Name, in the library, of the first venue beside the configured one; None where none is set or nothing of it is stored.

        It is not asked: what is built of its facts is the same whether it answers now or not.
        """
        from huracan_platform.brain.facts.alternative_venues import AlternativeVenues

        others = self.settings().venue.alternatives
        return AlternativeVenues(brain).venue(others[0].address) if others else None

    def feature_store(self, brain: Brain, second_venue: str | None = None) -> FeatureStore:
        """Feature days under `<home>/artefacts`; funding of the set `positioning` is compared with a second venue's."""
        from huracan_platform.data.features.store import FeatureStore
        from huracan_platform.data.sentiment.fear_greed import source_of

        settings = self.settings()
        url = settings.sentiment.fear_greed_url
        return FeatureStore(
            brain, self.artefact_root(), clock=self.market().clock(), funding_delay_ms=settings.quality.funding_delay_ms,
            second_venue=second_venue, fear_greed=source_of(url) if url else None,
        )

    def registry(self, brain: Brain) -> Registry:
        """Model versions under `<home>/artefacts`."""
        from huracan_platform.learning.registry import Registry

        return Registry(brain, self.artefact_root())

    def account_costs(self, market: MarketData, symbol: str) -> CostModel:
        """The account's own fee schedule where the venue tells it, else the settings'."""
        from huracan_platform.decision.costs import account_costs

        fees = market.fees(symbol)
        return account_costs(
            self.settings().costs, maker_fee=fees.maker if fees else None, taker_fee=fees.taker if fees else None
        )

    def ui_url(self) -> str:
        """Address of the web UI, for links."""
        ui = self.settings().ui
        return f"http://{ui.host}:{ui.port}"

    def artefact_root(self) -> str:
        """Root path or URL of content-addressed files."""
        return str(self.settings().home / "artefacts")
