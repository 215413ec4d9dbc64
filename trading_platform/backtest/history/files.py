"""What makes a directory a run, and what is said when a run that was named will not do."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ...model.errors import TradingPlatformError
from ...record.names import CONFIG_FILE, LOG_FILE, RUN_FILE

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


def start_ns(run: Path) -> int | None:
    """Return when a run began [ns] by its files: when the config was written. None if all of them are gone.

    A run without a config, as older versions left it, has the time of its log, else of its record.
    """
    for name in (CONFIG_FILE, LOG_FILE, RUN_FILE):
        with suppress(OSError):  # the run is being removed, or never had this file
            return (run / name).stat().st_mtime_ns
    return None


def file_sizes(run: Path, *, follow_links: bool) -> dict[str, int]:
    """Return the sizes of a run's files by name [bytes]. Files that vanish while they are looked at are left out.

    Parameters
    ----------
    run : a directory
    follow_links : the size of what a symbolic link leads to, else of the link

    Raises
    ------
    RunsError : the directory is gone
    """
    sizes = {}
    try:
        for name in sorted(os.listdir(run)):  # noqa: PTH208 (names are what is wanted)
            with suppress(FileNotFoundError):
                found = os.stat(run / name, follow_symlinks=follow_links)  # noqa: PTH116
                if not stat.S_ISDIR(found.st_mode):
                    sizes[name] = found.st_size
    except FileNotFoundError as error:
        raise gone(run) from error
    return sizes


def gone(run: Path) -> RunsError:
    """Return the error for a run that was there a moment ago."""
    return RunsError(f"{run}: must be a run directory, was removed meanwhile")


def encodable(text: str) -> str:
    """Return a text with its lone surrogates written out by number: they have no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def is_encodable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8. Arguments in another encoding cannot."""
    return encodable(text) == text


@contextmanager
def locked(directory: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a directory. It leaves no file behind and ends with the process that holds it.

    Raises
    ------
    FileNotFoundError : there is no such directory, or no longer once the lock was had
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        if not os.path.samestat(os.fstat(descriptor), directory.stat()):  # removed, and made again by another
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(directory))
        yield
    finally:
        os.close(descriptor)
