"""A batch from a file: parquet or CSV, through the same contract and checks as what a venue delivers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import DAY_MS, Clock, day_of, day_start_ms, days_between
from huracan_platform.data.market_data.contract import Neighbours, named_refusal, refused_batch
from huracan_platform.data.market_data.ingest import ingest_delivery
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.sources.registry import find_source
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.funding import on_the_hour

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": lambda path: pq.read_table(path).to_pandas(ignore_metadata=True), ".csv": pd.read_csv,
}
# What pandas calls an index without a name where it writes it along with the columns.
_NUMBERING = re.compile(r"__index_level_\d+__|Unnamed: 0")


def load_batch(brain: Brain, market: MarketSource, path: Path, dataset: str, symbol: str, settings: Settings) -> IngestReport:
    """Take one symbol's batch from a file into the library. It holds whole days; days that are there are replaced.

    Columns as in the contract; `symbol` may be left out, `ts` may be whole ms since 1970 or ISO text with an offset.

    Raises
    ------
    DataContractError
        A damaged file, or none of rows. Unknown symbol, or times that belong to no day; the batch is in quarantine then.
        Single bad days are not an error here: the report names them.
    PermanentError
        No such file, or neither parquet nor CSV.
    """
    frame = read_batch(path, symbol)
    if frame.empty:
        raise DataContractError(f"{dataset} {symbol} {path.name}: expected rows, got none")
    if dataset == "funding" and "ts" in frame:
        frame["ts"] = _settlements(frame["ts"])
    clock = market.clock()
    try:
        known = frozenset(i.symbol for i in market.instruments([symbol]))
    except PermanentError as error:
        raise _refused(brain, market, clock, dataset, symbol, frame, str(error), path) from None
    days = days_of(frame, clock.market_ms())
    if not days:
        reason = _why_no_days(dataset, frame, known, clock.market_ms(), f"{dataset} {symbol} {path.name}")
        raise _refused(brain, market, clock, dataset, symbol, frame, reason, path)
    start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
    hours = market.hourly(symbol, start, end) if dataset in ("candles", "open_interest") else None
    delivery = Delivery(symbol, days, frame, clock.market_ms(), market.listing(symbol), hours, source=path.name)
    return ingest_delivery(brain, market, delivery, settings, dataset)


def read_table(path: Path) -> pd.DataFrame:
    """A parquet or CSV file as it is, but for the row numbers that pandas writes along.

    Raises
    ------
    DataContractError
        The file is damaged.
    PermanentError
        No such file, or neither.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise PermanentError(f"{path}: expected a file ending in .parquet or .csv, got {path.suffix or 'no ending'}")
    try:
        path.open("rb").close()  # pandas would take a folder for a parquet file
    except OSError as error:
        raise PermanentError(f"{path}: expected a file that can be read, got {error.strerror}") from None
    try:
        frame = reader(path)
    except (OSError, ValueError) as error:
        raise DataContractError(f"{path}: expected a readable {path.suffix[1:]} file, got {error}") from None
    return frame[[name for name in frame.columns if not _NUMBERING.fullmatch(str(name))]]


def read_batch(path: Path, symbol: str) -> pd.DataFrame:
    """A file as a batch. Only what loses nothing is converted: whole ms and ISO text to times, whole numbers to floats, and the
    venues' own name of the perpetual, BTCUSDT for BTC/USDT:USDT, to ours.
    """
    frame = read_table(path)
    if "symbol" in frame:
        frame["symbol"] = frame["symbol"].replace(symbol.split(":")[0].replace("/", ""), symbol)
    else:
        frame.insert(0, "symbol", pd.Series(np.full(len(frame), symbol), dtype="str"))
    for name in frame.columns.difference(["symbol", "ts"]):
        if frame[name].dtype.kind == "i":
            frame[name] = frame[name].astype("float64")
    if "ts" in frame:
        frame["ts"] = _times(frame["ts"])
    return frame


def days_of(frame: pd.DataFrame, now_ms: int) -> tuple[date, ...]:
    """Every UTC day from a frame's first to its last time; empty where times cannot be read or lie outside all markets."""
    from huracan_platform.contracts.datasets import FIRST_MS, TIME

    if "ts" not in frame or frame["ts"].dtype != TIME or len(frame) == 0 or frame["ts"].isna().any():
        return ()
    ts = frame["ts"].astype("int64")
    if ts.min() < FIRST_MS or ts.max() > now_ms:
        return ()
    return tuple(days_between(day_of(int(ts.min())), day_of(int(ts.max()))))


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype.kind == "i":
        return column.astype("M8[ms]").dt.tz_localize("UTC")
    if column.dtype.kind in "OU" or isinstance(column.dtype, pd.StringDtype):
        try:
            column = pd.to_datetime(column, format="ISO8601")
        except ValueError:
            return column
    if isinstance(column.dtype, pd.DatetimeTZDtype) and _is_utc(column.dtype.tz):
        column = column.dt.tz_convert("UTC").dt.as_unit("ms")
    return column


def _is_utc(zone: tzinfo) -> bool:
    """UTC under any of its names: neither in winter nor in summer is it off."""
    return all(zone.utcoffset(datetime(2025, month, 1)) == timedelta(0) for month in (1, 7))


def _settlements(column: pd.Series[Any]) -> pd.Series[Any]:
    """Times that are all there in ms UTC, without the jitter that venues stamp settlements with; others as they are."""
    if str(column.dtype) != "datetime64[ms, UTC]" or column.isna().any():
        return column
    settled = on_the_hour(column.to_numpy("M8[ms]").astype(np.int64))
    return pd.Series(settled.astype("M8[ms]"), column.index).dt.tz_localize("UTC")


def _why_no_days(dataset: str, frame: pd.DataFrame, known: frozenset[str], now_ms: int, what: str) -> str:
    from huracan_platform.contracts.datasets import ContractContext, validate

    try:
        source = find_source(dataset)
        validate(source.contract if source else dataset, frame, ContractContext(known, now_ms), what)
    except DataContractError as error:
        return named_refusal(dataset, frame, now_ms, Neighbours(known), what, str(error))
    return f"{what}: expected rows, got none"


def _refused(
    brain: Brain, market: MarketSource, clock: Clock, dataset: str, symbol: str, frame: pd.DataFrame, reason: str, path: Path
) -> DataContractError:
    batch = refused_batch(dataset, symbol, None, frame, reason, path.name)
    QualityRepository(brain).quarantine(market.venue, batch, clock.wire_ms())
    return DataContractError(reason)
