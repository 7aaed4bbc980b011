"""Scores of texts, −1 to 1, by named scorers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from huracan_platform.settings import SentimentSettings


class Scorer(Protocol):
    """Gives texts scores. The name is stored with every score, with the version of what made it."""

    @property
    def name(self) -> str:
        """`vader-3.3.2`"""
        ...

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Of each text: −1 wholly negative, 0 neutral, 1 wholly positive. It does not depend on the texts beside it."""
        ...


class VaderScorer:
    """VADER's compound score (Hutto & Gilbert, ICWSM 2014): a general lexicon, blind to the jargon of markets."""

    @cached_property
    def name(self) -> str:
        """Package and version."""
        from importlib.metadata import version

        return f"vader-{version('vaderSentiment')}"

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Normalised sum of the valences in each text."""
        return [float(self._analyser.polarity_scores(text)["compound"]) for text in texts]

    @cached_property
    def _analyser(self) -> Any:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        return SentimentIntensityAnalyzer()


def scorer_of(settings: SentimentSettings) -> Scorer:
    """The scorer that the settings name.

    Raises
    ------
    ConfigurationError, DataContractError
        FinBERT's package or model is missing or not the one expected.
    """
    if settings.scorer == "vader":
        return VaderScorer()
    from huracan_platform.data.sentiment.finbert import FinbertScorer

    assert settings.finbert_dir is not None  # the settings are checked as a whole
    return FinbertScorer(settings.finbert_dir, settings.finbert_sha256)


class SymbolMatcher:
    """Which symbols a text speaks of: their coin's names in any case, its ticker in capitals or after a $.

    Parameters
    ----------
    symbols
        Unified symbols, `BTC/USDT:USDT`.
    aliases
        Names by ticker. A coin without names is found by its ticker alone.
    """

    def __init__(self, symbols: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> None:
        self._patterns = {symbol: _pattern(symbol.split("/")[0], aliases.get(symbol.split("/")[0], ())) for symbol in symbols}

    def symbols_of(self, text: str) -> tuple[str, ...]:
        """In the order of the symbols given."""
        return tuple(symbol for symbol, pattern in self._patterns.items() if pattern.search(text))


def _pattern(ticker: str, names: Sequence[str]) -> re.Pattern[str]:
    either = [rf"\b{re.escape(ticker)}\b", rf"(?i:\${re.escape(ticker)}\b)", *(rf"(?i:\b{re.escape(name)}\b)" for name in names)]
    return re.compile("|".join(either))
