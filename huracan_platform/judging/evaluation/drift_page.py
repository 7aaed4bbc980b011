"""Drift of a version as a page for people, drawn by evidently: distributions side by side, worst column first.

The figures on it are this platform's own (`drift.psi` over deciles of the reference, against each column's own threshold).
evidently's PSI of continuous columns is another: bins of equal width over both samples together, so that one outlier decides
how many of them count. On columns with at most twenty values both are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.market import Float64
from huracan_platform.judging.evaluation.drift import PREDICTION, psi

METHOD, METHOD_NAME = "psi_of_deciles", "PSI over deciles of the training rows"
_ORDER = {DriftLevel.CRITICAL: 0, DriftLevel.WARNING: 1, DriftLevel.NONE: 2, DriftLevel.UNMEASURED: 3}


def drift_page(
    columns: Sequence[str], reference: Float64, current: Float64, found: Sequence[ColumnDrift], *,
    reference_prediction: Float64, prediction: Float64,
) -> str:
    """HTML that stands alone and asks the network for nothing; the arguments are those of `measure_drift`, with what it found.

    Takes some seconds, of which importing evidently takes five in a fresh process.
    """
    from evidently import DataDefinition, Dataset, Report
    from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest
    from evidently.legacy.core import ColumnType
    from evidently.metrics import ValueDrift

    register_stattest(
        StatTest(METHOD, METHOD_NAME, allowed_feature_types=[ColumnType.Numerical], default_threshold=0.2), _deciles
    )
    titles = {c.column: f"{c.column}, {_level(c)}" for c in found}
    numbers = DataDefinition(numerical_columns=list(titles.values()))
    sides = [
        Dataset.from_pandas(_frame(columns, rows, probability).rename(columns=titles), data_definition=numbers)
        for rows, probability in ((current, prediction), (reference, reference_prediction))
    ]
    ordered = sorted(found, key=lambda c: (_ORDER[c.level], -c.psi if np.isfinite(c.psi) else 0.0))
    report = Report([ValueDrift(column=titles[c.column], method=METHOD, threshold=c.critical_psi) for c in ordered])
    page: str = report.run(*sides).get_html_str(as_iframe=False)
    return page


def _level(column: ColumnDrift) -> str:
    if column.level is DriftLevel.UNMEASURED:
        return f"too few independent rows to be called ({column.effective:.0f})"
    return f"{column.level}, critical above {column.critical_psi:.3f}"


def _frame(columns: Sequence[str], rows: Float64, probability: Float64) -> pd.DataFrame:
    """Features beside predictions; those of fewer rows end early."""
    features = pd.DataFrame(rows, columns=list(columns))
    return pd.concat([features, pd.DataFrame({PREDICTION: probability})], axis=1)


def _deciles(
    reference: pd.Series[float], current: pd.Series[float], feature_type: object, threshold: float
) -> tuple[float, bool]:
    value = psi(np.asarray(reference, np.float64), np.asarray(current, np.float64))
    return value, value > threshold
