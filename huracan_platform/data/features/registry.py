"""Feature sets by name.

A *feature set* is a tuple of features with the windows of a profile. Its hash covers the definitions, the windows and
the sources of the compiled kernels, so that rows of two code versions are never mistaken for one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal

from huracan_platform.contracts.hashing import hash_json
from huracan_platform.data.features.core_features import CORE_FEATURES
from huracan_platform.data.features.feature import Feature
from huracan_platform.data.features.kernel import CORE, POSITIONING, Kernel
from huracan_platform.data.features.positioning_features import POSITIONING_FEATURES
from huracan_platform.errors import ConfigurationError
from huracan_platform.settings import FeatureSettings

Profile = Literal["full", "short_history"]
DAY_HOURS = 24



@dataclass(frozen=True)
class SetDefinition:
    """What a set is made of: its columns, and what computes them."""

    features: tuple[Feature, ...]
    kernel: Kernel


SETS: Mapping[str, SetDefinition] = MappingProxyType({
    "core": SetDefinition(CORE_FEATURES, CORE),
    "positioning": SetDefinition(POSITIONING_FEATURES, POSITIONING),
})


@dataclass(frozen=True)
class FeatureSet:
    """A named tuple of columns with the windows of a profile.

    `rank_hours` and `regime_hours` are the trailing windows of hourly samples, `warmup_bars` the longest warm-up of a
    column. Two sets with one `set_hash` give the same rows for the same bars.
    """

    name: str
    profile: str
    columns: tuple[str, ...]
    warmup_bars: int
    rank_hours: int
    regime_hours: int
    set_hash: str
    code_version: str
    kernel: Kernel = field(repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what is known beside each bar, in the order in which the engine takes them."""
        return self.kernel.inputs


def feature_set(name: str, profile: str = "full", *, settings: FeatureSettings | None = None) -> FeatureSet:
    """The feature set of that name with the windows of a profile.

    Parameters
    ----------
    name
        Key of `SETS`.
    profile
        ``full``, or ``short_history`` for data of a few weeks: windows of hourly samples are cut to at most 7 days.
    settings
        Lengths of the long windows; None takes the defaults.

    Raises
    ------
    ConfigurationError
        Unknown set or profile.
    """
    windows = settings or FeatureSettings.model_validate({})
    if name not in SETS:
        raise ConfigurationError(f"feature set: expected one of {sorted(SETS)}, got {name!r}")
    if profile == "full":
        rank_days, regime_days = windows.rank_window_days, windows.regime_window_days
    elif profile == "short_history":
        rank_days = regime_days = windows.short_window_days
    else:
        raise ConfigurationError(f"feature profile: expected 'full' or 'short_history', got {profile!r}")
    features, kernel = SETS[name].features, SETS[name].kernel
    hours = {"rank": rank_days * DAY_HOURS, "regime": regime_days * DAY_HOURS}
    long = {window: hours[window] for f in features if (window := f.long_window)}
    definition = {
        "name": name, "profile": profile, "hours": long, "kernels": kernel.code_version,
        "features": [{**asdict(f), "column": f.name} for f in features],
    }
    return FeatureSet(
        name=name, profile=profile, columns=tuple(f.name for f in features),
        warmup_bars=max(f.warmup_bars for f in features), rank_hours=hours["rank"], regime_hours=hours["regime"],
        set_hash=hash_json(definition), code_version=kernel.code_version, kernel=kernel,
    )
