"""A small real world for session tests: a venue process, three days of library, features, and a model on a script."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import DAY_MS, Clock, day_of, day_start_ms, days_between, to_datetime
from huracan_platform.contracts.model import Criterion, GateStatus, ModelCard, Verdict
from huracan_platform.data.features.registry import FeatureSet, feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding
from huracan_platform.learning.models.calibrate import IdentityCalibrator
from huracan_platform.learning.models.linear import LinearModel
from huracan_platform.learning.models.provenance import collect_provenance
from huracan_platform.learning.models.scaling import Scaler
from huracan_platform.learning.models.train import FittedModel
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.venue_process import running_venue

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
HISTORY_DAYS = 3
# Follows the last five minutes: far from one half at nearly every bar, so that a few hours hold many trades.
SCRIPT = {"log_return_5": 4000.0}


@dataclass(frozen=True)
class World:
    """Where everything is."""

    url: str
    settings: Settings
    brain: Brain
    market: MarketData
    store: FeatureStore
    registry: Registry
    features: FeatureSet

    @property
    def clock(self) -> Clock:
        """Both clocks as the venue tells them now."""
        return self.market.clock()

    def control(self, name: str, body: dict[str, Any] | None = None) -> Any:
        """One of the venue's control endpoints."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/control/{name}", data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def register(self, symbol: str, weights: dict[str, float] = SCRIPT, *, authorise: bool = True) -> ModelCard:
        """A linear model with the given weights on raw features, judged, and authorised for paper unless told otherwise."""
        fitted = scripted_model(self.features, weights)
        card = self.registry.register(fitted, self._manifest(symbol, fitted), self.clock, by="test")
        VerdictRepository(self.brain).append([_verdict(card.model_id, gate, self.clock) for gate in range(1, 8)])
        if authorise:
            grant = self.registry.authorise(card.model_id, "paper", 1, self.clock, by="test", reason="scripted")
            assert grant.authorisation is not None
        return card

    def _manifest(self, symbol: str, fitted: FittedModel) -> dict[str, Any]:
        clock = self.clock
        end = day_start_ms(day_of(clock.market_ms()))
        rows = self.store.load(self.market.venue, symbol, self.features, end - HISTORY_DAYS * DAY_MS, end)
        spec = {
            "venue": self.market.venue, "symbol": symbol, "start_ms": end - HISTORY_DAYS * DAY_MS, "end_ms": end,
            "as_of_ms": clock.market_ms(), "recorded_before_ms": clock.wire_ms(), "left_out_days": [],
        }
        return {
            "architecture": "linear", "hyperparameters": {}, "seeds": {"training": 0}, "metrics": {}, "parent": None,
            "dataset": {
                "id": "script", "hash": "d" * 64, "spec": spec, "rows": len(rows.ts_ms),
                "feature_day_hashes": list(rows.day_hashes), "columns": list(fitted.columns),
                "feature_set": self.features.name, "feature_set_hash": self.features.set_hash,
            },
            "provenance": collect_provenance().as_dict(),
        }


def scripted_model(features: FeatureSet, weights: dict[str, float]) -> FittedModel:
    """A real linear model whose coefficients are written down instead of fitted."""
    k = len(features.columns)
    body = {"parameters": {}, "coefficients": [weights.get(name, 0.0) for name in features.columns], "intercept": 0.0}
    classifier = LinearModel.load({"linear.json": json.dumps(body).encode()})
    scaler = Scaler(np.zeros(k), np.ones(k))
    return FittedModel("linear", features.columns, features.name, features.set_hash, scaler, classifier, IdentityCalibrator())


@contextmanager
def small_world(brain: Brain, home: Path, venue_days: int = HISTORY_DAYS) -> Iterator[World]:
    """The last three days of a market behind a paused clock, ingested, checked and turned into features."""
    with running_venue(days=venue_days, symbols=",".join(SYMBOLS), speed=0.0) as url:
        settings = Settings(
            home=home, symbols=SYMBOLS, database={"dsn": brain.dsn}, venue={"url": url, "rate_limit": False},
            features={"profile": "short_history"}, labels={"horizon_min": 15, "sample_every_min": 5},
            strategy={"enter_probability": 0.55, "min_edge_bps": -50.0},
            risk={"max_order_usd": Decimal(100_000)},
            execution={"reconcile_every_s": 1.0, "lease_ttl_s": 3.0, "heartbeat_s": 1.0},
        )
        market = MarketData(settings)
        store = FeatureStore(brain, str(home / "artefacts"), clock=market.clock())
        features = feature_set("core", "short_history", settings=settings.features)
        last = day_of(market.clock().market_ms()) - timedelta(days=1)
        first = last - timedelta(days=HISTORY_DAYS - 1)
        ingest_candles(brain, market, SYMBOLS, first, last, settings)
        ingest_funding(brain, market, SYMBOLS, first, last, settings)
        store.build_days(market.venue, SYMBOLS, days_between(first, last), features)
        yield World(url, settings, brain, market, store, Registry(brain, str(home / "artefacts")), features)


def _verdict(model_id: str, gate: int, clock: Clock) -> Verdict:
    status = GateStatus.INSUFFICIENT if gate in (4, 7) else GateStatus.FAIL
    criterion = Criterion("scripted", 0.0, ">=", 1.0, status)
    return Verdict(model_id, gate, f"gate {gate}", status, (criterion,), 1, to_datetime(clock.wire_ms()))
