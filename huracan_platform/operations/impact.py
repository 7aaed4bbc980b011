"""The blast radius of a partition: all that was made from a symbol's day of a dataset, and how it stands to the day now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.revisions import PinnedSpan, Revisions
from huracan_platform.brain.facts.sentiment import SentimentRepository
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.brain.learning.models import ModelRepository
from huracan_platform.brain.operations.consumers import Consumers, DecisionRead, FeatureDayRead, ModelUse
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms, to_datetime, to_ms
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.revision import Dependent, Impact, Standing
from huracan_platform.data.features.inputs import DATASETS, DATASETS_ELSEWHERE
from huracan_platform.data.features.reads import Partition, PartitionReads
from huracan_platform.data.features.store import FUNDING_DELAY_MS
from huracan_platform.data.market_data.own_bars import changed_own
from huracan_platform.data.sources.registry import find_source
from huracan_platform.errors import PermanentError
from huracan_platform.learning.models.manifest import DatasetSpec
from huracan_platform.operations.cascade_days import cascade_days
from huracan_platform.settings import LiquidationSettings

REPOSITORIES: Mapping[str, Callable[[Brain], FactRepository]] = MappingProxyType({
    "candles": CandleRepository, "funding": FundingRepository, "open_interest": OpenInterestRepository,
    "sentiment": SentimentRepository, "liquidations": LiquidationMinuteRepository,
})
# No bar takes a fact beside bars that is of longer ago.
REACH_DAYS = 2
# What is measured again and again: the newest one counts.
MEASURED_AGAIN = frozenset({"gate verdicts", "drift", "policy verdict"})


def facts_of(brain: Brain, dataset: str) -> FactRepository:
    """A dataset's facts by its name.

    Raises
    ------
    PermanentError
        No dataset of that name.
    """
    source = find_source(dataset)
    if source is not None:
        return SourceRepository(brain, source.contract)
    if dataset not in REPOSITORIES:
        raise PermanentError(f"dataset: expected one of {', '.join(REPOSITORIES)} or a source, got {dataset}")
    return REPOSITORIES[dataset](brain)


def impact(
    brain: Brain, venue: str, symbol: str, day: date, dataset: str, *, second_venue: str | None = None,
    liquidations: LiquidationSettings | None = None, funding_delay_ms: int = FUNDING_DELAY_MS,
) -> Impact:
    """Corrections of the partition, and everything that the library knows to have been made from it.

    Parameters
    ----------
    second_venue
        With whose facts those of a venue were compared on days that were stored before each said so itself. None: with nobody's.
    liquidations
        By which days of liquidations are made of candles; None: the defaults.
    funding_delay_ms
        With which the days of the set `core` were built, and sessions ran: a rate is known this long after its settlement.

    Raises
    ------
    PermanentError
        No dataset of that name.
    """
    found = _Reader(brain, venue, symbol, day, dataset, funding_delay_ms).read()
    more: list[Dependent] = []
    if dataset == "candles":
        more += cascade_days(brain, venue, symbol, day, liquidations or LiquidationSettings())
    if any(dataset in read for read in DATASETS_ELSEWHERE.values()):
        for other in Consumers(brain).venues(symbol):
            reader = _Reader(
                brain, venue, symbol, day, dataset, funding_delay_ms, used_at=other, unless_noted=venue == second_venue
            )
            if other != venue and reader.is_used:
                more += reader.dependents()
    return replace(found, dependents=(*found.dependents, *more))


def revised_facts(brain: Brain, card: ModelCard) -> int:
    """How many candles and funding rates of a model's data set have other values now than those that it was trained on."""
    spec = DatasetSpec(**card.manifest["dataset"]["spec"])
    span = PinnedSpan(spec.start_ms, spec.end_ms, spec.pin)
    rates = Revisions(brain, FundingRepository.table).changed_since(spec.venue, spec.symbol, [span])
    return changed_own(brain, spec.venue, spec.symbol, [span])[0] + rates[0]


