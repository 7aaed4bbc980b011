"""Contract of books per second."""

from __future__ import annotations

from itertools import pairwise

import pandera.pandas as pa

from huracan_platform.contracts.datasets.schema import ContractContext, finite, frame_rule, rule, schema
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, DEPTH_BPS, SECOND_MS

PRICES = ("bid", "ask", "bid_base", "ask_base")


def book(context: ContractContext) -> pa.DataFrameSchema:
    """A bid below an ask with something on both, and depth that grows with the distance from the mid."""
    amount = [finite(), rule(lambda s: s >= 0, "0 or more")]
    above = [finite(), rule(lambda s: s > 0, "above 0")]
    values = {name: pa.Column(float, above if name in PRICES else amount) for name in BOOK_SECOND_COLUMNS}
    values["ofi_base"] = pa.Column(float, [finite()])
    nested = [_nested(side, near, far) for side in ("bid", "ask") for near, far in pairwise(DEPTH_BPS)]
    crossed = frame_rule(lambda f: f["bid"] < f["ask"], "a bid below the ask")
    return schema(context, SECOND_MS, values, [crossed, *nested], span_ms=SECOND_MS)


def _nested(side: str, near: int, far: int) -> pa.Check:
    inner, outer = f"{side}_usd_{near}bps", f"{side}_usd_{far}bps"
    return frame_rule(lambda f: f[inner] <= f[outer], f"{side} depth within {near} bps not above that within {far} bps")
