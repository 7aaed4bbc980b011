"""`huracan record`: what no source keeps is recorded as it happens, until stopped."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Annotated

import typer

from huracan_platform.cli.output import console
from huracan_platform.cli.venue import expect_venue

app = typer.Typer(no_args_is_help=True, help="Recorders of what cannot be had later.")


def register(root: typer.Typer) -> None:
    """Add `huracan record`."""
    root.add_typer(app, name="record")


@app.command()
def sentiment(
    once: Annotated[bool, typer.Option(help="look at every feed once and end")] = False,
) -> None:
    """Look at the feeds of the settings again and again; score and store new texts."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.sentiment.collect import TextCollector
    from huracan_platform.errors import TransientError
    from huracan_platform.logs import get_logger
    from huracan_platform.settings import load_settings
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    market, log = MarketData(settings), get_logger("record.sentiment")
    while True:
        try:
            venue = market.venue
            break
        except TransientError as error:
            if once:
                raise
            log.warning("venue away", error=str(error))
            time.sleep(settings.sentiment.poll_s)
    collector = TextCollector(open_brain(settings, Role.INGEST), venue, market.clock, settings)
    console.print(f"recording sentiment from {', '.join(collector.sources)}", highlight=False)
    if once:
        report = collector.poll()
        console.print(f"{report.new} new texts, {report.refused} entries refused", highlight=False)
        if report.failed:
            raise TransientError("; ".join(f"{name}: {why}" for name, why in report.failed.items()))
        return
    try:
        while True:
            began = time.monotonic()
            try:
                report = collector.poll()
                log.info("looked", new=report.new, refused=report.refused, failed=sorted(report.failed))
            except TransientError as error:  # the library or the venue's clock is away: the gap stays in the ledger
                log.warning("look failed", error=str(error))
            time.sleep(max(0.0, settings.sentiment.poll_s - (time.monotonic() - began)))
    finally:
        collector.close("the recorder was stopped")


@app.command()
def liquidations() -> None:
    """Hold the liquidation streams of the venue and of its alternatives; every connection is noted, every gap stays a gap."""
    import asyncio

    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.liquidations.venues import record_venues
    from huracan_platform.settings import load_settings
    from huracan_platform.venues.alternatives import alternative_settings

    settings = load_settings()
    expect_venue(settings)
    venues = {settings.venue.ccxt_id: settings, **alternative_settings(settings)}

    def tell(exchange: str) -> None:
        console.print(f"recording liquidations of {', '.join(settings.symbols)} at {exchange}", highlight=False)

    async def record() -> None:
        task = asyncio.ensure_future(record_venues(open_brain(settings, Role.INGEST), venues, SystemClock(), tell))
        for number in (signal.SIGINT, signal.SIGTERM):  # so that what came is written before the process ends
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(record())


@app.command()
def book() -> None:
    """Hold the streams of trades and books and keep what each second comes to; what was not heard stays a gap.

    Of the venue, and of its alternatives where HURACAN_SOURCES__ALTERNATIVES has trades or book.
    """
    import asyncio

    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.microstructure.venue import record_venues
    from huracan_platform.settings import load_settings

    settings = load_settings()
    expect_venue(settings)

    def tell(venue: str) -> None:
        console.print(f"recording trades and books of {', '.join(settings.symbols)} at {venue}", highlight=False)

    async def record() -> None:
        task = asyncio.ensure_future(record_venues(open_brain(settings, Role.INGEST), settings, SystemClock(), tell))
        for number in (signal.SIGINT, signal.SIGTERM):  # so that what came is written before the process ends
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(record())
