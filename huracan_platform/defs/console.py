"""The run's console log: what assets say, one short line each; events stay in the event log."""

from __future__ import annotations

import logging
import sys

import dagster as dg


@dg.logger({"log_level": dg.Field(str, default_value="INFO", is_required=False)}, description="Short progress lines on stderr")
def progress_logger(init: dg.InitLoggerContext) -> logging.Logger:
    """Lines as `asset  message`; the level is the run's `log_level` configuration."""
    logger = logging.Logger("huracan.run", level=init.logger_config["log_level"].upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Short())
    logger.addHandler(handler)
    return logger


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {}) or {}
        step = meta.get("step_key") or meta.get("op_name") or ""
        message = meta.get("orig_message") or record.getMessage()
        return f"  {step:<16} {message}"
