"""`huracan data bars`: higher bars, rolled up from the library's candles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import MINUTE, expect_window, venue_with
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, emit, table
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bars)


def bars(
    symbol: Annotated[str, typer.Argument(help="unified symbol, BTC/USDT:USDT")],
    start: Annotated[datetime, typer.Option("--from", **MINUTE, help="UTC, first open")],
    end: Annotated[datetime, typer.Option("--to", **MINUTE, help="UTC, end, not included")],
    bar: Annotated[str, typer.Option(help="5m, 15m, 1h, 4h or 1d")] = "1h",
    as_of: Annotated[datetime | None, typer.Option(**MINUTE, help="UTC, only what was known then")] = None,
    venue: Annotated[str | None, typer.Option(help="name of the venue; the one whose candles there are, if one")] = None,
    as_json: JsonOption = False,
) -> None:
    """Closed bars of 5 minutes to a day, made of the library's 1-minute candles."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.clock import to_datetime, to_ms
    from huracan_platform.contracts.market import CANDLE_COLUMNS, Pin
    from huracan_platform.data.market_data.candles.higher import read_bars

    expect_window("bars", start, end)
    brain, settings = library(), load_settings()
    stored = QualityRepository(brain).coverage()
    known = [row["venue"] for row in stored if (row["dataset"], row["symbol"]) == ("candles", symbol)]
    name = venue_with(symbol, "candles", known, venue)
    pin = None if as_of is None else Pin(as_of=as_of.replace(tzinfo=UTC))
    window, delay = (to_ms(start.replace(tzinfo=UTC)), to_ms(end.replace(tzinfo=UTC))), settings.quality.arrival_delay_ms
    rolled = read_bars(brain, name, [symbol], bar, *window, arrival_delay_ms=delay, pin=pin)[symbol]
    names = ("open_time", *CANDLE_COLUMNS, "minutes")
    times = [to_datetime(ts).isoformat() for ts in rolled.candles.ts_ms.tolist()]
    values = (getattr(rolled.candles, column).tolist() for column in CANDLE_COLUMNS)
    rows = list(zip(times, *values, rolled.minutes.tolist(), strict=True))
    emit(
        {"venue": name, "symbol": symbol, "bar": bar, "bars": [dict(zip(names, row, strict=True)) for row in rows]}, as_json,
        lambda: table(f"{symbol} {bar} at {name}, UTC", ("open time", *names[1:]), [
            (f"{to_datetime(ts):%Y-%m-%d %H:%M}", *(f"{value:.10g}" for value in row[1:]))
            for ts, row in zip(rolled.candles.ts_ms.tolist(), rows, strict=True)
        ]),
    )
