"""One look at every feed: new texts scored and stored, bad ones quarantined, the ledger kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.sentiment import FearGreedRepository, TextRepository
from huracan_platform.clock import HOUR_MS, Clock, day_of
from huracan_platform.contracts.recording import RECORDING, STOPPED, TRYING
from huracan_platform.contracts.texts import ScoredText, Text, refused
from huracan_platform.data.market_data.refusals import Refusals
from huracan_platform.data.sentiment.fear_greed import parse_fear_greed, source_of
from huracan_platform.data.sentiment.feeds import Feed, fetch
from huracan_platform.data.sentiment.reddit import Subreddit, reddit_api
from huracan_platform.data.sentiment.scoring import Scorer, SymbolMatcher, scorer_of
from huracan_platform.data.sentiment.source import Look, RefusedAnswerError, TextSource
from huracan_platform.data.sentiment.x import Search, x_api
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import SentimentSettings, Settings

DATASET = "sentiment"
# So many looks may fail or be late before the time between two counts as a gap.
POLLS_TO_A_GAP = 3
FEAR_GREED_EVERY_MS = HOUR_MS // 2  # market time; the index changes once a day
_log = get_logger("sources.collect")


@dataclass
class PollReport:
    """One look: texts that were new, entries refused, and why a source could not be read."""

    new: int = 0
    refused: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class _Source:
    """A source, its recording in the ledger, wire and market time up to which that goes, and how many looks were answered."""

    texts: TextSource
    recording: int | None = None
    wire_ms: int = 0
    until_ms: int = 0
    failed: str | None = None
    looks: int = 0

    @property
    def name(self) -> str:
        """Of the texts' source."""
        return self.texts.name


