"""All settings: one frozen, constrained, documented tree. Nothing else reads the environment.

Names in the environment are `HURACAN_` + the path with `__` between levels: `HURACAN_VENUE__URL`.
A secret may also be given as a file: `HURACAN_SECRETS_DIR=/run/secrets`. Units are in the names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from huracan_platform.errors import ConfigurationError
from huracan_platform.failpoints import arm
from huracan_platform.setting_rules import PREFIX, SECRETS_DIR, Day, Dsn, Fraction, Symbols, told, unknown_names
from huracan_platform.setting_sections import (
    LiquidationSettings,
    RiskPolicySettings,
    RollbackSettings,
    SentimentSettings,
    VenueSettings,
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    """Where the Brain Library and Dagster's own storage live."""

    dsn: Dsn | None = Field(None, description="Brain Library DSN; None starts the embedded Postgres under home")
    dagster_dsn: Dsn | None = Field(None, description="Dagster storage DSN; None puts it beside the Brain Library")
    port: int | None = Field(None, ge=1024, le=65535, description="port of the embedded server; None picks a free one once")
    run_as: str = Field("nobody", description="unprivileged user the embedded server runs under when started as root")
    start_timeout_s: float = Field(60.0, gt=0)
    roles: Literal["available", "required"] = Field(
        "available", description="each part works under its database role: where the server has them, or not at all"
    )


class SimulatorSettings(_Section):
    """Defaults of `huracan venue`."""

    host: str = "127.0.0.1"
    port: int = Field(8799, ge=0, le=65535)
    seed: int = Field(7, ge=0)
    days: int = Field(360, ge=1, le=2000, description="days of history before the market's now")
    start: Day = Field(
        "2025-01-01", description="first UTC day of the synthetic market; fixed, so that a seed fixes the bytes"
    )
    speed: float = Field(1.0, ge=0, description="market seconds per wall second")
    mirror_days: int = Field(7, ge=1, le=90, description="days of history that a mirror fetches from its source")


class UiSettings(_Section):
    """The Dagster web server. It has no login, so it binds to loopback; a proxy with login goes in front of it."""

    host: str = "127.0.0.1"
    port: int = Field(3000, ge=1, le=65535)


class BroadcastSettings(_Section):
    """Where incidents are told. Without a token and a webhook they stay in the outbox and in `huracan incidents`."""

    slack_token: SecretStr | None = Field(None, description="bot token with chat:write and channels:history")
    slack_channel: str = Field("#trading", description="channel name, or its id, which lookups of lost answers need")
    slack_api_url: str = Field("https://slack.com/api/", description="base URL of Slack's Web API")
    slack_webhook_url: SecretStr | None = Field(None, description="incoming webhook, used while the bot's channel fails")
    tell_from: Literal["info", "warning", "critical"] = Field("warning", description="what is less stays on record only")
    fallback_after_s: float = Field(120.0, gt=0, description="a message that waits so long goes to the next channel too")
    poll_s: float = Field(2.0, gt=0, description="how often the outbox is looked at")


class QualitySettings(_Section):
    """Thresholds of the six quality checks."""

    freshness_bars: int = Field(2, ge=1, description="newest bar must be younger than this many bars (market clock)")
    plausibility_mad_sigma: float = Field(10.0, gt=0, description="return outlier bound in MAD-sigmas")
    plausibility_confirm_bars: int = Field(2, ge=0, description="bars within which a second venue confirms a jump")
    coverage_alert: Fraction = Field(0.995, description="symbol-day coverage under which an alert goes out")
    coverage_degraded: Fraction = Field(0.98, description="symbol-day coverage under which the day is degraded")
    arrival_delay_ms: int = Field(2_000, ge=0, description="first version of a candle is known this long after its close")
    funding_delay_ms: int = Field(5_000, ge=0, description="a funding rate is known this long after its settlement")
    open_interest_delay_ms: int = Field(
        300_000, ge=0, description="a snapshot of open interest is known this long after its moment, as in the venue's archive"
    )
    open_interest_price_tolerance: Fraction = Field(
        0.01, description="USD per contract may leave the hour's price range by this fraction: it is a mark price"
    )
    fetch_tries: int = Field(3, ge=1)


class FeatureSettings(_Section):
    """Feature windows. `short_history` cuts trailing windows over 7 days for data of a few weeks."""

    profile: Literal["full", "short_history"] = "full"
    feature_set: str = "core"
    rank_window_days: int = Field(
        30, ge=2, le=90, description="hourly samples that temperature, entropy and funding are set against"
    )
    regime_window_days: int = Field(90, ge=2, le=90, description="hourly samples that the volatility regime is set against")
    short_window_days: int = Field(7, ge=2, le=7, description="both of these in the short_history profile")


class LabelSettings(_Section):
    """Triple-barrier labels (Lopez de Prado, AFML ch. 3)."""

    horizon_min: int = Field(60, ge=1, description="vertical barrier, minutes")
    barrier_sigma: float = Field(1.5, gt=0, description="horizontal barriers in trailing sigmas of the horizon")
    sample_every_min: int = Field(15, ge=1, description="a label and a decision every so many minutes")


