"""The contract of each dataset: a pandera schema, and errors that say what was expected and what was got.

A batch is a data frame with columns `symbol`, `ts` (aware, UTC, ms) and the dataset's values. What breaks the contract
never reaches the library. pandera takes 1.5 s to import: import this module where a batch is validated.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from huracan_platform.contracts.datasets.book import book
from huracan_platform.contracts.datasets.candles import candles
from huracan_platform.contracts.datasets.explained import explained
from huracan_platform.contracts.datasets.funding import funding
from huracan_platform.contracts.datasets.liquidations import liquidations
from huracan_platform.contracts.datasets.open_interest import open_interest
from huracan_platform.contracts.datasets.schema import FIRST_MS, TIME, ContractContext
from huracan_platform.contracts.datasets.sentiment import sentiment
from huracan_platform.contracts.datasets.source import source
from huracan_platform.contracts.datasets.trades import trades
from huracan_platform.contracts.source import SourceContract
from huracan_platform.errors import DataContractError

__all__ = ["FIRST_MS", "TIME", "ContractContext", "validate"]

_SCHEMAS: dict[str, Callable[[ContractContext], pa.DataFrameSchema]] = {
    "candles": candles, "funding": funding, "open_interest": open_interest, "sentiment": sentiment,
    "liquidations": liquidations, "trades": trades, "book": book,
}


def validate(dataset: str | SourceContract, frame: pd.DataFrame, context: ContractContext, what: str) -> None:
    """Hold a batch against its contract.

    Parameters
    ----------
    dataset
        `candles`, `funding`, `open_interest`, `sentiment`, `liquidations`, `trades` or `book`; or what a source declares
        of itself.
    frame
        The batch as it came; it is not coerced, sorted or repaired.
    what
        Names the batch in the message: `candles BTC/USDT:USDT 2024-03-01`.

    Raises
    ------
    DataContractError
        Every broken rule with what was expected and what was got.
    """
    schema = source(dataset, context) if isinstance(dataset, SourceContract) else _SCHEMAS[dataset](context)
    try:
        schema.validate(frame.reset_index(drop=True), lazy=True)
    except SchemaErrors as errors:
        raise DataContractError(f"{what}: {explained(errors, frame.reset_index(drop=True), schema)}") from None
