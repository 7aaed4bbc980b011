"""Every training configuration ever evaluated: the number of tries behind the best Sharpe ratio."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.hashing import hash_json


@dataclass(frozen=True)
class Trial:
    """One configuration on one data set. `configuration` holds plain values: hyperparameters, seeds, label settings."""

    venue: str
    symbol: str
    architecture: str
    configuration: dict[str, Any]
    dataset_hash: str

    @cached_property
    def trial_id(self) -> str:
        """SHA-256 hex: the same configuration on the same data is the same trial."""
        return hash_json(asdict(self))


class TrialLog:
    """Counts each trial once, however often it is repeated."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def record(self, trial: Trial, wire_ms: int, *, daily_sharpe: float | None = None, days: int | None = None) -> bool:
        """Log a trial; True when it is new.

        `daily_sharpe` is out of sample and per day, over `days` days; None while it is not known, and a value that was
        known stays. `wire_ms` in ms UTC.
        """
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                INSERT INTO trials (trial_id, venue, symbol, architecture, configuration, dataset_hash, first_at, daily_sharpe,
                                    days)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (trial_id) DO UPDATE SET daily_sharpe = coalesce(excluded.daily_sharpe, trials.daily_sharpe),
                    days = coalesce(excluded.days, trials.days)
                RETURNING xmax = 0
                """,
                (
                    trial.trial_id, trial.venue, trial.symbol, trial.architecture,
                    json.dumps(trial.configuration, sort_keys=True), trial.dataset_hash, to_datetime(wire_ms), daily_sharpe, days,
                ),
            ).fetchone()
        return bool(row and row[0])

    def count(self) -> int:
        """All trials ever logged, on every symbol: they were all looked at."""
        return int(self._one("SELECT count(*) FROM trials") or 0)

    def sharpe_variance(self) -> float | None:
        """Sample variance (ddof 1) of the daily Sharpe ratios that are known; None with fewer than two."""
        value = self._one("SELECT var_samp(daily_sharpe) FROM trials")
        return None if value is None else float(value)

    def _one(self, query: str) -> Any:
        with self._brain.connect() as connection:
            row = connection.execute(query).fetchone()
        return None if row is None else row[0]
