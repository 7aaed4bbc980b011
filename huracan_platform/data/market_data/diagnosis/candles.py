"""What is wrong with candles that kept their contract: their own evidence, then whatever is at hand to hold them against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_of, day_start_ms, days_between
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Int64
from huracan_platform.data.market_data.diagnosis.carried import carried_over, fits_elsewhere
from huracan_platform.data.market_data.diagnosis.columns import swapped_columns
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span
from huracan_platform.data.market_data.diagnosis.hours import Hours, against_hours, beside
from huracan_platform.data.market_data.diagnosis.lengths import other_length
from huracan_platform.data.market_data.diagnosis.pages import missing_pages
from huracan_platform.data.market_data.diagnosis.repeats import (
    repeated_pages,
    rows_of_another_symbol,
    rows_of_another_time,
    stale,
)
from huracan_platform.data.market_data.diagnosis.rhythm import off_rhythm
from huracan_platform.data.market_data.diagnosis.seams import of_another_level, spliced
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.diagnosis.ticks import finer_lot, finer_tick
from huracan_platform.data.market_data.diagnosis.tracking import against_closes, against_marks
from huracan_platform.data.market_data.diagnosis.volumes import of_no_market, unlike_the_days_beside, untraded
from huracan_platform.data.market_data.diagnosis.zones import zone_days
from huracan_platform.data.market_data.gaps import DueWindow, absent
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Causes that say only that the rows are not the venue's: another symbol's rows say more.
_VAGUE = (Fault.OTHER_MARKET, Fault.SPLICED, Fault.PRICE_UNIT)


@dataclass(frozen=True)
class CandleEvidence:
    """Bars of one symbol in time order, none lent, and what they are held against.

    `hours` are the venue's own, empty where there are none; `due` the windows in which pages may be missing; `earlier` and
    `later` the library's bars of the days beside.
    """

    candles: Candles
    hours: Candles
    windows: Sequence[DueWindow]
    due: Sequence[DueWindow] = ()
    earlier: Candles | None = None
    later: Candles | None = None
    sources: SecondSources | None = None


def diagnose(evidence: CandleEvidence, settings: DiagnosisSettings) -> Mapping[date, list[Diagnosis]]:
    """Named faults of each day, the most telling first; a day without one is left out."""
    candles = evidence.candles
    found: dict[date, list[Diagnosis]] = {}
    compared = beside(candles, evidence.hours)
    agree = compared.agree()
    vouched = compared.ts_ms[agree] // HOUR_MS
    for one in _of_rows(candles, vouched, settings):
        _put(found, one)
    for window in evidence.windows:
        for one in _of_hours(evidence, compared, agree, window.day, settings):
            found.setdefault(window.day, []).append(one)
    for one in _of_files(evidence, vouched, settings):
        _put(found, one)
    seams = spliced(candles, settings, vouched, evidence.earlier, evidence.later) if len(candles) else []
    doubtful = {day_of(one.bad[0][0]) for one in seams}
    joined = any(one.certain and candles.ts_ms[0] < one.bad[0][0] < candles.ts_ms[-1] for one in seams)
    for window in evidence.windows:
        if not found.get(window.day) and (window.day in doubtful or not _is_vouched(vouched, window.day)):
            found.setdefault(window.day, []).extend(_of_sources(evidence, window.day, settings, joined=joined))
    ends = [*(seam.bad[0][0] for seam in seams[1:]), int(candles.ts_ms.max(initial=0))]
    for one, until in zip(seams, ends, strict=False):
        _put_seam(found, one, until, vouched)
    for window in evidence.windows:
        if not found.get(window.day) and not _is_vouched(vouched, window.day):
            found.setdefault(window.day, []).extend(_of_volumes(evidence, window.day, settings))
    if not any(found.values()) and len(vouched):
        # The venue's minutes and hours are one market's; whether they or the library's are the wrong one's nobody can tell.
        level = of_another_level(candles, evidence.earlier, evidence.later, settings)
        if level is not None:
            _put(found, replace(level, certain=False))
    if not any(found.values()) and len(vouched) == 0:
        hint = off_rhythm(candles, settings) or carried_over(candles, evidence.earlier, evidence.later, settings)
        if hint is not None:
            _put(found, hint)
    page = missing_pages(_missing(evidence, settings), settings)
    if page is not None and (len(vouched) or zone_days(candles) is None):
        _put(found, page)
    return {day: faults for day, faults in found.items() if faults}


def _of_rows(candles: Candles, vouched: Int64, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """What the rows themselves tell, but for what the venue's own hours tell as well."""
    if (longer := other_length(candles, settings)) is not None:
        yield longer  # whose hours are the venue's all the same
    values = np.stack([getattr(candles, name) for name in CANDLE_COLUMNS], axis=1)
    for one in (
        swapped_columns(candles.ts_ms, values, settings), repeated_pages(candles, settings), stale(candles, settings),
        *untraded(candles, settings),
    ):
        if one is not None and not all(np.isin(range(a // HOUR_MS, b // HOUR_MS + 1), vouched).all() for a, b in one.bad):
            yield one


def _of_hours(
    evidence: CandleEvidence, compared: Hours, agree: np.ndarray, day: date, settings: DiagnosisSettings
) -> Iterator[Diagnosis]:
    """What the venue's own hours tell of a day, or the symbol whose hours these are."""
    of_day = compared.ts_ms // DAY_MS == day_start_ms(day) // DAY_MS
    differs = of_day & ~agree
    if not differs.any():
        return
    differing = compared.at(differs)
    one = against_hours(evidence.candles, evidence.hours, differing, int(differs.sum()) == int(of_day.sum()), settings)
    if evidence.sources is not None and one is not None and one.fault in _VAGUE:
        start = day_start_ms(day)
        for other in evidence.sources.other_hours(evidence.candles.symbol, start, start + DAY_MS):
            same = np.isin(differing.ts_ms, (theirs := beside(evidence.candles, other)).ts_ms[theirs.agree()])
            if same.mean() >= settings.explained_share:
                told = (
                    f"expected hours of {evidence.candles.symbol}, got {int(same.sum())} of {len(same)} that differ to be "
                    f"{other.symbol}'s"
                )
                yield Diagnosis(Fault.OTHER_SYMBOL, told, True, one.bad)
                break
    if one is not None:
        yield one


def _of_files(evidence: CandleEvidence, vouched: Int64, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Where in the library a whole file fits, if no hour vouches for a part of it."""
    if len(vouched) or len(evidence.candles) == 0 or evidence.sources is None:
        return
    if (one := fits_elsewhere(evidence.candles, _around(evidence.candles, evidence.sources, settings), settings)) is not None:
        yield one


def _of_library(evidence: CandleEvidence, day: date, settings: DiagnosisSettings, *, joined: bool) -> Iterator[Diagnosis]:
    """Whether the library has a day's rows under another time or symbol, else whether they are on another level or finer.

    Where bars are `joined` within the file, a finer tick is that of what was joined and says no more.
    """
    candles, sources, start = evidence.candles.of_day(day), evidence.sources, day_start_ms(day)
    stored = [] if sources is None else [sources.stored(candles.symbol, start, start + DAY_MS)]
    for held in (evidence.earlier, evidence.later, *stored):
        if held is not None and (one := rows_of_another_time(candles, held, settings)) is not None:
            yield one
        elif held is not None and not joined:
            yield from _late_with_the_file(evidence.candles, candles, held, settings)
    for other in [] if sources is None else sources.other_symbols(candles.symbol, start, start + DAY_MS):
        if (one := rows_of_another_symbol(candles, other, settings)) is not None:
            yield one
    earlier, later = evidence.earlier, evidence.later
    if sources is not None:
        around = _around(evidence.candles, sources, settings)
        earlier = around.at(around.ts_ms < evidence.candles.ts_ms[0])
        later = around.at(around.ts_ms > evidence.candles.ts_ms[-1])
    if (level := of_another_level(evidence.candles, earlier, later, settings)) is not None:
        yield level
    if not joined and (tick := finer_tick(candles, evidence.earlier, evidence.later, settings)) is not None:
        yield tick


def _late_with_the_file(
    file: Candles, part: Candles, held: Candles, settings: DiagnosisSettings
) -> Iterator[Diagnosis]:
    """A day between those whose rows the library has at another time: one file's times are all as late, where nothing joins."""
    if (one := rows_of_another_time(file, held, settings)) is not None:
        yield replace(one, bad=span(part.ts_ms))


def _around(candles: Candles, sources: SecondSources, settings: DiagnosisSettings) -> Candles:
    """The library's bars as far around a file as a shift may reach."""
    reach = settings.longest_shift_min * MINUTE_MS
    return sources.stored(candles.symbol, int(candles.ts_ms[0]) - reach, int(candles.ts_ms[-1]) + reach)


def _of_sources(evidence: CandleEvidence, day: date, settings: DiagnosisSettings, *, joined: bool) -> Iterator[Diagnosis]:
    """What the library, the venue's mark price and other venues tell of a day that no hour vouches for."""
    candles, sources = evidence.candles.of_day(day), evidence.sources
    if len(candles) == 0:
        return
    yield from _of_library(evidence, day, settings, joined=joined)
    if sources is None:
        return
    start, symbol = day_start_ms(day), candles.symbol
    # Rows from the neighbour days let a shift be tried that brings them in.
    around = evidence.candles
    marks = sources.marks(symbol, start, start + DAY_MS)
    if marks is not None and len(marks):
        if (one := against_marks(around, marks, settings)) is not None:
            yield one
        return
    for name, hours in sources.elsewhere(symbol, start, start + DAY_MS):
        if (one := against_closes(around, hours.ts_ms + HOUR_MS - MINUTE_MS, hours.close, name, settings)) is not None:
            yield one
        return


def _of_volumes(evidence: CandleEvidence, day: date, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """What the volumes of a day tell that nothing else has a word for."""
    candles = evidence.candles.of_day(day)
    for one in (
        unlike_the_days_beside(candles, evidence.earlier, evidence.later, settings),
        finer_lot(candles, evidence.earlier, evidence.later, settings), of_no_market(candles, settings),
    ):
        if one is not None:
            yield one


def _is_vouched(vouched: Int64, day: date) -> bool:
    """Whether the venue's own hours agree with some of the day's."""
    return bool((vouched // 24 == day_start_ms(day) // DAY_MS).any())


def _missing(evidence: CandleEvidence, settings: DiagnosisSettings) -> Int64:
    """Due minutes that are not there; a hole at an end of the days reaches as far as the library has no bars beside it."""
    candles, windows = evidence.candles, evidence.due
    due = np.concatenate([np.empty(0, np.int64), *(window.minutes() for window in windows)])
    missing = absent(due, candles.ts_ms)
    if evidence.sources is None or not len(candles) or not len(missing):
        return missing
    held, first, last = _around(candles, evidence.sources, settings).ts_ms, int(due[0]), int(due[-1])
    before, after = held[held < first], held[held > last]
    parts = [missing]
    if len(before) and missing[0] == first:
        parts.insert(0, np.arange(int(before[-1]) + MINUTE_MS, first, MINUTE_MS))
    if len(after) and missing[-1] == last:
        parts.append(np.arange(last + MINUTE_MS, int(after[0]), MINUTE_MS))
    return np.concatenate(parts)


def _put_seam(found: dict[date, list[Diagnosis]], one: Diagnosis, until_ms: int, vouched: Int64) -> None:
    """Under its day and the following ones up to the next seam: which side is the wrong one nobody can tell but the hours."""
    first = day_of(one.bad[0][0])
    found.setdefault(first, []).append(one)
    for day in days_between(first, day_of(max(until_ms, one.bad[0][0])))[1:] if one.certain else ():
        if not _is_vouched(vouched, day):
            found.setdefault(day, []).append(one)


def _put(found: dict[date, list[Diagnosis]], one: Diagnosis) -> None:
    """Under each day that it touches."""
    days = dict.fromkeys(day_of(ms) for a, b in one.bad for ms in range(a // DAY_MS * DAY_MS, b + 1, DAY_MS))
    for day in days:
        found.setdefault(day, []).append(one)
