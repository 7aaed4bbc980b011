"""An incident in Slack's Block Kit: https://docs.slack.dev/reference/block-kit/blocks"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huracan_platform.brain.operations.outbox import Message
from huracan_platform.contracts.incident import Incident, IncidentSeverity

MARKS = {
    IncidentSeverity.INFO: ":information_source:", IncidentSeverity.WARNING: ":warning:",
    IncidentSeverity.CRITICAL: ":rotating_light:",
}
OVER = ":white_check_mark:"
# Slack's own bounds.
HEADER_MOST, TEXT_MOST, FIELDS_MOST = 150, 3_000, 10
SAMPLE_ROWS = 5
NAMED_OF_STORM = 10


def headline(messages: Sequence[Message]) -> str:
    """One line that says it all: what a phone shows."""
    first = messages[0].incident
    if len(messages) > 1:
        return f"{len(messages)} × {first.kind}: {first.title}, and {len(messages) - 1} more"
    if messages[0].kind == "resolved":
        return f"Resolved: {first.title}"
    return f"{first.severity.value.upper()}: {first.title}"


def blocks(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The message as blocks."""
    if len(messages) > 1:
        return _storm(messages)
    message = messages[0]
    return _recovery(message) if message.kind == "resolved" else _opening(message)


def _opening(message: Message) -> list[dict[str, Any]]:
    incident = message.incident
    found = [_header(f"{MARKS[incident.severity]} {incident.title}")]
    fields = [_mrkdwn(f"*{name}*\n{value}") for name, value in _facts(incident) if value]
    if fields:
        found.append({"type": "section", "fields": fields[:FIELDS_MOST]})
    if incident.sample:
        found.append(_section(f"*Sample*\n```{_table(incident)}```"))
    last = (("Effect on trading", incident.trading_effect), ("Done so far", incident.action_taken), ("Next", incident.command))
    for name, value in last:
        if value:
            found.append(_section(f"*{name}*: {_escaped(value)}"))
    if incident.links:
        found.append(_section(" · ".join(f"<{url}|{_escaped(name)}>" for name, url in incident.links.items())))
    told = f"{incident.kind} · {message.at:%Y-%m-%d %H:%M:%S} UTC · `{incident.dedupe_key}`"
    return [*found, {"type": "context", "elements": [_mrkdwn(told)]}]


def _facts(incident: Incident) -> list[tuple[str, str]]:
    bad = f"{incident.first_bad} – {incident.last_bad}" if incident.first_bad else ""
    counts = ", ".join(f"{value:,} {name}" for name, value in incident.counts.items())
    symbol = f"{incident.symbol} at {incident.venue}" if incident.venue else incident.symbol
    facts = [
        ("Severity", incident.severity.value), ("Asset", incident.asset), ("Partition", incident.partition),
        ("Symbol", symbol), ("Rule", incident.rule), ("Observed", incident.observed), ("Expected", incident.expected),
        ("Counts", counts), ("Bad rows", bad),
    ]
    return [(name, _escaped(value)) for name, value in facts]


def _recovery(message: Message) -> list[dict[str, Any]]:
    seen = f", seen {message.occurrences} times" if message.occurrences > 1 else ""
    return [
        _section(f"{OVER} *Resolved*: {_escaped(message.incident.title)}{seen}"),
        {"type": "context", "elements": [_mrkdwn(f"{message.at:%Y-%m-%d %H:%M:%S} UTC · `{message.incident.dedupe_key}`")]},
    ]


def _storm(messages: Sequence[Message]) -> list[dict[str, Any]]:
    worst = max((m.incident.severity for m in messages), key=list(IncidentSeverity).index)
    lines = [f"• {_escaped(m.incident.title)}" for m in messages[:NAMED_OF_STORM]]
    if len(messages) > NAMED_OF_STORM:
        lines.append(f"… and {len(messages) - NAMED_OF_STORM} more: `huracan incidents`")
    return [_header(f"{MARKS[worst]} {len(messages)} × {messages[0].incident.kind}"), _section("\n".join(lines))]


def _table(incident: Incident) -> str:
    columns = list(incident.sample[0])
    rows = [columns, *([str(row.get(c, "")) for c in columns] for row in incident.sample[:SAMPLE_ROWS])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    return _escaped("\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text[:HEADER_MOST], "emoji": True}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text[:TEXT_MOST]}
