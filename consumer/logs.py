"""Logs: JSON lines on standard output, ours and the libraries' through one pipe, no event content ever."""

from __future__ import annotations

import logging
import sys
import time

import structlog

SAMPLE_SECONDS = (
    30.0  # a library says the same thing at most this often; during an outage they say it ten times a second
)


class Sampled(logging.Filter):
    """Lets one record per logger and message template pass in a while, and counts what it kept back."""

    def __init__(self, seconds: float = SAMPLE_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is said."""
        if record.levelno < logging.WARNING or record.name.partition(".")[0] == "consumer":
            return True
        key = (record.name, str(record.msg)[:80])
        now = time.monotonic()
        last, kept_back = self._said.get(key, (-self._seconds, 0))
        if now - last < self._seconds:
            self._said[key] = (last, kept_back + 1)
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[key] = (now, 0)
        if kept_back:
            record.kept_back = kept_back
        return True


def configure(level: str) -> None:
    """Set up logging for this process."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.stdlib.ExtraAdder(["kept_back"]),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(Sampled())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "gremlinpython", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
