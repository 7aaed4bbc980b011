"""Contract of open interest."""

from __future__ import annotations

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
from huracan_platform.contracts.market import OPEN_INTEREST_COLUMNS


def open_interest(context: ContractContext) -> pa.DataFrameSchema:
    """Amounts above 0 on one scale."""
    amount = [finite(), rule(lambda s: s > 0, "an amount above 0")]
    return schema(context, 5 * MINUTE_MS, {name: pa.Column(float, amount) for name in OPEN_INTEREST_COLUMNS}, [
        frame_rule(
            lambda f: ~jumps(f["contracts"], f.groupby("symbol", sort=False)["contracts"].shift()),
            f"contracts within a factor {SCALE_JUMP:g} of the row before (one unit)",
        )
    ])
