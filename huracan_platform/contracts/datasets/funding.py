"""Contract of funding."""

from __future__ import annotations

import pandera.pandas as pa

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.datasets.schema import (
    RATE_CAP,
    ContractContext,
    finite,
    rule,
    schema,
)


def funding(context: ContractContext) -> pa.DataFrameSchema:
    """A fraction within the cap and whole hours of interval."""
    return schema(context, HOUR_MS, {
        "rate": pa.Column(float, [finite(), rule(lambda s: s.abs() <= RATE_CAP, f"a fraction within ±{RATE_CAP:g}")]),
        "interval_h": pa.Column(float, [finite(), rule(lambda s: (s >= 1) & (s % 1 == 0), "whole hours, 1 or more")]),
    }, [])
