"""Writes oracle_values.json: the metrics of fixed return series as independent libraries compute them.

Run by hand, in an environment of its own: `pip install empyrical-reloaded 'pandas<3'`, then
`python tests/judging/make_oracle_values.py`. The platform never needs these libraries.
"""

import json
from itertools import groupby
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd

rng = np.random.default_rng(20250101)
SERIES = {
    "drifting": rng.normal(0.002, 0.01, 270),
    "losing": rng.normal(-0.001, 0.02, 180),
    "mostly_flat": np.where(rng.random(200) < 0.8, 0.0, rng.normal(0.001, 0.03, 200)),
    "fat_tails": 0.004 * rng.standard_t(3, 365) + 0.0005,
}
cases = {}
for name, values in SERIES.items():
    returns = pd.Series(values)
    cases[name] = {
        "returns": values.tolist(),
        "sharpe": empyrical.sharpe_ratio(returns, risk_free=0, annualization=365),
        "sortino": empyrical.sortino_ratio(returns, 0, annualization=365),
        "calmar": empyrical.calmar_ratio(returns, annualization=365),
        "annual_return": empyrical.annual_return(returns, annualization=365),
        "max_drawdown": -empyrical.max_drawdown(returns),
        "volatility": empyrical.annual_volatility(returns, annualization=365),
        "win_rate": float((returns > 0).mean()),
        "profit_factor": float(returns.clip(lower=0).sum() / -returns.clip(upper=0).sum()),
        "longest_losing_run": max((len(list(g)) for losing, g in groupby(returns < 0) if losing), default=0),
    }
body = {"oracle": f"empyrical-reloaded {empyrical.__version__}, pandas {pd.__version__}", "cases": cases}
Path(__file__).with_name("oracle_values.json").write_text(json.dumps(body, indent=1) + "\n")