class TextCollector:
    """Looks at the sources of the settings whenever it is told to.

    Parameters
    ----------
    venue
        Name under which refused entries are kept.
    clock
        Asked at every look; the market clock stamps when a text was seen.
    get
        Reads an address.
    """

    def __init__(
        self, brain: Brain, venue: str, clock: Callable[[], Clock], settings: Settings, *,
        scorer: Scorer | None = None, get: Callable[[str], bytes] = fetch,
    ) -> None:
        wanted = settings.sentiment
        if not wanted.has_sources:
            raise PermanentError("HURACAN_SENTIMENT__FEEDS: expected the address of one feed or more, got none")
        self._venue, self._clock, self._settings, self._get = venue, clock, wanted, get
        self._texts, self._index, self._ledger = TextRepository(brain), FearGreedRepository(brain), RecordingLedger(brain)
        self._books, self._beats, self._refusals = QualityRepository(brain), RecorderBeats(brain), Refusals(DATASET)
        self._scorer = scorer or scorer_of(wanted)
        self._matcher = SymbolMatcher(settings.symbols, wanted.aliases)
        self._sources = [_Source(source) for source in text_sources(wanted, get)]
        self._index_seen_ms: int | None = None

    def poll(self) -> PollReport:
        """Look once. A source that fails is named in the report; the others go on."""
        report, clock = PollReport(), self._clock()
        for source in self._sources:
            asked_ms = clock.market_ms()
            try:
                missed = self._read(source, clock, report)
            except (TransientError, PermanentError, DataContractError) as error:
                report.failed[source.name] = source.failed = str(error)
                _log.warning("source not read", source=source.name, error=str(error))
            else:
                self._reached(source, asked_ms, clock.wire_ms(), missed)
        self._read_index(clock, report)
        self._refusals.write(lambda batch: self._books.quarantine(self._venue, batch, clock.wire_ms()))
        for source in self._sources:
            self._beat(source, TRYING if source.name in report.failed else RECORDING, clock.wire_ms())
        return report

    def close(self, reason: str) -> None:
        """End the recordings."""
        wire_ms = self._clock().wire_ms()
        for source in self._sources:
            self._end(source, reason, wire_ms)
            self._beat(source, STOPPED, wire_ms)

    @property
    def sources(self) -> list[str]:
        """Names of what is looked at, and the address of the index."""
        index = self._settings.fear_greed_url
        return [source.name for source in self._sources] + ([] if index is None else [source_of(index)])

    def _beat(self, source: _Source, state: str, wire_ms: int) -> None:
        self._beats.beat(
            source.name, DATASET, wire_ms, state=state, heard_ms=source.until_ms or None, frames=source.looks,
            said=source.failed or "",
        )

    def _read(self, source: _Source, clock: Clock, report: PollReport) -> bool:
        """Store what is new; whether more was published since the look before than was told now."""
        self._resume(source)
        try:
            look = source.texts.look(clock, source.until_ms or None)
        except RefusedAnswerError as error:
            self._quarantine(source, error.body, str(error), clock.market_ms(), report)
            raise
        for entry in look.refused:
            self._quarantine(source, entry.row, entry.reason, clock.market_ms(), report)
        keys = {(t.source, t.url, t.content_hash): t for t in look.texts}
        new = [keys[key] for key in sorted(keys.keys() - self._texts.known(list(keys), self._scorer.name))]
        missed = self._has_lost(source, look, new)
        report.new += self._save(source, new, clock, report)
        return missed

    def _has_lost(self, source: _Source, look: Look, new: Sequence[Text]) -> bool:
        """Whether something may have come and gone since the look before.

        A feed holds its newest entries: while it still holds the newest one that was known, nothing younger has left it. Entries
        that are kept on top prove nothing, nor does the time at which one says that it was published.
        """
        if look.whole is not None:
            return not look.whole
        newest = self._texts.newest(source.name)
        return bool(source.until_ms and new) and newest is not None and newest not in {text.url for text in look.texts}

    def _save(self, source: _Source, new: Sequence[Text], clock: Clock, report: PollReport) -> int:
        scored = self._scored(new)
        bad = refused(scored)
        for at, reason in bad.items():
            text = new[at]
            row = f"{text.url} {text.title} published {text.published_ms} seen {text.seen_ms}"
            self._quarantine(source, row, f"sentiment {source.name}: {reason}", text.seen_ms, report)
        return self._texts.save([text for at, text in enumerate(scored) if at not in bad], clock.wire_ms())

    def _scored(self, texts: Sequence[Text]) -> list[ScoredText]:
        whole = [f"{text.title}. {text.body}" for text in texts]
        return [
            ScoredText(
                text.source, text.url, text.content_hash, text.title, text.published_ms, text.seen_ms, self._scorer.name, score,
                self._matcher.symbols_of(words),
            )
            for text, words, score in zip(texts, whole, self._scorer.scores(whole), strict=True)
        ]

    def _read_index(self, clock: Clock, report: PollReport) -> None:
        url, now = self._settings.fear_greed_url, clock.market_ms()
        if url is None or (self._index_seen_ms is not None and now - self._index_seen_ms < FEAR_GREED_EVERY_MS):
            return
        name = source_of(url)
        try:
            rows = parse_fear_greed(name, self._get(url), clock.market_ms())
            self._index.upsert(name, rows, clock.wire_ms(), revision_known_at_ms=clock.market_ms())
            self._index_seen_ms = now
        except (TransientError, PermanentError, DataContractError) as error:
            report.failed[name] = str(error)
            _log.warning("index not read", source=name, error=str(error))

    def _quarantine(self, source: _Source, row: str, reason: str, seen_ms: int, report: PollReport) -> None:
        self._refusals.add(source.name, day_of(seen_ms), source.texts.address, row, reason)
        report.refused += 1
        _log.warning("entry refused", source=source.name, reason=reason)

    def _reached(self, source: _Source, asked_ms: int, wire_ms: int, missed: bool) -> None:
        """All that the source had at `asked_ms` was seen. A recording goes on over a pause that is short enough."""
        late = wire_ms - source.wire_ms > POLLS_TO_A_GAP * self._settings.poll_s * 1000
        if late or asked_ms < source.until_ms:
            self._end(source, source.failed or "no look for too long", wire_ms)
        elif missed:
            self._end(source, "more was published since the look before than the source tells", wire_ms)
        if source.recording is None:
            source.recording = self._ledger.begin(source.name, DATASET, asked_ms, wire_ms)
        source.wire_ms, source.until_ms, source.failed = wire_ms, asked_ms, None
        source.looks += 1
        self._ledger.extend(source.recording, asked_ms, wire_ms)

    def _resume(self, source: _Source) -> None:
        """Take up the newest recording, that of a collector before this one."""
        latest = None if source.recording is not None else self._ledger.latest(source.name, DATASET)
        if latest is not None:
            source.recording, recording = latest
            source.wire_ms, source.until_ms, source.failed = recording.recorded_ms, recording.until_ms, recording.ended

    def _end(self, source: _Source, reason: str, wire_ms: int) -> None:
        if source.recording is not None:
            self._ledger.extend(source.recording, source.until_ms, wire_ms, ended=reason)
            source.recording = None


def text_sources(settings: SentimentSettings, get: Callable[[str], bytes]) -> list[TextSource]:
    """Feeds, subreddits and searches of the settings; `get` reads a feed's address."""
    sources: list[TextSource] = [Feed(name, address, get) for name, address in settings.feeds.items()]
    if settings.reddit.subreddits:
        reddit = reddit_api(settings.reddit)
        sources += [Subreddit(reddit, subreddit) for subreddit in settings.reddit.subreddits]
    if settings.x.queries:
        x = x_api(settings.x)
        sources += [Search(x, name, query, settings.x.most_pages) for name, query in settings.x.queries.items()]
    return sources
