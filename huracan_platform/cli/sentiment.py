"""`huracan sentiment`: what scores of texts are worth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from huracan_platform.cli.output import JsonOption, console, emit

app = typer.Typer(no_args_is_help=True, help="Scores of texts.")


def register(root: typer.Typer) -> None:
    """Add `huracan sentiment`."""
    root.add_typer(app, name="sentiment")


@app.callback()
def _group() -> None:
    """Scores of texts."""


@app.command()
def quality(
    file: Annotated[Path, typer.Argument(help="parquet or CSV with columns text and label (positive or negative)")],
    as_json: JsonOption = False,
) -> None:
    """Score labelled texts with the scorer of the settings and tell how well the scores agree."""
    from huracan_platform.data.market_data.load import read_table
    from huracan_platform.data.sentiment.agreement import agreement
    from huracan_platform.data.sentiment.scoring import scorer_of
    from huracan_platform.errors import DataContractError
    from huracan_platform.settings import load_settings

    texts = read_table(file)
    if not {"text", "label"} <= set(texts.columns):
        raise DataContractError(f"{file.name}: expected columns text and label, got {', '.join(map(str, texts.columns))}")
    settings = load_settings()
    scorer = scorer_of(settings.sentiment)
    found = agreement(scorer.name, scorer.scores([str(text) for text in texts["text"]]), list(texts["label"]), settings.seed)

    def render() -> None:
        low, high = found.interval
        console.print(
            f"{found.scorer} on {found.texts} texts ({found.positive} positive): a positive one above a negative one in "
            f"{found.ranked:.1%} of pairs (95 %: {low:.1%} to {high:.1%}; chance is 50 %); sign right for "
            f"{found.balanced_accuracy:.1%}, balanced; {found.neutral:.1%} scored 0",
            highlight=False, soft_wrap=True,
        )

    emit(asdict(found), as_json, render)
