"""What can be done about a failed check of a day: it depends on the dataset and on where the day stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.recorded import RECORDED_LIVE


def needs_nothing(dataset: str, check: str, severity: str, state: DayState | None) -> bool:
    """Whether no person has to act: the day is read as it is, or there is nothing to be had.

    Bars that a source lacks can still be fetched, so a gap asks for that even in a good day; a gap of a recorder cannot be
    filled.
    """
    if state is DayState.UNAVAILABLE:
        return True
    fetchable = check == "completeness" and dataset not in RECORDED_LIVE
    return severity == "warning" and state in (DayState.GOOD, DayState.OPEN) and not fetchable


def advice(
    dataset: str, check: str, severity: str, state: DayState | None, symbols: Sequence[str], days: Sequence[date]
) -> str:
    """What to do, with the command where there is one; true of days in this state only (None: the books do not know them)."""
    again = f"huracan data backfill --dataset {dataset} --from {days[0]} --to {days[-1]} --symbols {','.join(symbols)}"
    if needs_nothing(dataset, check, severity, state):
        return "the source does not have it (any more)" if state is DayState.UNAVAILABLE else f"the day is {state}: nothing to do"
    if state is DayState.QUARANTINED and check != "fetch":
        then = "judge it again" if dataset in RECORDED_LIVE else "fetch again"
        return f"the day is in quarantine; look with `huracan data quarantine list`, release what is genuine, or {then}: {again}"
    return _of_recorded(dataset, check, again) if dataset in RECORDED_LIVE else _of_fetched(check, state, again)


def _of_fetched(check: str, state: DayState | None, again: str) -> str:
    told = {
        "completeness": "fetch again, or explain the gap with `huracan data explain`",
        "fetch": "the venue did not answer; try again",
        "freshness": "look whether the venue and the schedule are running, then fetch again",
    }
    stands = f"the day is {state}; " if state else ""
    return f"{told.get(check, f'{stands}fetch again')}: {again}"


def _of_recorded(dataset: str, check: str, again: str) -> str:
    if check == "freshness":
        return "look whether the recorder is running: huracan status"
    if check == "completeness":
        files = ", or take it from files with `huracan data import`" if dataset == "trades" else ""
        explain = f"`huracan data explain --dataset {dataset}`"
        return f"look at the recorder (`huracan status`); what it missed cannot be fetched: explain the gap with {explain}{files}"
    return f"judge it again: {again}"
