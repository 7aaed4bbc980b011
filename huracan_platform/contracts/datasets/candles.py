"""Contract of 1-minute candles."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.datasets.schema import (
    SCALE_JUMP,
    ContractContext,
    finite,
    frame_rule,
    jumps,
    rule,
    schema,
)
from huracan_platform.contracts.market import CANDLE_COLUMNS


def candles(context: ContractContext) -> pa.DataFrameSchema:
    """Prices above 0 on one scale, volume not below 0."""
    price = [rule(lambda s: s > 0, "a price above 0")]
    values = {name: pa.Column(float, [finite(), *price]) for name in CANDLE_COLUMNS[:4]}
    return schema(
        context, MINUTE_MS, {**values, "volume": pa.Column(float, [finite(), rule(lambda s: s >= 0, "0 or more")])},
        [frame_rule(lambda f: _one_scale(f, context), f"closes within a factor {SCALE_JUMP:g} of their neighbours (one unit)")],
    )


def _one_scale(frame: pd.DataFrame, context: ContractContext) -> Any:
    before = frame.groupby("symbol", sort=False)["close"].shift()
    if context.before is not None and len(frame):
        before.iloc[0] = context.before
    fits = ~jumps(frame["close"], before)
    if context.after is not None and len(frame):
        last = frame["close"].iloc[-1:]
        fits.iloc[-1:] &= ~jumps(last, pd.Series(context.after, last.index))
    return fits
