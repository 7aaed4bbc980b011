"""A version followed without trading: its decisions over stored feature rows, filled by the backtest. It sends nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.rollback import ShadowReturns
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import CostModel
from huracan_platform.decision.decide import strategy_parameters
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.engine import BacktestResult, run_backtest
from huracan_platform.judging.backtest.equity import DailyEquity, HourlyEquity
from huracan_platform.judging.evaluation.walk_forward import on_bars
from huracan_platform.learning.dataset import EPOCH_DAY
from huracan_platform.learning.models.frame import SIGMA_COLUMN
from huracan_platform.learning.models.manifest import Recipe
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Followed:
    """What a version did over a window of bars; `p_up` (m,) are its opinions, one per decision bar with a feature row."""

    backtest: BacktestResult
    p_up: Float64


class Shadow:
    """Follows versions over the library as it is now.

    Parameters
    ----------
    costs
        What trades cost, beside the strategy and the sampling that sessions trade by (`settings`).
    """

    def __init__(self, brain: Brain, store: FeatureStore, registry: Registry, costs: CostModel, settings: Settings) -> None:
        self._candles = CandleRepository(brain)
        self._funding = FundingRepository(brain)
        self._store = store
        self._registry = registry
        self._costs = costs
        self._settings = settings

    def follow(self, card: ModelCard, start_ms: int, end_ms: int) -> Followed:
        """The version's decisions on bars of [start_ms, end_ms), market ms UTC, on an account of its own.

        Raises
        ------
        DataContractError
            The library holds no bar or no feature row of that time.
        """
        recipe, labels = Recipe.of(card.manifest), self._settings.labels
        definition = feature_set(recipe.features.feature_set, recipe.features.profile, settings=recipe.features)
        pin = self._store.pin_now()  # bars, rows and funding of one moment, whatever is written meanwhile
        bars = self._candles.read(card.venue, [card.symbol], start_ms, end_ms, pin)[card.symbol]
        matrix = self._store.load(card.venue, card.symbol, definition, start_ms, end_ms, pin)
        asked = (matrix.ts_ms + MINUTE_MS) % (labels.sample_every_min * MINUTE_MS) == 0
        rows = np.flatnonzero(asked & np.isin(matrix.ts_ms, bars.ts_ms))
        if len(rows) == 0:
            raise DataContractError(
                f"{card.model_id}: expected bars and feature rows from {day_of(start_ms)} to {day_of(end_ms - 1)}, got none"
            )
        funding = self._funding.read(card.venue, [card.symbol], start_ms, end_ms, pin)[card.symbol]
        p_up = self._registry.load(card.model_id).probability(matrix.values[rows])
        sigma = matrix.values[rows, definition.columns.index(SIGMA_COLUMN)] * math.sqrt(labels.horizon_min)
        played = run_backtest(
            bars, funding, on_bars(bars, matrix.ts_ms[rows], p_up), on_bars(bars, matrix.ts_ms[rows], sigma),
            strategy_parameters(self._settings, round_trip_cost=self._costs.round_trip), self._costs,
        )
        return Followed(played, p_up)

    def returns_since_training(self, card: ModelCard) -> ShadowReturns:
        """Hourly net returns after the version's data set, up to the newest feature day; none where none has come in since.

        The newest hour is left out: what is open at the last bar was closed there for the account only.
        """
        start, end = Recipe.of(card.manifest).spec.end_ms, self.newest_ms(card)
        if end <= start:
            return ShadowReturns(card.model_id, np.empty(0, np.int64), np.empty(0))
        hourly = self.follow(card, start, end).backtest.hourly
        return ShadowReturns(card.model_id, hourly.hour_ms[:-1], hourly.returns[:-1])

    def newest_ms(self, card: ModelCard) -> int:
        """End of the newest feature day of the version's symbol, market ms UTC; 0 where there is none."""
        recipe = Recipe.of(card.manifest)
        definition = feature_set(recipe.features.feature_set, recipe.features.profile, settings=recipe.features)
        days = [d.day for d in self._store.days(card.venue, definition, EPOCH_DAY, date.max) if card.symbol in d.symbols]
        return day_start_ms(days[-1]) + DAY_MS if days else 0

    def last_day(self, card: ModelCard) -> Followed:
        """Its decisions of the newest 24 stored hours.

        Raises
        ------
        DataContractError
            There are none.
        """
        end = self.newest_ms(card)
        return self.follow(card, end - 24 * HOUR_MS, end)


def equity_of(returns: ShadowReturns) -> DailyEquity:
    """What the returns make of 1.0, by day."""
    return HourlyEquity(returns.ts_ms, np.cumprod(1.0 + returns.net, dtype=np.float64)).daily()
