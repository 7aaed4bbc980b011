"""Hours of the same time on another level: another unit, quote, market or symbol."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.diagnosis.scale import is_power_of_ten
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

# A constant factor is constant to rounding; one that follows an exchange rate moves by less than this over a day.
CONSTANT, NEAR_CONSTANT = 1e-6, 0.02
FEWEST_MOVES = 3


def other_level(
    ts: Int64, ours: Float64, venue: Float64, all_differ: bool, settings: DiagnosisSettings
) -> Diagnosis | None:
    """What prices or volumes of hours (n, 5) are where times and columns are right; `all_differ` as in `against_hours`."""
    if (ours[:, :4] == venue[:, :4]).all(axis=1).mean() >= settings.explained_share:
        return _other_volume(ts, ours, venue)
    bad = ranges(ts, HOUR_MS)
    span = tuple((a, b + HOUR_MS - MINUTE_MS) for a, b in bad)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ours[:, 3] / venue[:, 3]
    factor, spread = float(np.median(ratio)), _spread(ratio)
    where = f"{len(ts)} hours ({in_words(bad)})"
    if spread < CONSTANT and abs(factor - 1) > settings.other_market:  # no unit is nearer, a basis is
        told = f"expected prices of the venue's own hours, got exactly {factor:.6g} times those in {where}"
        return Diagnosis(Fault.PRICE_UNIT, told, True, span)
    if is_power_of_ten(factor) and spread < NEAR_CONSTANT:
        told = f"expected prices of the venue's own hours, got {factor:.6g} times those in {where}"
        return Diagnosis(Fault.PRICE_UNIT, told, True, span)
    if _spread(ours[:, 3] * venue[:, 3]) < CONSTANT:
        return Diagnosis(Fault.PRICE_UNIT, f"expected quote per base, got base per quote in {where}", True, span)
    return _other_market(ours, venue, factor, spread, where, span, all_differ, settings)


def _other_market(
    ours: Float64, venue: Float64, factor: float, spread: float, where: str, span: tuple[tuple[int, int], ...], all_differ: bool,
    settings: DiagnosisSettings,
) -> Diagnosis | None:
    alike = _alike(ours[:, 3], venue[:, 3])
    volume = float(np.median(ours[:, 4] / venue[:, 4])) if (venue[:, 4] > 0).all() else float("nan")
    numbers = (
        f"closes stand {(factor - 1) * 1e4:+.1f} bps off and move alike (correlation {alike:.3f}), volume {volume:.3g} times"
    )
    if np.isnan(alike):
        if not (ours[:, [0, 3]] != venue[:, [0, 3]]).all():
            return None  # a bar or two, not a series
        near = Fault.SPOT if abs(factor - 1) <= settings.other_market else Fault.OTHER_MARKET
        told = f"expected the venue's own hours, got another series in {where}: closes {factor:.4g} times"
        return Diagnosis(near if all_differ else Fault.SPLICED, told, True, span)
    if alike >= settings.moves_alike and abs(factor - 1) <= settings.other_market:
        if all_differ:
            told = f"expected the perpetual's own hours, got another market of the same asset in {where}: {numbers}"
            return Diagnosis(Fault.SPOT, told, True, span)
        told = f"expected one series, got another market of the same asset in {where}: {numbers}"
        return Diagnosis(Fault.SPLICED, told, True, span)
    if alike >= settings.moves_alike and spread < NEAR_CONSTANT:
        told = f"expected prices of the venue's own hours, got {factor:.4g} times those in {where}, another quote's"
        return Diagnosis(Fault.PRICE_UNIT, told, True, span)
    fault = Fault.OTHER_MARKET if all_differ else Fault.SPLICED
    return Diagnosis(
        fault, f"expected the venue's own hours, got {where} that have nothing of them: closes {factor:.4g} times, moves "
        f"correlate {alike:.2f}", True, span,
    )


def _other_volume(ts: Int64, ours: Float64, venue: Float64) -> Diagnosis | None:
    keep = (ours[:, :4] == venue[:, :4]).all(axis=1) & (venue[:, 4] > 0)
    if not keep.any():
        return None
    bad = ranges(ts[keep], HOUR_MS)
    span = tuple((a, b + HOUR_MS - MINUTE_MS) for a, b in bad)
    ratio = ours[keep, 4] / venue[keep, 4]
    factor, where = float(np.median(ratio)), f"{int(keep.sum())} hours ({in_words(bad)})"
    within = (ratio >= venue[keep, 2] * (1 - CONSTANT)) & (ratio <= venue[keep, 1] * (1 + CONSTANT))
    if within.all():
        told = f"expected volume in base, got {factor:.6g} times it, the price, in {where}: volume in quote"
    elif (ratio == 0).all():
        told = f"expected volume in base, got none in {where}"
    elif _spread(ratio) < CONSTANT and int(keep.sum()) > 1:
        told = f"expected volume in base, got exactly {factor:.6g} times it in {where}: contracts or another unit"
    elif _spread(ratio / venue[keep, 3]) < NEAR_CONSTANT and int(keep.sum()) >= FEWEST_MOVES:
        per = 1 / float(np.median(ratio / venue[keep, 3]))
        told = f"expected volume in base, got {factor:.3g} times it, as the price goes, in {where}: contracts of {per:.3g} quote"
    elif int(keep.sum()) >= FEWEST_MOVES:
        told = f"expected the venue's own volume, got {factor:.3g} times it in {where}, prices are the venue's"
        return Diagnosis(Fault.OTHER_MARKET, told, True, span)
    else:
        return None
    return Diagnosis(Fault.VOLUME_UNIT, told, True, span)


def _spread(values: Float64) -> float:
    middle = float(np.median(values))
    return float(np.max(np.abs(values / middle - 1))) if middle and np.isfinite(values).all() else float("inf")


def _alike(ours: Float64, venue: Float64) -> float:
    """Correlation of the moves between neighbouring hours; NaN where there are too few."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = np.diff(np.log(ours)), np.diff(np.log(venue))
    if len(a) < FEWEST_MOVES or not (np.isfinite(a).all() and np.isfinite(b).all()) or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
