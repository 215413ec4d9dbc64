"""What makes a directory a run, and what is said when a run that was named will not do."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...model.errors import TradingPlatformError

RUN_FILE: Final = "run.json"  # the same names as in runner.record, which costs 0.2 s to import
LOG_FILE: Final = "events.bin"
CONFIG_FILE: Final = "config.json"  # written first: what a killed run was, and `run --config` runs it again
NOTES_FILE: Final = "notes.json"
INDEX_FILE: Final = "index.sqlite"
UNFINISHED: Final = "unfinished"  # a log and no record: the run goes on, or its process was killed
DAMAGED: Final = "damaged"  # a record that cannot be read
STATUSES: Final = ("done", "failed", "interrupted", UNFINISHED, DAMAGED)


class RunsError(TradingPlatformError):
    """A run, tag, note or condition that was named is not one that can be used."""

    exit_code = 2


class IndexBusyError(TradingPlatformError):
    """Other processes kept the index for too long: nothing is wrong, try again."""

    exit_code = 75


def is_run(directory: Path) -> bool:
    """Tell whether a directory holds a run, finished or not."""
    return (directory / RUN_FILE).is_file() or (directory / LOG_FILE).is_file()


def require_run(directory: Path) -> None:
    """Raise RunsError unless ``directory`` holds a run."""
    if not is_run(directory):
        raise RunsError(f"{directory}: must be a run directory, has neither {RUN_FILE} nor {LOG_FILE}")


@contextmanager
def locked(directory: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a directory. It leaves no file behind and ends with the process that holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
