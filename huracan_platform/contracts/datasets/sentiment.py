"""Contract of sentiment."""

from __future__ import annotations

import pandera.pandas as pa

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.datasets.schema import (
    ContractContext,
    finite,
    rule,
    schema,
)
from huracan_platform.contracts.texts import SENTIMENT_COLUMNS


def sentiment(context: ContractContext) -> pa.DataFrameSchema:
    """A score of −1 to 1, a count of texts, a share of the window."""
    values = {
        "score": pa.Column(float, [finite(), rule(lambda s: s.between(-1, 1), "a score of −1 to 1")]),
        "texts": pa.Column(float, [finite(), rule(lambda s: (s >= 0) & (s % 1 == 0), "a count")]),
        "coverage": pa.Column(float, [finite(), rule(lambda s: (s > 0) & (s <= 1), "a share above 0")]),
    }
    assert tuple(values) == SENTIMENT_COLUMNS
    return schema(context, 15 * MINUTE_MS, values, [])
