"""Options that the `huracan data` commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Dataset(StrEnum):
    """What can be backfilled."""

    CANDLES = "candles"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    SENTIMENT = "sentiment"
    LIQUIDATIONS = "liquidations"


DatasetOption = Annotated[Dataset, typer.Option(help="which dataset")]
DAY = ["%Y-%m-%d"]
MINUTE = ["%Y-%m-%dT%H:%M", "%Y-%m-%d"]
