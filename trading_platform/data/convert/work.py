"""Where a conversion works until all is done: a folder beside the outputs, locked while its process lives."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from ...model.errors import DataError

PREFIX: Final = ".convert-"
LOCK: Final = "lock"


@contextmanager
def new_directories() -> Iterator[Callable[[Path], None]]:
    """Yield what makes directories; after an error those that were made and are empty are removed again."""
    made: list[Path] = []

    def make(folder: Path) -> None:
        absent = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{folder}: must be a directory that can be made ({error.strerror}): write elsewhere"
            ) from error
        made.extend(reversed(absent))

    try:
        yield make
    except BaseException:
        for folder in reversed(made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


@contextmanager
def work_folder(root: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a folder on the disk of the outputs, so that finished files move there at once.

    Folders that killed conversions left behind are removed first: nobody holds their lock.
    """
    make(root)
    try:
        _remove_abandoned(root)
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=root) as name, _locked(Path(name)):
            yield Path(name)
    except OSError as error:
        raise DataError(
            f"{root}: cannot write there ({error.strerror or error}): free space or write elsewhere; "
            "nothing was changed"
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; the file has its name only when it is locked, or it would seem abandoned."""
    nameless = folder / f"{LOCK}.new"
    with nameless.open("xb") as file:
        _lock(file)
        nameless.rename(folder / LOCK)
        yield


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("rb") as file:
                _lock(file)
                shutil.rmtree(folder)
        except (BlockingIOError, FileNotFoundError, NotADirectoryError):
            continue  # another conversion works there, begins to, or has just ended


def _lock(file: IO[bytes]) -> None:
    """Take the lock of an open file, which ends with its process; BlockingIOError if another one has it."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
