"""The log: structured lines on standard error, for people on a terminal or as JSON. The event log is another thing.

What is worth a line happens a few times a run: it starts, its data is checked, trading halts, it ends. Orders and fills
are in the event log, never here.
"""

import logging
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class LogSettings:
    """How lines look. ``level`` is debug, info, warning or error."""

    level: str = "warning"
    as_json: bool = False
    colors: bool = False


class RunLog:
    """The log of one process; its lines name the run. structlog is loaded by the first line that is written: 0.1 s."""

    def __init__(self, settings: LogSettings, run_id: str) -> None:
        self._settings, self._run_id = settings, run_id
        self._level = logging.getLevelNamesMapping()[settings.level.upper()]

    def info(self, event: str, **facts: Any) -> None:
        """Write a line that tells what goes on."""
        if self._level <= logging.INFO:
            self._logger.info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Write a line about something to look at."""
        if self._level <= logging.WARNING:
            self._logger.warning(event, **facts)

    @cached_property
    def _logger(self) -> Any:
        import structlog

        renderer: Any = (
            structlog.processors.JSONRenderer()
            if self._settings.as_json
            else structlog.dev.ConsoleRenderer(colors=self._settings.colors, pad_event_to=0)
        )
        processors = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ]
        return structlog.wrap_logger(structlog.WriteLogger(sys.stderr), processors=processors).bind(
            run=self._run_id
        )
