"""From closed bars to scored observations: into the library, through the features, past the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from huracan_platform.contracts.market import ClosedBar
from huracan_platform.errors import TransientError
from huracan_platform.execution.feature_stream import FeatureStream
from huracan_platform.execution.journal import Observation
from huracan_platform.execution.live_library import LiveLibrary
from huracan_platform.execution.scoring import ModelDesk, horizon_sigma, is_decision_bar, probability
from huracan_platform.settings import LabelSettings


class Observer:
    """Turns bars into observations. Blocking: the session calls it in a thread."""

    def __init__(
        self, library: LiveLibrary, streams: Mapping[str, FeatureStream], models: ModelDesk, labels: LabelSettings
    ) -> None:
        self._library = library
        self._streams = streams
        self._models = models
        self._labels = labels
        self._waiting: list[ClosedBar] = []

    def observe(self, bars: Sequence[ClosedBar]) -> list[Observation]:
        """Observations in the order of bar and symbol. The bars are in the library before any of them is decided on.

        Raises
        ------
        TransientError
            The library or the venue did not answer. No bar is lost: they wait for the next call, with or without new ones.
        """
        self._waiting = sorted([*self._waiting, *bars], key=lambda b: (b.ts_ms, b.symbol))
        recorded_ms = self._library.record(self._waiting)
        seen: list[Observation] = []
        while self._waiting:
            try:
                seen.append(self._one(self._waiting[0], recorded_ms))
            except TransientError:
                if not seen:
                    raise
                break
            self._waiting.pop(0)
        return seen

    def _one(self, bar: ClosedBar, recorded_ms: int) -> Observation:
        stream = self._streams[bar.symbol]
        row = stream.step(bar)
        asked = is_decision_bar(bar.ts_ms, self._labels.sample_every_min)
        model = self._models.in_charge.get(bar.symbol)
        return Observation(
            row=row, source=stream.source, close=bar.close, seen_ms=bar.seen_ms, recorded_ms=recorded_ms, model_asked=asked,
            model=model, p_up=probability(model.fitted, row) if asked and model else math.nan,
            sigma=horizon_sigma(row, self._labels.horizon_min),
        )
