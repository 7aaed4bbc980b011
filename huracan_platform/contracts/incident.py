"""What a person must hear of: an incident with everything needed to act on it, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class IncidentSeverity(StrEnum):
    """INFO is worth knowing, WARNING wants a look today, CRITICAL touches money or the way to it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Incident:
    """One trouble and what is known of it. The same `dedupe_key` is the same trouble while it is open.

    `kind` groups incidents (`check_failed`); `venue` is the source of the data concerned; `sample` are some rows of it; `links`
    are addresses by name, `command` what to type next; times are text in UTC. A field that does not apply stays empty and is not
    told.
    """

    kind: str
    severity: IncidentSeverity
    dedupe_key: str
    title: str
    asset: str = ""
    venue: str = ""
    partition: str = ""
    symbol: str = ""
    rule: str = ""
    observed: str = ""
    expected: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    first_bad: str = ""
    last_bad: str = ""
    sample: tuple[Mapping[str, Any], ...] = ()
    trading_effect: str = ""
    action_taken: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    def details(self) -> dict[str, Any]:
        """Everything but what has a column of its own, as plain values; what is empty is left out."""
        own = ("kind", "severity", "dedupe_key")
        return {name: value for name, value in asdict(self).items() if name not in own and value not in ("", (), {})}


def read_incident(kind: str, severity: str, dedupe_key: str, details: Mapping[str, Any]) -> Incident:
    """An incident from its stored form; what older rows do not have stays empty."""
    fields = dict(details)
    fields["sample"] = tuple(fields.get("sample", ()))
    title = fields.pop("title", kind)
    return Incident(kind, IncidentSeverity(severity), dedupe_key, title, **fields)
