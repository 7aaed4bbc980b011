"""A recorded market: `<SYM>_1m_ohlcv`, `<SYM>_<n>h_funding` and `<SYM>_<n>h_mark` files of one directory.

The ragged first and last minute of each symbol bound its listing; a data set that is absent stays empty and is named in
the market's notes. Prices and volumes become whole ticks and lots of the finest step that occurs.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.errors import ConfigurationError, DataContractError
from huracan_platform.simulator.exchange.instruments import Instrument, base_of
from huracan_platform.simulator.market.bars import F64, I64, FundingHistory, ListedSymbol, Market, MinuteBars
from huracan_platform.simulator.market.characters import CHARACTERS
from huracan_platform.simulator.market.files import Table, read_table
from huracan_platform.simulator.market.synthetic import symbol_key

DEFAULT_BASES = ("BTC", "ETH", "SOL")
LIVE_HOURS = 36
MOST_DECIMALS = 8
MOST_QUANTITY = Decimal(100_000_000)
PRICES = ("open", "high", "low", "close")
_BARS_FILE = re.compile(r"^([A-Z0-9]+)USDT_1m_ohlcv\.(parquet|csv)$")


def replay_market(directory: Path, symbols: tuple[str, ...] | None, start: str | None) -> Market:
    """The market recorded in a directory.

    Parameters
    ----------
    symbols
        Which to list; None takes BTC, ETH and SOL as far as they are recorded.
    start
        UTC day at whose midnight the market clock starts; None takes the last one that leaves 36 h of recorded bars.

    Raises
    ------
    ConfigurationError
        The directory, a wanted symbol or enough history is not there.
    DataContractError
        A file's columns, types, order or values are not those of its kind.
    """
    recorded = _recorded(directory)
    wanted = [base_of(s) for s in symbols] if symbols else [b for b in DEFAULT_BASES if b in recorded]
    missing = [b for b in wanted if b not in recorded]
    if missing or not wanted:
        asked = missing or list(DEFAULT_BASES)
        raise ConfigurationError(f"{directory}: expected bars of {asked}, got those of {sorted(recorded)}")
    notes: list[str] = []
    listed = {f"{base}USDT": _load_symbol(directory, base, recorded[base], notes) for base in wanted}
    start_ms = min(s.listed_ms for s in listed.values())
    end_ms = min(s.end_ms for s in listed.values())
    now_ms = _now_ms(directory, start, listed, end_ms)
    return Market(f"replay-{_content_hash(listed)}", listed, start_ms, now_ms, end_ms, tuple(notes))


def _recorded(directory: Path) -> dict[str, Path]:
    if not directory.is_dir():
        raise ConfigurationError(f"replay: expected a directory, got {directory}")
    names = sorted(p.name for p in directory.iterdir())
    found = {match.group(1): directory / match.group(0) for match in map(_BARS_FILE.match, names) if match}
    if not found:
        raise ConfigurationError(f"{directory}: expected files like BTCUSDT_1m_ohlcv.parquet or .csv, got {names[:8]}")
    return found


def _now_ms(directory: Path, start: str | None, listed: dict[str, ListedSymbol], end_ms: int) -> int:
    first = max(s.listed_ms for s in listed.values())
    try:
        now = (end_ms - LIVE_HOURS * HOUR_MS) // DAY_MS * DAY_MS if start is None else day_start_ms(date.fromisoformat(start))
    except ValueError:
        raise ConfigurationError(f"start: expected a day like 2025-06-02, got {start!r}") from None
    if not first < now < end_ms:
        raise ConfigurationError(
            f"{directory}: expected a market start within the recorded bars {to_datetime(first):%F %H:%M} to "
            f"{to_datetime(end_ms):%F %H:%M}, got {to_datetime(now):%F %H:%M}"
        )
    return now


def _load_symbol(directory: Path, base: str, path: Path, notes: list[str]) -> ListedSymbol:
    table = read_table(path, (*PRICES, "volume"))
    _check_bars(path, table)
    price_decimals = max(_decimals(table.columns[name]) for name in PRICES)
    ticks = {name: _whole(table.columns[name], price_decimals) for name in PRICES}
    quantity_decimals = _quantity_decimals(path, table.columns["volume"], ticks)
    volume = _whole(table.columns["volume"], quantity_decimals)
    notes.append(f"{base}USDT: aggressor sides not recorded, drawn from each bar's direction")
    open_, high, low, close = (ticks[n] for n in PRICES)
    bars = MinuteBars(table.ts_ms, open_, high, low, close, volume, _drawn_taker_buy(ticks, volume))
    instrument = Instrument(
        base, price_decimals, quantity_decimals, min_notional=_least_notional(base), max_quantity=MOST_QUANTITY,
        max_market_quantity=MOST_QUANTITY,
    )
    return ListedSymbol(instrument, bars, _load_funding(directory, instrument, notes), symbol_key(0, instrument.symbol))


def _least_notional(base: str) -> Decimal:
    return CHARACTERS[base].instrument.min_notional if base in CHARACTERS else Decimal(5)


def _check_bars(path: Path, table: Table) -> None:
    open_, high, low, close = (table.columns[n] for n in PRICES)
    faults = {
        "ts on whole minutes": table.ts_ms % MINUTE_MS != 0,
        "prices above 0": low <= 0,
        "high and low around open and close": (high < np.maximum(open_, close)) | (low > np.minimum(open_, close)),
        "volume of 0 or more": table.columns["volume"] < 0,
    }
    for expected, wrong in faults.items():
        if wrong.any():
            at = int(np.argmax(wrong))
            row = {n: float(v[at]) for n, v in table.columns.items()}
            got = f"{int(wrong.sum())} rows without, first {table.ts_ms[at]} {row}"
            raise DataContractError(f"{path}: expected {expected}, got {got}")


def _decimals(values: F64) -> int:
    """Fewest decimals in which all values can be written."""
    for decimals in range(MOST_DECIMALS):
        scaled = values * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1.0, np.abs(scaled) * 1e-6)):
            return decimals
    return MOST_DECIMALS


def _whole(values: F64, decimals: int) -> I64:
    return np.asarray(np.round(values * 10.0**decimals), dtype=np.int64)


def _quantity_decimals(path: Path, volume: F64, ticks: dict[str, I64]) -> int:
    """Decimals of the recorded volume, finer where a bar has fewer lots than prices that it must touch."""
    open_, high, low, close = (ticks[n] for n in PRICES)
    between = ((high > np.maximum(open_, close)).astype(np.int64)) + (low < np.minimum(open_, close))
    touched = np.where(high == low, 1, 2 + between)  # the first trade, the last, and each extreme that neither of them is
    for decimals in range(_decimals(volume), MOST_DECIMALS + 1):
        lots = _whole(volume, decimals)
        if np.all((lots == 0) | (lots >= touched)):
            return decimals
    smallest = float(volume[volume > 0].min())
    raise DataContractError(f"{path}: expected volumes that can be traded in {MOST_DECIMALS} decimals, got one of {smallest}")


def _drawn_taker_buy(ticks: dict[str, I64], volume: I64) -> I64:
    direction = (ticks["close"] - ticks["open"]) / np.maximum(ticks["high"] - ticks["low"], 1)
    return np.asarray(np.round(volume * (0.5 + 0.25 * direction)), dtype=np.int64)


def _one_file(directory: Path, symbol: str, kind: str) -> Path | None:
    found = sorted(p for p in directory.glob(f"{symbol}_*h_{kind}.*") if p.suffix in (".parquet", ".csv"))
    if len(found) > 1:
        raise ConfigurationError(f"{directory}: expected one {kind} file of {symbol}, got {[p.name for p in found]}")
    return found[0] if found else None


def _load_funding(directory: Path, instrument: Instrument, notes: list[str]) -> FundingHistory:
    """Settlements snapped to the minute, their raw times kept; the mark price at each where one was recorded."""
    path = _one_file(directory, instrument.symbol, "funding")
    if path is None:
        notes.append(f"{instrument.symbol}: no funding recorded")
        none = np.empty(0, np.int64)
        return FundingHistory(none, none, np.empty(0), none)
    table = read_table(path, ("funding_rate",))
    snapped = (table.ts_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
    return FundingHistory(snapped, table.ts_ms, table.columns["funding_rate"], _marks(directory, instrument, snapped, notes))


def _marks(directory: Path, instrument: Instrument, settled: I64, notes: list[str]) -> I64:
    path = _one_file(directory, instrument.symbol, "mark")
    if path is None:
        notes.append(f"{instrument.symbol}: no mark price recorded, the last price stands in")
        return np.zeros(len(settled), np.int64)
    table = read_table(path, ("open",))
    at = np.clip(np.searchsorted(table.ts_ms, settled), 0, len(table.ts_ms) - 1)
    ticks = _whole(table.columns["open"], instrument.price_decimals)[at]
    return np.where(table.ts_ms[at] == settled, ticks, 0)


def _content_hash(listed: dict[str, ListedSymbol]) -> str:
    digest = hashlib.sha256()
    for symbol in sorted(listed):
        bars, funding, instrument = listed[symbol].bars, listed[symbol].funding, listed[symbol].instrument
        digest.update(f"{symbol} {instrument.price_decimals} {instrument.quantity_decimals}".encode())
        arrays = (bars.ts_ms, bars.open, bars.high, bars.low, bars.close, bars.volume, funding.raw_ms, funding.rate)
        for array in arrays:
            digest.update(array.tobytes())
    return digest.hexdigest()[:8]
