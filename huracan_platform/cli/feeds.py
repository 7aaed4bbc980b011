"""`huracan feeds`: made-up texts for the simulated venue's market, until interrupted."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(feeds)


def feeds(
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on; 0 takes a free one")] = 0,
    seed: Annotated[int | None, typer.Option(min=0, help="seed of the texts")] = None,
) -> None:
    """Serve synthetic RSS, Atom and JSON feeds and a synthetic Fear & Greed index at the simulated venue's time."""
    import asyncio

    from huracan_platform.cli.venue import expect_venue
    from huracan_platform.errors import ConfigurationError
    from huracan_platform.settings import load_settings
    from huracan_platform.simulator.feeds import FeedModel, FeedServer
    from huracan_platform.simulator.serving.server import bind, serve

    settings = load_settings()
    expect_venue(settings)
    if settings.venue.url is None:
        raise ConfigurationError("HURACAN_VENUE__KIND: expected simulated, got real: made-up texts do not go with real prices")
    tickers = [symbol.split("/")[0] for symbol in settings.symbols]
    model = FeedModel(settings.simulator.seed if seed is None else seed, tickers)
    with bind(settings.simulator.host, port) as listener:
        asyncio.run(serve(FeedServer(model, settings.venue.url).application(), listener, "feeds"))
