"""From closed bars to scored observations: into the library, through the features, past the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from huracan_platform.clock import Clock
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
        self, library: LiveLibrary, streams: Mapping[str, FeatureStream], models: ModelDesk, labels: LabelSettings, clock: Clock
    ) -> None:
        self._library = library
        self._streams = streams
        self._models = models
        self._labels = labels
        self._clock = clock
        self._waiting: list[ClosedBar] = []
        self._restated: list[ClosedBar] = []

    def observe(self, bars: Sequence[ClosedBar], restated: Sequence[ClosedBar] = ()) -> list[Observation]:
        """Observations in the order of bar and symbol. The bars are in the library before any of them is decided on.

        `restated` are new versions of bars handed on before: they are stored, and the features of their symbols rebuilt.

        Raises
        ------
        TransientError
            The library or the venue did not answer. No bar is lost: they wait for the next call, with or without new ones.
        """
        self._restated += restated
        self._waiting = sorted([*self._waiting, *bars], key=lambda b: (b.ts_ms, b.symbol))
        recorded_ms = self._library.record([*self._restated, *self._waiting])
        for symbol in {bar.symbol for bar in self._restated}:
            self._streams[symbol].rebuild(self._clock)
        self._restated = []
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
