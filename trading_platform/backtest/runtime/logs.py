"""The log: structured lines on standard error, for people on a terminal or as JSON. The event log is another thing.

What is worth a line happens a few times a run: it starts, its data is checked, trading halts, it ends. Orders and fills
are in the event log, never here.
"""

import logging
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LogSettings:
    """How lines look. ``level`` is debug, info, warning or error."""

    level: str = "warning"
    as_json: bool = False
    colors: bool = False


def configure(settings: LogSettings) -> None:
    """Set up logging of this process."""
    import structlog  # here: the command line makes settings for every --help

    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.as_json
        else structlog.dev.ConsoleRenderer(colors=settings.colors, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def for_run(run_id: str) -> Any:
    """Return a logger whose lines name the run."""
    import structlog

    return structlog.get_logger().bind(run=run_id)
