"""What a file is, read off its path and name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from huracan_platform.data.archive.names import ArchiveKind, Hints, recognise, unified
from huracan_platform.errors import PermanentError

UM = "/x/data/futures/um"


@pytest.mark.parametrize(("path", "kind", "symbol", "interval", "first", "days"), [
    (f"{UM}/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03-01.zip", "klines", "BTC/USDT:USDT", "1m", date(2024, 3, 1), 1),
    (f"{UM}/monthly/klines/1000PEPEUSDT/1h/1000PEPEUSDT-1h-2024-02.zip", "klines", "1000PEPE/USDT:USDT", "1h",
     date(2024, 2, 1), 29),
    (f"{UM}/monthly/fundingRate/ETHUSDC/ETHUSDC-fundingRate-2024-12.zip", "fundingRate", "ETH/USDC:USDC", None,
     date(2024, 12, 1), 31),
    (f"{UM}/daily/metrics/BTCUSDT/BTCUSDT-metrics-2024-03-01.zip", "metrics", "BTC/USDT:USDT", None, date(2024, 3, 1), 1),
    ("/downloads/SOLUSDT-aggTrades-2024-03-01.csv", "aggTrades", "SOL/USDT:USDT", None, date(2024, 3, 1), 1),
])
def test_place_and_name_tell_kind_symbol_interval_and_days(path, kind, symbol, interval, first, days) -> None:
    file = recognise(Path(path))
    assert (file.kind, file.symbol, file.interval, file.days[0], len(file.days)) == (kind, symbol, interval, first, days)


def test_hints_tell_what_neither_place_nor_name_do() -> None:
    file = recognise(Path("/downloads/mine.csv"), Hints(ArchiveKind.KLINES, "BTCUSDT", "1m"))
    assert (file.kind, file.symbol, file.interval, file.days) == ("klines", "BTC/USDT:USDT", "1m", ())


@pytest.mark.parametrize(("path", "why"), [
    ("/x/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03-01.zip", "spot prices, which are never stored as a perpetual's"),
    ("/x/data/futures/cm/daily/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-03-01.zip", "margined in coin"),
    (f"{UM}/daily/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-03-01.zip", "margined in coin"),
    (f"{UM}/daily/klines/BTCUSDT_240628/1m/BTCUSDT_240628-1m-2024-03-01.zip", "dated contract is no perpetual"),
    (f"{UM}/daily/klines/BTCEUR/1m/BTCEUR-1m-2024-03-01.zip", "quoted in USDT, USDC, BUSD"),
    (f"{UM}/daily/klines/BTCUSDT/1m/ETHUSDT-1m-2024-03-01.zip", "expected one symbol, got BTCUSDT and ETHUSDT"),
    (f"{UM}/daily/klines/BTCUSDT/1m/BTCUSDT-5m-2024-03-01.zip", "expected one interval, got 1m and 5m"),
    (f"{UM}/daily/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-03-01.zip", "got markPriceKlines"),
    (f"{UM}/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02-31.zip", "a day or a month in its name, got 2024-02-31"),
    ("/downloads/mine.csv", "--kind and --symbol"),
])
def test_what_is_no_file_of_a_perpetual_is_refused_with_what_it_is(path: str, why: str) -> None:
    with pytest.raises(PermanentError, match="expected") as refused:
        recognise(Path(path))
    assert why in str(refused.value)


@pytest.mark.parametrize("native", ["USDT", "btc-usdt", "BTC_USDT", ""])
def test_a_name_that_is_no_contract_is_none(native: str) -> None:
    with pytest.raises(PermanentError, match="expected a perpetual"):
        unified(native)
