"""All settings: one frozen, constrained, documented tree. Nothing else reads the environment.

Names in the environment are `HURACAN_` + the path with `__` between levels: `HURACAN_VENUE__URL`.
A secret may also be given as a file: `HURACAN_SECRETS_DIR=/run/secrets`. Units are in the names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from huracan_platform.errors import ConfigurationError
from huracan_platform.failpoints import arm
from huracan_platform.settings.archive import ArchiveSettings
from huracan_platform.settings.features import FeatureSettings
from huracan_platform.settings.learning import GateSettings, LabelSettings, RiskPolicySettings, RollbackSettings, TrainingSettings
from huracan_platform.settings.microstructure import MicrostructureSettings
from huracan_platform.settings.platform import BroadcastSettings, DatabaseSettings, SimulatorSettings, UiSettings
from huracan_platform.settings.quality import QualitySettings
from huracan_platform.settings.recorders import LiquidationSettings
from huracan_platform.settings.repair import RepairSettings
from huracan_platform.settings.retention import RetentionSettings
from huracan_platform.settings.rules import PREFIX, SECRETS_DIR, Day, Symbols, told, unknown_names
from huracan_platform.settings.sentiment import SentimentSettings
from huracan_platform.settings.sources import SourceSettings
from huracan_platform.settings.trading import CostSettings, ExecutionSettings, RiskSettings, StrategySettings
from huracan_platform.settings.universe import UniverseSettings
from huracan_platform.settings.venue import AlternativeVenue, VenueSettings

__all__ = [
    "AlternativeVenue",
    "ArchiveSettings",
    "BroadcastSettings",
    "CostSettings",
    "DatabaseSettings",
    "ExecutionSettings",
    "FeatureSettings",
    "GateSettings",
    "LabelSettings",
    "LiquidationSettings",
    "MicrostructureSettings",
    "QualitySettings",
    "RepairSettings",
    "RetentionSettings",
    "RiskPolicySettings",
    "RiskSettings",
    "RollbackSettings",
    "SentimentSettings",
    "Settings",
    "SimulatorSettings",
    "SourceSettings",
    "StrategySettings",
    "TrainingSettings",
    "UiSettings",
    "UniverseSettings",
    "VenueSettings",
    "export",
    "load_settings",
]


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        secrets_dir=os.environ.get(SECRETS_DIR),
    )

    home: Path = Field(default=Path("~/.huracan"), description="database, artefacts, Dagster home, logs")
    recorded_data: Path | None = Field(None, description="recorded market data for tests that use it")
    failpoint: str | None = Field(None, description="NAME:kill or NAME:raise, for fault tests only")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    symbols: Annotated[Symbols, NoDecode] = Field(
        ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"), description="ccxt unified symbols, comma-separated"
    )
    first_day: Day = Field("2025-01-01", description="first UTC day partition")
    last_day: Day | None = Field(
        None, description="last UTC day partition; None: today's by the wall. The launcher sets it to a simulated market's end"
    )
    seed: int = 7

    database: DatabaseSettings = DatabaseSettings()
    venue: VenueSettings = VenueSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    ui: UiSettings = UiSettings()
    broadcast: BroadcastSettings = BroadcastSettings()
    quality: QualitySettings = QualitySettings()
    repair: RepairSettings = RepairSettings()
    universe: UniverseSettings = UniverseSettings()
    archive: ArchiveSettings = ArchiveSettings()
    sentiment: SentimentSettings = SentimentSettings()
    sources: SourceSettings = SourceSettings()
    liquidations: LiquidationSettings = LiquidationSettings()
    microstructure: MicrostructureSettings = MicrostructureSettings()
    features: FeatureSettings = FeatureSettings()
    labels: LabelSettings = LabelSettings()
    training: TrainingSettings = TrainingSettings()
    costs: CostSettings = CostSettings()
    strategy: StrategySettings = StrategySettings()
    gates: GateSettings = GateSettings()
    risk: RiskSettings = RiskSettings()
    risk_policy: RiskPolicySettings = RiskPolicySettings()
    rollback: RollbackSettings = RollbackSettings()
    execution: ExecutionSettings = ExecutionSettings()
    retention: RetentionSettings = RetentionSettings()

    @field_validator("home", mode="after")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(s.strip() for s in value.split(",") if s.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _embargo_covers_labels(self) -> Settings:
        if self.training.embargo_min < self.labels.horizon_min:
            raise ValueError(
                f"HURACAN_TRAINING__EMBARGO_MIN: expected at least HURACAN_LABELS__HORIZON_MIN of {self.labels.horizon_min}, "
                f"got {self.training.embargo_min}"
            )
        return self


def export(values: Mapping[str, str]) -> None:
    """Put settings into the environment of this process and of those it starts. Names as in `HURACAN_VENUE__URL`."""
    os.environ.update(values)


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment.

    Raises
    ------
    ConfigurationError
        Names each wrong setting, what was expected and what was got; a name that no setting has is wrong too.
    """
    misspelt = unknown_names(os.environ, Settings.model_fields)
    wrong = [f"{name}: expected the name of a setting, got one that there is not" for name in misspelt]
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong += [told(e["loc"], e["msg"], e.get("input")) for e in error.errors()]
    except SettingsError as error:
        wrong.append(f"expected JSON where a setting is a list, got something else ({error})")
    if wrong:
        raise ConfigurationError(f"settings: {'; '.join(wrong)}")
    arm(settings.failpoint)
    return settings
