"""Appends checked blocks to ``events.bin``. What was appended survives the death of the process."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ..model.errors import EventLogError
from ..model.records import EVENT_BYTES
from .digest import LogDigest, LogSummary
from .header import HEADER, HEADER_BYTES
from .schema import EventArray, check_block


class EventLogWriter:
    """The one writer of a new log.

    Every block is checked, written with one unbuffered call and then added to the digest. When the disk is
    full, the file is cut back to whole records, the digest covers exactly those, and no more can be appended.

    Parameters
    ----------
    path : must not exist

    Raises
    ------
    EventLogError : the file exists or cannot be created
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digest = LogDigest()
        self._last_seq = 0
        self._last_now_ns = 0
        self._closed_because = ""
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise EventLogError(
                f"{path}: must not exist: a log is never overwritten; name another run directory"
            ) from None
        except OSError as error:
            raise EventLogError(f"{path}: cannot create the log: {error.strerror}") from error
        failure = _write(self._file, memoryview(HEADER))
        if failure is not None:
            os.close(self._file)
            path.unlink()  # nothing but a part of a header
            raise EventLogError(
                f"{path}: cannot write the header of the log: {failure[0].strerror}: free space and run again"
            ) from failure[0]

    @property
    def last_seq(self) -> int:
        """Seq of the last record in the file, 0 before the first."""
        return self._last_seq

    @property
    def events(self) -> int:
        """Number of records in the file."""
        return self._digest.events

    def append(self, block: EventArray) -> None:
        """Check and append records: EVENT, one-dimensional, C-contiguous, following what was appended before.

        Raises
        ------
        EventLogError : a record breaks a rule (nothing is written), the disk refused, or the log is closed
        """
        if self._closed_because:
            raise EventLogError(f"{self.path}: cannot append: {self._closed_because}")
        check_block(block, self._last_seq, self._last_now_ns)
        if not len(block):
            return
        failure = _write(self._file, block.view("u1").data)
        if failure is None:
            self._account(block)
            return
        error, written = failure
        whole = written // EVENT_BYTES
        self._account(block[:whole])
        self._closed_because = f"the disk refused after seq={self._last_seq}: {error.strerror}"
        os.ftruncate(self._file, HEADER_BYTES + self.events * EVENT_BYTES)
        raise EventLogError(
            f"{self.path}: {self._closed_because} ({whole} of {len(block)} records of the block were kept, "
            f"the log is readable to there): free space on the disk and run again"
        ) from error

    def _account(self, block: EventArray) -> None:
        self._digest.update(block)
        if len(block):
            self._last_seq, self._last_now_ns = int(block["seq"][-1]), int(block["now_ns"][-1])

    def sync(self) -> None:
        """Make what was appended survive a power failure too (fsync); EventLogError if that fails."""
        if self._file < 0:
            raise EventLogError(f"{self.path}: cannot sync: {self._closed_because}")
        try:
            os.fsync(self._file)
        except OSError as error:
            raise EventLogError(f"{self.path}: cannot sync the log: {error.strerror}") from error

    def summary(self) -> LogSummary:
        """Return count, digest and checkpoints of what is in the file."""
        return self._digest.summary()

    def close(self) -> LogSummary:
        """Close the file and return count, digest and checkpoints. A second call returns the same."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._closed_because = self._closed_because or "the log is closed"
        return self.summary()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _write(file: int, data: memoryview) -> tuple[OSError, int] | None:
    """Write all of ``data``; on failure return the error and the number of bytes that reached the file."""
    done = 0
    while done < len(data):  # one turn, unless the disk fills up within the block
        try:
            done += os.write(file, data[done:])
        except OSError as error:
            return error, done
    return None
