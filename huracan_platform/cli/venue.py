"""`huracan venue`: run the simulated venue until interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huracan_platform.errors import ConfigurationError
from huracan_platform.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def venue(
        port: Annotated[int | None, typer.Option(help="port to listen on; 0 takes a free one")] = None,
        seed: Annotated[int | None, typer.Option(help="seed of the synthetic market")] = None,
        symbols: Annotated[str | None, typer.Option(help="comma-separated, BTC/USDT:USDT or BTCUSDT")] = None,
        days: Annotated[int | None, typer.Option(help="days of history before the market's now")] = None,
        speed: Annotated[float | None, typer.Option(help="market seconds per wall second; 0 is paused")] = None,
        replay: Annotated[Path | None, typer.Option(help="serve recorded files of this directory instead")] = None,
        mirror: Annotated[str | None, typer.Option(help="follow the public prices of the venue at this address instead")] = None,
        start: Annotated[str | None, typer.Option(help="first UTC day; with --replay the market's now")] = None,
        begins: Annotated[str | None, typer.Option(help="SYMBOL=2025-01-03,…: symbols that are listed only then, UTC")] = None,
        ends: Annotated[str | None, typer.Option(help="SYMBOL=2025-01-03T09:00,…: symbols that are delisted then, UTC")] = None,
        protocol: Annotated[str, typer.Option(help="what the venue speaks: binance (USD-M) or bybit (v5, linear)")] = "binance",
        limits: Annotated[bool, typer.Option(help="refuse above the venue's request limits")] = True,
    ) -> None:
        """Run the simulated venue (Binance USD-M or Bybit v5 over HTTP and WebSocket) until interrupted."""
        from huracan_platform.simulator.run import VenueOptions, run_venue

        defaults = load_settings()
        simulator = defaults.simulator
        if mirror is not None:
            others = {"replay": replay, "seed": seed, "speed": speed, "start": start}
            _expect_none("mirror", {**others, "begins": begins, "ends": ends})
            days = simulator.mirror_days if days is None else days
        wanted = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols is not None else None
        run_venue(VenueOptions(
            host=simulator.host, port=simulator.port if port is None else port, seed=simulator.seed if seed is None else seed,
            symbols=wanted or (None if replay else defaults.symbols), days=simulator.days if days is None else days,
            speed=simulator.speed if speed is None else speed, replay=replay, mirror=mirror,
            start=start if start is not None or replay else simulator.start,
            enforce_limits=limits, api_key=defaults.venue.api_key, api_secret=defaults.venue.api_secret, protocol=protocol,
            begins=simulator.begins if begins is None else begins, ends=simulator.ends if ends is None else ends,
        ))


def _expect_none(option: str, others: dict[str, object]) -> None:
    given = [f"--{name} {value}" for name, value in others.items() if value is not None]
    if given:
        raise ConfigurationError(f"--{option}: expected it without {', '.join(f'--{n}' for n in others)}, got {' '.join(given)}")


def expect_venue(settings: Settings) -> None:
    """Refuse to talk to the real exchange while the settings say simulated and no launcher has filled in an address."""
    if settings.venue.kind == "simulated" and settings.venue.url is None:
        raise ConfigurationError(
            "HURACAN_VENUE__URL: expected the address that `huracan venue` prints (or HURACAN_VENUE__KIND=real for the "
            "exchange's public data), got none"
        )
