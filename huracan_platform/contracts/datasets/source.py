"""Contract of a source, made from what it declares."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from huracan_platform.contracts.datasets.schema import (
    SCALE_JUMP,
    ContractContext,
    finite,
    frame_rule,
    jumps,
    rule,
    schema,
)
from huracan_platform.contracts.source import Column, SourceContract


def source(contract: SourceContract, context: ContractContext) -> pa.DataFrameSchema:
    """Every column a finite number within its range, on one scale where it says so; rows on the grid, none unfinished."""
    values = {column.name: pa.Column(float, [finite(), _within(column)]) for column in contract.columns}
    scales = [_one_scale(column) for column in contract.columns if column.one_scale]
    return schema(context, contract.step_ms, values, scales, span_ms=contract.span_ms)


def _within(column: Column) -> pa.Check:
    return rule(lambda s: pd.Series(column.valid(s.to_numpy()), s.index), column.expected)


def _one_scale(column: Column) -> pa.Check:
    return frame_rule(
        lambda f: ~jumps(f[column.name], f.groupby("symbol", sort=False)[column.name].shift()),
        f"{column.name} within a factor {SCALE_JUMP:g} of the row before (one unit)",
    )
