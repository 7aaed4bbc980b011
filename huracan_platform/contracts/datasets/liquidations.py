"""Contract of liquidations."""

from __future__ import annotations

import pandera.pandas as pa

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.datasets.schema import (
    ContractContext,
    finite,
    rule,
    schema,
)
from huracan_platform.contracts.liquidation import MINUTE_COLUMNS


def liquidations(context: ContractContext) -> pa.DataFrameSchema:
    """Counts and sums not below 0, a share of the minute."""
    amount = [finite(), rule(lambda s: s >= 0, "0 or more")]
    share = [finite(), rule(lambda s: (s > 0) & (s <= 1), "a share above 0")]
    values = {name: pa.Column(float, share if name == "coverage" else amount) for name in MINUTE_COLUMNS}
    return schema(context, MINUTE_MS, values, [])
