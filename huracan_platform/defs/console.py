"""What assets say while they run: one short line each on the console; events stay in the event log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import dagster as dg

TELL_EVERY_S = 5.0


@dg.logger({"log_level": dg.Field(str, default_value="INFO", is_required=False)}, description="Short progress lines on stderr")
def progress_logger(init: dg.InitLoggerContext) -> logging.Logger:
    """Lines as `asset  message`; the level is the run's `log_level` configuration."""
    logger = logging.Logger("huracan.run", level=init.logger_config["log_level"].upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Short())
    logger.addHandler(handler)
    return logger


def progress_of(context: dg.AssetExecutionContext, unit: str) -> Callable[[int, int], None]:
    """Takes (done, total) in units of a word, and tells every few seconds how far the run is."""
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told >= TELL_EVERY_S:
            told = time.monotonic()
            context.log.info(f"{done} of {total} {unit}")

    return progress


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {}) or {}
        step = meta.get("step_key") or meta.get("op_name") or ""
        message = meta.get("orig_message") or record.getMessage()
        return f"  {step:<16} {message}"
