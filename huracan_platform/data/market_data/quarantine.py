"""What becomes of refused batches: released into the library by a person's word, or discarded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow.parquet as pq

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine, QuarantineEntry
from huracan_platform.contracts.quality import Ruling, RulingKind
from huracan_platform.data.market_data.ingest import kind_of
from huracan_platform.data.market_data.ingest_run import IngestRun
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Released:
    """A batch that was released: by whom and why, and what its rows did to the library."""

    entry: QuarantineEntry
    ruling: Ruling
    report: IngestReport


def release(
    brain: Brain, market: MarketSource, batch_id: int, by_whom: str, reason: str, settings: Settings
) -> Released:
    """Take a batch's rows into the library although checks failed: as first versions, or as revisions of what is there.

    The decision is stored first, and with it the same rows pass whenever they come again; done twice, nothing changes. Other rows
    of the venue that are good replace them as new versions.

    Parameters
    ----------
    brain
        Under its owner: a decision of a person.

    Raises
    ------
    DataContractError
        The rows break their contract: they cannot be read as what they ought to be. Nothing was decided.
    PermanentError
        No such batch, one that was discarded, or one of another venue; no name or no reason.
    """
    quarantine = Quarantine(brain)
    entry = quarantine.entry(batch_id)
    if entry.venue != market.venue:
        raise PermanentError(f"quarantine {batch_id}: expected a batch of {market.venue}, got one of {entry.venue}")
    delivery = _delivery(entry, quarantine.rows(batch_id), quarantine.later_ms(batch_id), market)
    ingest = IngestRun(brain, market, kind_of(entry.dataset, brain, market, settings))
    breaches = ingest.breaches(delivery)
    if breaches:
        why = f"quarantine {batch_id}: expected rows that keep their contract, which nobody overrules, got"
        raise DataContractError(f"{why}: {'; '.join(breaches.values())}")
    ruling = quarantine.rule(batch_id, RulingKind.RELEASED, by_whom, reason, market.clock().wire_ms())
    return Released(entry, ruling, ingest.take(delivery))


def discard(brain: Brain, batch_id: int, by_whom: str, reason: str, recorded_at_ms: int) -> Ruling:
    """Leave a batch out: it is kept, marked, and off the list. Its day stays as it is until it is fetched again.

    Raises
    ------
    PermanentError
        No such batch, or one that was released or whose day was repaired; no name or no reason.
    """
    quarantine = Quarantine(brain)
    entry = quarantine.entry(batch_id)
    if entry.ruling is None and entry.released_at is not None:
        repaired = f"{entry.released_at:%Y-%m-%d %H:%M}"
        raise PermanentError(f"quarantine {batch_id}: expected a batch that waits, got one whose day was repaired on {repaired}")
    return quarantine.rule(batch_id, RulingKind.DISCARDED, by_whom, reason, recorded_at_ms)


def _delivery(entry: QuarantineEntry, rows: bytes, later_ms: Mapping[int, int], market: MarketSource) -> Delivery:
    if entry.day is None:
        raise DataContractError(f"quarantine {entry.batch_id}: expected rows of a day, got some of none: {entry.reason}")
    frame: pd.DataFrame = pq.read_table(io.BytesIO(rows)).to_pandas()
    return Delivery(
        entry.symbol, (entry.day,), frame, market.clock().market_ms(), market.listing(entry.symbol),
        source=f"quarantine {entry.batch_id}", later_ms=later_ms,
    )

