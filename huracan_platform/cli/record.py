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
    market = MarketData(settings)
    collector = TextCollector(open_brain(settings, Role.INGEST), market.venue, market.clock, settings)
    log = get_logger("record.sentiment")
    console.print(f"recording sentiment from {', '.join(settings.sentiment.feeds) or 'no feed'}", highlight=False)
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
    """Hold the venue's liquidation stream; every connection is noted with its times, every gap stays a gap."""
    import asyncio

    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
    from huracan_platform.settings import load_settings
    from huracan_platform.venues.liquidation_feed import liquidation_stream_url, listen
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    venue, rule = MarketData(settings).venue, settings.liquidations

    async def record() -> None:
        url, contracts = await liquidation_stream_url(settings, settings.symbols)
        console.print(f"recording liquidations of {', '.join(settings.symbols)} at {venue}", highlight=False)
        recorder = LiquidationRecorder(
            open_brain(settings, Role.INGEST), venue, lambda: listen(url, venue, contracts, rule.stale_s), SystemClock(), rule
        )
        task = asyncio.ensure_future(recorder.run())
        for number in (signal.SIGINT, signal.SIGTERM):  # so that what came is written before the process ends
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(record())
