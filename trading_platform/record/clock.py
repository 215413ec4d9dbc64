"""The only module that reads a clock. Nothing it returns reaches the core or the event log."""

import time
from datetime import UTC, datetime


def monotonic_seconds() -> float:
    """Return seconds of a clock that never goes back, for durations."""
    return time.perf_counter()


def utc_now_iso() -> str:
    """Return the time of day as ISO 8601 with microseconds, for records."""
    return utc_now().isoformat(timespec="microseconds")


def utc_now() -> datetime:
    """Return the time of day, for names and records of runs."""
    return datetime.now(UTC)
