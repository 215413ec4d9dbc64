"""Opens a log without reading it, and proves that it is the one a run record names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model.errors import EventLogError
from ..model.records import EVENT, EVENT_BYTES
from .digest import CHECKPOINT_EVENTS, LogSummary, digest_events
from .header import HEADER_BYTES, check_header
from .schema import EventArray


@dataclass(frozen=True)
class LogView:
    """A log on disk.

    Attributes
    ----------
    events : EVENT, one-dimensional, read-only, mapped from the file
    torn_bytes : bytes after the last whole record: > 0 if the process died while it wrote
    """

    events: EventArray
    torn_bytes: int


def open_log(path: Path) -> LogView:
    """Map all whole records of a log.

    Raises
    ------
    EventLogError : no such file, or its header is not one that this version reads
    """
    try:
        with path.open("rb") as file:
            check_header(file.read(HEADER_BYTES), path)
        data_bytes = path.stat().st_size - HEADER_BYTES
    except OSError as error:
        raise EventLogError(f"{path}: cannot read the log: {error.strerror}") from error
    count, torn_bytes = divmod(data_bytes, EVENT_BYTES)
    if not count:  # an empty file cannot be mapped
        events: EventArray = np.empty(0, EVENT)
        events.flags.writeable = False
        return LogView(events, torn_bytes)
    mapped = np.memmap(path, EVENT, "r", HEADER_BYTES, (count,))
    return LogView(np.asarray(mapped), torn_bytes)


def verify_log(path: Path, digest: str, checkpoints: Sequence[str]) -> LogSummary:
    """Recompute the digest of a log and compare it with the recorded one.

    Parameters
    ----------
    path : ``events.bin``
    digest, checkpoints : as in the run record (see LogSummary)

    Raises
    ------
    EventLogError : names the range of seq in which the first difference lies, or the torn tail
    """
    view = open_log(path)
    found = digest_events(view.events)
    for index, (recorded, computed) in enumerate(zip(checkpoints, found.checkpoints, strict=False)):
        if recorded != computed:
            raise EventLogError(
                f"{path}: digest must be {recorded} at checkpoint {index + 1}, was {computed}: the first "
                f"record that differs is in seq {_range_text(view.events, index)}; "
                "compare it with another copy: `trading-platform diff`"
            )
    same = min(len(checkpoints), len(found.checkpoints))
    if len(checkpoints) != len(found.checkpoints):
        raise EventLogError(
            f"{path}: log must have {len(checkpoints)} checkpoints of {CHECKPOINT_EVENTS} records, was "
            f"{len(found.checkpoints)} ({found.events} records): it agrees to seq {same * CHECKPOINT_EVENTS}"
        )
    if found.digest != digest:
        raise EventLogError(
            f"{path}: digest must be {digest}, was {found.digest}: the first record that differs is in seq "
            f"{_range_text(view.events, same)}, or records are missing at the end ({found.events} are there)"
        )
    if view.torn_bytes:
        raise EventLogError(
            f"{path}: must end with a whole record, was followed by {view.torn_bytes} bytes: "
            "something wrote to a finished log; its records are unchanged"
        )
    return found


def _range_text(events: EventArray, checkpoint: int) -> str:
    first = checkpoint * CHECKPOINT_EVENTS
    last = min(first + CHECKPOINT_EVENTS, len(events))
    return f"{first + 1} to {last}"