class _Reader:
    """One partition and the reads of it by what is made for a venue; `used_at` None: for its own.

    `unless_noted`: days of another venue that do not note the one that they were compared with are taken for its readers.
    """

    def __init__(
        self, brain: Brain, venue: str, symbol: str, day: date, dataset: str, funding_delay_ms: int, *,
        used_at: str | None = None, unless_noted: bool = False,
    ) -> None:
        self._brain, self._delay_ms = brain, funding_delay_ms
        self._venue, self._symbol, self._day, self._dataset = venue, symbol, day, dataset
        self._used_at, self._read_by = used_at or venue, DATASETS if used_at is None else DATASETS_ELSEWHERE
        self._start_ms, self._end_ms = day_start_ms(day), day_start_ms(day) + DAY_MS
        facts = facts_of(brain, dataset)
        self._revisions = Revisions(brain, facts.table)
        self._consumers = Consumers(brain)
        partition = Partition(dataset, venue, symbol, self._start_ms, self._end_ms)
        self._reads = PartitionReads(brain, facts, partition, self._used_at, funding_delay_ms)
        self._elsewhere, self._unless_noted = used_at is not None, unless_noted
        self._changed_days = self._days_read()
        self._days = list(self._changed_days)
        self._cards = ModelRepository(brain).all(venue=self._used_at, symbol=symbol)

    def read(self) -> Impact:
        """All of it."""
        revisions = self._revisions.between(self._venue, self._symbol, self._start_ms, self._end_ms)
        return Impact(self._dataset, self._venue, self._symbol, self._day, tuple(revisions), tuple(self.dependents()))

    def dependents(self) -> list[Dependent]:
        """All that was made from it."""
        models = {card.model_id: found for card in self._cards if (found := self._model(card)) is not None}
        return [*self._feature_days(), *models.values(), *self._uses(models), *self._sessions()]

    @property
    def is_used(self) -> bool:
        """Days were made of it, or may have been."""
        return self._unless_noted or bool(self._days)

    def _was_compared(self, read: FeatureDayRead) -> bool:
        if not self._elsewhere:
            return True
        return self._unless_noted if read.second_venue is None else read.second_venue == self._venue

    def _is_read_by(self, feature_set: str) -> bool:
        return self._dataset in self._read_by.get(feature_set, ())

    def _days_read(self) -> dict[FeatureDayRead, bool]:
        """Versions of feature days that took facts of the partition, or would now, and whether they would be others now."""
        reach = 0 if self._dataset == "candles" else REACH_DAYS
        made = self._consumers.feature_days(self._used_at, self._symbol, self._day, self._day + timedelta(days=reach))
        made = [read for read in made if self._is_read_by(read.feature_set) and self._was_compared(read)]
        if self._dataset == "candles":
            return dict(zip(made, self._changed([read.pin for read in made]), strict=True))
        found = {}
        for read in made:
            start = day_start_ms(read.day)
            taken = self._reads.of(read.feature_set, start, start + DAY_MS, read.pin)
            if taken is not None:
                found[read] = taken.changed
        return found

    def _changed(self, pins: Sequence[Pin]) -> list[bool]:
        return [count > 0 for count in self._counts([PinnedSpan(self._start_ms, self._end_ms, pin) for pin in pins])]

    def _counts(self, spans: Sequence[PinnedSpan]) -> list[int]:
        if self._dataset == "candles":
            return changed_own(self._brain, self._venue, self._symbol, spans)
        return self._revisions.changed_since(self._venue, self._symbol, spans)

    def _feature_days(self) -> Iterable[Dependent]:
        stale_sets = set()
        for read, changed in self._changed_days.items():
            if not changed and not read.newest:
                continue
            standing = _standing(changed, newest=read.newest)
            if standing is Standing.STALE:
                stale_sets.add(read.set_hash)
            yield Dependent(
                "feature day", f"{read.feature_set} {read.day}", read.as_of, read.recorded_before, standing, "its rows"
            )
        last_read = {(read.feature_set, read.set_hash): read.day for read in self._days}  # each set's in the order of their days
        for (name, set_hash), day in last_read.items():
            count, last = self._consumers.later_days(self._used_at, self._symbol, set_hash, day)
            if count:
                standing = Standing.STALE if set_hash in stale_sets else Standing.CURRENT
                yield Dependent(
                    "feature days", f"{name}, {count} to {last}", None, None, standing, "the state that the day before left"
                )

    def _model(self, card: ModelCard) -> Dependent | None:
        told = card.manifest["dataset"]
        spec = DatasetSpec(**told["spec"])
        as_of, recorded_before = to_datetime(spec.as_of_ms), to_datetime(spec.recorded_before_ms)
        built = {
            d.day: d for d in self._days  # of each day the newest version that it could take
            if d.set_hash == told["feature_set_hash"] and d.as_of <= as_of and d.recorded_before <= recorded_before
        }
        if not built or self._start_ms >= spec.end_ms:
            return None
        through = "its data set" if self._end_ms > spec.start_ms else "the state of its features"
        if self._dataset == "candles":  # its labels are made of them too
            changed = self._changed([spec.pin])[0]
        else:
            changed = any(self._changed_days[read] for read in built.values())
        standing = _standing(changed, newest=True)
        return Dependent("model", card.model_id, as_of, recorded_before, standing, through)

    def _uses(self, models: Mapping[str, Dependent]) -> Iterable[Dependent]:
        uses = self._consumers.model_uses([card.model_id for card in self._cards])
        newest = {(use.kind, use.name): use for use in uses}
        own = [use for use in uses if self._touches(use)]
        changed = dict(zip(own, self._changed([Pin(None, use.made_at) for use in own]), strict=True))
        for use in uses:
            model = models.get(use.model_id)
            if model is None and use not in changed:
                continue
            is_newest = use.kind not in MEASURED_AGAIN or newest[use.kind, use.name] is use
            differs = changed.get(use, False) or (model is not None and model.standing is Standing.STALE)
            pin = (None, use.made_at) if use in changed or model is None else (model.as_of, model.recorded_before)
            through = "rows of its own" if use in changed else f"data set of {use.model_id}"
            yield Dependent(
                use.kind, f"{use.name} {use.made_at:%Y-%m-%d %H:%M}", *pin, _standing(differs, newest=is_newest), through
            )

    def _touches(self, use: ModelUse) -> bool:
        if use.first_at is None or use.last_at is None:
            return False
        return to_ms(use.first_at) < self._end_ms and to_ms(use.last_at) >= self._start_ms

    def _sessions(self) -> Iterable[Dependent]:
        decisions = [
            d for d in self._consumers.decisions(self._used_at, self._symbol, self._start_ms) if self._is_read_by(d.feature_set)
        ]
        states = self._consumers.checkpoint_days([d.checkpoint_hash for d in decisions if d.checkpoint_hash is not None])
        first_read = self._first_reads(decisions)
        reads = [(d, span) for d in decisions if (span := self._span(d, states, first_read)) is not None]
        counts = self._counts([span for _, span in reads])
        by_session: dict[str, list[tuple[DecisionRead, bool]]] = defaultdict(list)
        for (decision, _), count in zip(reads, counts, strict=True):
            by_session[decision.session_id].append((decision, count > 0))
        for session, made in by_session.items():
            stale = [decision for decision, differs in made if differs]
            standing = _standing(bool(stale), newest=True)
            newest = made[-1][0]
            name = f"{session}: {len(stale)} of {len(made)} decisions, {sum(d.acted for d in stale)} of them acted"
            yield Dependent("session", name, newest.pin_as_of, newest.pin_recorded_before, standing, "bars and state")
            if fills := sum(d.fills for d, _ in made):
                name = f"{session}: {sum(d.fills for d in stale)} of {fills} fills"
                yield Dependent("trades", name, None, None, _standing(any(d.fills for d in stale), newest=True), "decisions")

    def _first_reads(self, decisions: Sequence[DecisionRead]) -> dict[tuple[datetime, str], int]:
        """The first of the partition's facts that bars which sessions ran themselves took, by the first such bar and the set."""
        found = {}
        for key, decision in {(d.state_from, d.feature_set): d for d in decisions}.items():
            start, end = to_ms(decision.state_from), to_ms(decision.bar_ts) + MINUTE_MS
            reach = self._end_ms + REACH_DAYS * DAY_MS
            if self._dataset == "candles":
                found[key] = max(start, self._start_ms)
            elif start < reach and (taken := self._reads.of(decision.feature_set, start, min(end, reach), decision.pin)):
                found[key] = taken.first_ms
        return found

    def _span(
        self, decision: DecisionRead, states: Mapping[str, tuple[int, str]], first_reads: Mapping[tuple[datetime, str], int]
    ) -> PinnedSpan | None:
        """What the decision read of the partition: bars that it ran itself, or the day that its restored state went through."""
        close = to_ms(decision.bar_ts) + MINUTE_MS
        known = close if self._dataset == "candles" else close - self._delay_ms + 1
        start, end = first_reads.get((decision.state_from, decision.feature_set), self._end_ms), min(self._end_ms, known)
        if start < end:
            return PinnedSpan(start, end, decision.pin)
        number, set_hash = states.get(decision.checkpoint_hash or "", (0, ""))
        through = {d.day: d for d in self._days if d.set_hash == set_hash and d.feature_day_id <= number}
        return PinnedSpan(self._start_ms, self._end_ms, through[min(through)].pin) if through else None


def _standing(changed: bool, *, newest: bool) -> Standing:
    if not changed:
        return Standing.CURRENT
    return Standing.STALE if newest else Standing.REPLACED
