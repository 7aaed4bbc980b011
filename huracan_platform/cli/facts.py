"""`huracan stylised-facts`: what the synthetic market looks like beside recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.cli.output import console, table
from huracan_platform.errors import ConfigurationError
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.simulator.market.bars import Market

FEWEST_DAYS = 10  # lags of a day and daily returns need some


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("stylised-facts")
    def stylised_facts(
        output: Annotated[Path, typer.Option(help="page to write (.html), or only its picture (.png, .svg)")],
        seed: Annotated[int | None, typer.Option(help="seed of the synthetic market")] = None,
        days: Annotated[int, typer.Option(help="days to generate", min=FEWEST_DAYS)] = 360,
        symbols: Annotated[str, typer.Option(help="comma-separated; the first is drawn")] = "BTCUSDT,ETHUSDT,SOLUSDT",
        recorded: Annotated[Path | None, typer.Option(help="directory of recorded files to stand beside it")] = None,
    ) -> None:
        """Measure the synthetic market's stylised facts, print them and write them as one self-contained page."""
        from huracan_platform.simulator.market.replay import replay_market
        from huracan_platform.simulator.market.synthetic import generate_market

        if output.suffix not in (".html", ".png", ".svg"):
            raise ConfigurationError(f"output: expected a file that ends in .html, .png or .svg, got {output}")
        wanted = tuple(s.strip() for s in symbols.split(",") if s.strip())
        number = load_settings().simulator.seed if seed is None else seed
        markets = {"synthetic": generate_market(wanted, number, days, ahead=0)}
        if recorded is not None:
            markets["recorded"] = replay_market(recorded, wanted, None)
        _report(markets, f"Stylised facts of {markets['synthetic'].identity}, {days} days", output)


def _report(markets: dict[str, Market], title: str, output: Path) -> None:
    from huracan_platform.simulator.facts.figures import draw_facts
    from huracan_platform.simulator.facts.page import compose_page, told
    from huracan_platform.simulator.facts.table import numbers

    columns = {f"{s} {name}": numbers(m.symbols[s]) for s in markets["synthetic"].symbols for name, m in markets.items()}
    notes = [note for market in markets.values() for note in market.notes]
    if "recorded" in markets:
        notes.append("liquidations and open interest: none recorded, the synthetic ones stand alone")
    facts = next(iter(columns.values()))
    table(title, ("fact", *columns), [(name, *(told(c[name]) for c in columns.values())) for name in facts])
    first = next(iter(markets["synthetic"].symbols))
    drawn = {f"{name} {first}": market.symbols[first] for name, market in markets.items()}
    peers = {name: market.symbols for name, market in markets.items()}
    page = output.suffix == ".html"
    picture = draw_facts(drawn, peers, "svg" if page else output.suffix[1:])
    output.write_bytes(compose_page(title, columns, notes, picture).encode() if page else picture)
    console.print(f"written: {output}")
