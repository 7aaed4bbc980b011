"""Which drift pages are kept: one a week of each version, and one whenever other columns are critical than on the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftReport, DriftRepository
from huracan_platform.clock import DAY_MS
from huracan_platform.learning.content import ContentStore

PAGE = "drift.html"


class DriftPages:
    """Pages under `<artefact_root>/drift`, a path or any fsspec URL."""

    def __init__(self, brain: Brain, artefact_root: str, every_days: float) -> None:
        self._repository = DriftRepository(brain)
        self._files = ContentStore(f"{artefact_root.rstrip('/')}/drift", "drift page", {PAGE})
        self._every_ms = every_days * DAY_MS

    def keep(self, model_id: str, critical: Sequence[str], wire_ms: int, draw: Callable[[], str]) -> str:
        """Where the version's newest page lies; `draw` is called where a new one is due."""
        newest = self._repository.newest_report(model_id)
        if newest is None or set(newest.critical) != set(critical) or wire_ms - newest.made_ms >= self._every_ms:
            newest = DriftReport(model_id, self._files.save({PAGE: draw().encode()}), tuple(critical), wire_ms)
            self._repository.add_report(newest)
        return self._files.path(newest.content_hash, PAGE)
