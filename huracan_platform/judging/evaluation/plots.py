"""Pictures for people: equity and training curves, reliability diagram and feature ranking, as PNG bytes.

Drawn off screen, without global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np

from huracan_platform.contracts.importance import FeatureImportance
from huracan_platform.judging.backtest.equity import DailyEquity
from huracan_platform.learning.models.scores import Reliability


def equity_curve(accounts: Mapping[str, DailyEquity], title: str) -> bytes:
    """Equity per account by day (start = 1), over the drawdown of the first; PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for name, daily in accounts.items():
        upper.plot(daily.day_ms.astype("datetime64[ms]"), daily.equity, label=name, linewidth=1.2)
    upper.axhline(1.0, color="grey", linewidth=0.6)
    upper.set_ylabel("equity (start = 1)")
    upper.set_title(title)
    if accounts:
        upper.legend(loc="upper left", frameon=False)
        name, first = next(iter(accounts.items()))
        peak = np.maximum.accumulate(np.maximum(first.equity, 1.0))
        fall = 100.0 * (first.equity / peak - 1.0)
        lower.fill_between(first.day_ms.astype("datetime64[ms]"), fall, 0.0, color="tab:red", alpha=0.5)
        lower.set_ylabel(f"drawdown, %\n({name})")
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def reliability_diagram(diagram: Reliability, title: str) -> bytes:
    """Observed frequency against predicted probability per equal-mass bin, with 90 % binomial bars; PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    error = 1.645 * np.sqrt(diagram.observed * (1.0 - diagram.observed) / np.maximum(diagram.count, 1.0))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes.errorbar(diagram.predicted, diagram.observed, yerr=error, fmt="o", markersize=4, capsize=2)
    axes.set(xlabel="predicted probability of up", ylabel="observed frequency", title=title, xlim=(0, 1), ylim=(0, 1))
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def importance_ranking(ranking: Sequence[FeatureImportance], title: str, top: int = 20) -> bytes:
    """The best features: share of contributions, and rise of the held-out loss with 90 % bars; PNG."""
    from matplotlib.figure import Figure

    best = list(ranking[:top])[::-1]
    names = [i.feature for i in best]
    figure = Figure(figsize=(9, 0.28 * len(best) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.barh(names, [100.0 * i.contribution for i in best], color="tab:blue")
    left.set_xlabel("share of contributions, %")
    bars = [1_645.0 * i.permutation_error for i in best]
    right.barh(names, [1_000.0 * i.permutation for i in best], xerr=bars, color="tab:orange")
    right.axvline(0.0, color="grey", linewidth=0.8)
    right.set_xlabel("rise of held-out log loss, mnats")
    figure.suptitle(title)
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def training_curve(curves: Mapping[int, Sequence[tuple[int, float]]], title: str) -> bytes:
    """Mean reward per decision bar by steps trained, a line per seed; PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    for seed, points in curves.items():
        axes.plot([steps for steps, _ in points], [reward for _, reward in points], label=f"seed {seed}", linewidth=1.0)
    axes.set(xlabel="decision bars trained on", ylabel="mean reward", title=title)
    axes.legend(loc="lower right", frameon=False)
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
