"""Structured logs: one JSON object a line on stderr, secrets redacted, wire time in UTC."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEY = re.compile(r"(secret|password|passwd|token|api_?key|signature|dsn)", re.IGNORECASE)
_DSN_PASSWORD = re.compile(r"(://[^:/@\s]+:)[^@\s]+@")


def _redact(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _DSN_PASSWORD.sub(r"\1***@", value)
    return event


def configure_logs(level: str = "INFO", *, human: bool = False) -> None:
    """Set up logging once per process. `human` renders for a terminal instead of JSON."""
    renderer: Any = structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # Whatever stderr is when a line is written: one that was replaced and closed must not take a session with it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A structlog logger with the component's name bound."""
    return structlog.get_logger(component=name)