class TrainingSettings(_Section):
    """Split, walk-forward and model defaults."""

    train_fraction: Fraction = 0.70
    validation_fraction: Fraction = 0.15
    embargo_min: int = Field(60, ge=0, description="gap after each part, at least the label horizon")
    walk_forward_train_days: int = Field(90, ge=5, description="first training window, its validation part included, days")
    walk_forward_test_days: int = Field(30, ge=1, description="days judged per fold before refitting")
    walk_forward_mode: Literal["expanding", "rolling"] = Field(
        "expanding", description="folds train on all earlier days, or the last window"
    )
    architectures: tuple[Literal["linear", "xgboost"], ...] = ("linear", "xgboost")
    drift_window_days: int = Field(30, ge=1, description="live rows of so many days are compared with the training rows")
    drift_report_days: float = Field(
        7.0, gt=0, description="wall days after which a version's drift page is made anew; at once where other columns are critical"
    )
    drift_cool_down_h: float = Field(24.0, ge=0, description="drift asks for a training of a symbol once in so many hours")
    new_days: int = Field(7, ge=1, description="so many good days after the newest data set ask for a training")
    top_features: int = Field(20, ge=1, description="features of a version that count as its best")
    min_ranking_overlap: Fraction = Field(0.60, description="share of the best features that the next version should keep")
    seed: int = Field(11, ge=0)
    threads: int = Field(
        1, ge=1, description="threads per fit; 1 keeps fits bit-for-bit repeatable and lets symbols run side by side"
    )


class CostSettings(_Section):
    """Costs where the venue does not tell its own. Basis points of notional, positive = paid."""

    maker_fee_bps: float = 2.0
    taker_fee_bps: float = 5.0
    founding_maker_fee_bps: float = -0.5
    founding_taker_fee_bps: float = 8.0
    half_spread_bps: float = Field(0.5, ge=0)
    slippage_bps: float = Field(1.0, ge=0, description="taker slippage beyond the spread")


class StrategySettings(_Section):
    """The model-barrier strategy: enter on calibrated probability, leave at barrier, stop or time."""

    enter_probability: Fraction = Field(0.62, description="calibrated probability needed to enter")
    min_edge_bps: float = Field(0.0, description="expected edge after round-trip cost needed to enter")
    risk_per_trade: Fraction = Field(0.0025, description="equity fraction lost when the stop is hit")
    max_leverage_per_symbol: float = Field(0.5, gt=0, description="notional / equity cap per symbol")


class GateSettings(_Section):
    """Founding thresholds and the sample rules beside them. Changing one needs a reason and a new version."""

    version: int = 1
    min_sharpe: float = 1.0
    min_win_rate: Fraction = 0.50
    min_profit_factor: float = 1.5
    min_oos_days: int = 180
    min_trades: int = 100
    min_psr: Fraction = 0.95
    min_dsr: Fraction = 0.90
    max_drawdown: Fraction = 0.15
    max_volatility: float = 0.30
    max_consecutive_losses: int = 5
    max_brier: float = 0.25
    max_ece: float = 0.10
    min_calibration_n: int = 500
    max_single_feature_auc: float = 0.65
    max_psi: float = 0.2
    warn_psi: float = 0.1
    min_drift_observations: int = 500
    live_ratio: Fraction = 0.70
    min_live_trades: int = 30
    bootstrap_draws: int = 1000


class RiskSettings(_Section):
    """Hard limits of the pre-trade checks and the governor."""

    price_collar: Fraction = Field(0.02, description="order price may differ from mark by this fraction")
    price_collar_period: Fraction = Field(0.08, description="order price may differ from any mark of the collar's period by this")
    collar_period_market_s: float = Field(900.0, gt=0, description="period of the second collar, market clock")
    max_order_usd: Decimal = Decimal("25000")
    max_order_quantity: Decimal = Decimal("1000000")
    max_symbol_leverage: float = 1.0
    max_gross_leverage: float = 2.0
    max_net_leverage: float = 1.5
    max_daily_loss: Fraction = 0.05
    soft_brake_drawdown: Fraction = 0.05
    quarantine_drawdown: Fraction = 0.10
    hard_stop_drawdown: Fraction = 0.15
    max_clock_skew_ms: int = 500
    halt_clock_skew_ms: int = 1000
    max_open_orders: int = Field(20, ge=1, description="orders that may stand at the venue, stops included")
    deescalate_after_market_s: float = Field(
        3600.0, ge=0, description="the governor relaxes one state after so long below its bound"
    )
    deescalate_margin: Fraction = Field(0.01, description="and only when the drawdown is this much below the state's bound")
    stop_distance_max: Fraction = 0.10


class ExecutionSettings(_Section):
    """Lease, deadlines and session bounds. Seconds are wall time unless the name says market."""

    gateway: Literal["paper"] = "paper"
    lease_ttl_s: float = Field(15.0, gt=0)
    heartbeat_s: float = Field(5.0, gt=0)
    order_deadline_s: float = Field(5.0, gt=0, description="an intent not accepted by then is not valid any more")
    clock_bound_s: float = Field(1.0, ge=0)
    unknown_grace_s: float = Field(10.0, gt=0, description="wait after the deadline before not-found proves anything")
    unknown_not_found: int = Field(3, ge=3, description="definitive not-founds needed")
    reconcile_every_s: float = Field(5.0, gt=0)
    max_session_s: float = Field(6 * 3600.0, gt=0, description="bound of one session")
    stale_bar_market_s: float = Field(150.0, gt=0, description="newest closed bar older than this: no new risk")
    authorisation_days: int = Field(30, ge=1)


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
    recorded_data: Path = Field(default=Path("../shared/data"), description="recorded market data for tests that use it")
    failpoint: str | None = Field(None, description="NAME:kill or NAME:raise, for fault tests only")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    symbols: Annotated[Symbols, NoDecode] = Field(
        ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"), description="ccxt unified symbols, comma-separated"
    )
    first_day: Day = Field("2025-01-01", description="first UTC day partition")
    seed: int = 7

    database: DatabaseSettings = DatabaseSettings()
    venue: VenueSettings = VenueSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    ui: UiSettings = UiSettings()
    broadcast: BroadcastSettings = BroadcastSettings()
    quality: QualitySettings = QualitySettings()
    sentiment: SentimentSettings = SentimentSettings()
    liquidations: LiquidationSettings = LiquidationSettings()
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
