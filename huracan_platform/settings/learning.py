"""Labels, training, gates, risk policies, rollback."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from huracan_platform.settings.rules import Fraction, Section


class LabelSettings(Section):
    """Triple-barrier labels (Lopez de Prado, AFML ch. 3)."""

    horizon_min: int = Field(60, ge=1, description="vertical barrier, minutes")
    barrier_sigma: float = Field(1.5, gt=0, description="horizontal barriers in trailing sigmas of the horizon")
    sample_every_min: int = Field(15, ge=1, description="a label and a decision every so many minutes")


class TrainingSettings(Section):
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
        7.0, gt=0, description="wall days after which a version's drift page is made anew; at once if other columns are critical"
    )
    drift_cool_down_h: float = Field(24.0, ge=0, description="drift asks for a training of a symbol once in so many hours")
    new_days: int = Field(7, ge=1, description="so many good days after the newest data set ask for a training")
    top_features: int = Field(20, ge=1, description="features of a version that count as its best")
    min_ranking_overlap: Fraction = Field(0.60, description="share of the best features that the next version should keep")
    seed: int = Field(11, ge=0)
    threads: int = Field(
        1, ge=1, description="threads per fit; 1 keeps fits bit-for-bit repeatable and lets symbols run side by side"
    )


class GateSettings(Section):
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


class RiskPolicySettings(Section):
    """The risk policy of a symbol: leverage, size and stop by a trained policy, or by rules where none is approved."""

    enabled: bool = Field(False, description="off: sessions trade by the strategy's own settings, and no policy is asked")
    version: str | None = Field(None, description="policy id to use; None: the symbol's newest approved one")
    adjust_every_s: float = Field(
        60.0, gt=0, description="market seconds after which a decision bar asks again; until then the last answer holds"
    )
    max_leverage: float = Field(5.0, ge=1, le=10, description="a policy's leverage counts as a share of this")
    stop_loss: float = Field(0.02, ge=0.005, le=0.10, description="furthest stop of the fixed defaults, fraction of entry")
    drawdown_weight: float = Field(1.0, ge=0, description="of a rise of the drawdown against log equity, in reward and verdict")
    turnover_cost_bps: float = Field(1.0, ge=0, description="of notional traded, in the reward only, beyond costs")
    held_out_fraction: float = Field(0.30, gt=0, lt=1, description="newest part of the walk-forward rows, for the verdict only")
    episode_days: int = Field(30, ge=1, description="length of a training episode")
    timesteps: int = Field(50_000, ge=1, description="decision bars a policy is trained on, per seed")
    seeds: int = Field(5, ge=3, description="policies trained alike; the first is the version, all of them its verdict")


class RollbackSettings(Section):
    """When a version takes charge of a symbol, and when it loses it to the one before."""

    min_days: int = Field(5, ge=2, description="days held out from both versions needed to compare them before activation")
    alpha: float = Field(0.05, gt=0, lt=1, description="chance of rolling back, ever, a version that is no worse")
    clip: float = Field(0.005, gt=0, description="differences of hourly returns count up to this: two stops of opposite trades")
    max_drawdown: float = Field(0.05, gt=0, lt=1, description="of shadow returns, without a test; the governor's soft brake")
    cool_down_h: float = Field(24.0, ge=0, description="wall hours between a rollback of a symbol and the next by itself")
