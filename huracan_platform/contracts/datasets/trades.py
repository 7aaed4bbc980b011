"""Contract of trades per second."""

from __future__ import annotations

import pandera.pandas as pa

from huracan_platform.contracts.datasets.schema import ContractContext, finite, frame_rule, rule, schema
from huracan_platform.contracts.microstructure import SECOND_MS, TRADE_SECOND_COLUMNS


def trades(context: ContractContext) -> pa.DataFrameSchema:
    """Amounts not below 0; where something was bought or sold it has a worth and was traded."""
    amount = [finite(), rule(lambda s: s >= 0, "0 or more")]
    return schema(context, SECOND_MS, {name: pa.Column(float, amount) for name in TRADE_SECOND_COLUMNS}, [
        frame_rule(lambda f: (f["buy_base"] > 0) == (f["buy_usd"] > 0), "what was bought to have a worth, and nothing else"),
        frame_rule(lambda f: (f["sell_base"] > 0) == (f["sell_usd"] > 0), "what was sold to have a worth, and nothing else"),
        frame_rule(lambda f: (f["buy_base"] + f["sell_base"] > 0) == (f["trades"] > 0), "trades where something was traded"),
    ], span_ms=SECOND_MS)
