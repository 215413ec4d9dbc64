"""Data by range: what we received in [start, end), and the book that it starts from.

The rule of the border: a file is cut in front of the first row that we received (LOCAL) at the time of the border or
later. So the rows of [a, b) and of [b, c) are together the rows of [a, c), each once, and no file is copied: a range is
a view of each file. Halves of rows on the venue's side (EXCH) stay where they stand in the file: those in front of the
cut are in the venue's book at the start, those behind it happen in the range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...config.times import days_of, time_text
from ...model.errors import DataError
from ..events import EXCH_FLAG, KIND_MASK, LOCAL_FLAG, TRADE, EventArray, IntArray
from ..files import file_sha256, load_events
from ..snapshot import BookInput, Grid, Progress, StartBook, has_full_snapshot, start_book
from .files import CatalogFile, describe_days, require_files

_PROBE_ROWS: Final = 1 << 12


@dataclass(frozen=True)
class DayRows:
    """Rows [first_row, end_row) of one file of the catalogue, mapped."""

    file: CatalogFile
    first_row: int
    end_row: int
    rows: EventArray

    def record(self, use: str) -> dict[str, Any]:
        """Return file, SHA-256, rows of the file, and which of them are used as what, for the run record."""
        output = self.file.output
        return {
            "path": str(self.file.path),
            "sha256": output.sha256,
            "rows": output.rows,
            "use": use,
            "first_row": self.first_row,
            "end_row": self.end_row,
        }


@dataclass(frozen=True)
class RangeData:
    """What a run over a range replays.

    Attributes
    ----------
    days : the rows of the range, file by file in the order of time
    history : the rows that the book at the start is built from; empty if the range needs none
    book : both books at the start, None if the range needs none
    """

    days: tuple[DayRows, ...]
    history: tuple[DayRows, ...]
    book: StartBook | None

    def arrays(self) -> list[tuple[str, EventArray]]:
        """Return the rows for the engine, each with a name for messages.

        Views of the files, after the rows that correct the venue's book at the start, if there are any.
        """
        parts = [(f"{day.file.path} from row {day.first_row}", day.rows) for day in self.days]
        if self.book is not None and len(self.book.corrections):
            parts.insert(0, ("the venue's book at the start", self.book.corrections))
        return _joined(parts)

    def record(self) -> list[dict[str, Any]]:
        """Return the files with their SHA-256, what was used of them, and the book at the start, for the run record."""
        found = [part.record("book") for part in self.history] + [day.record("replay") for day in self.days]
        if self.book is not None:
            found[len(self.history)]["start_book"] = {
                "levels": self.book.levels,
                "corrections": len(self.book.corrections),
                "rows_sha256": self.book.sha256,
            }
        return found


def read_range(
    root: Path,
    venue: str,
    instrument: str,
    start_ns: int,
    end_ns: int,
    *,
    grid: tuple[Decimal, Decimal] | None = None,
    progress: Progress | None = None,
) -> RangeData:
    """Return the rows that we received in [start_ns, end_ns), and the book before them.

    Parameters
    ----------
    root, venue, instrument : folders of the catalogue
    start_ns, end_ns : [ns] on our clock, half-open
    grid : tick and lot of the run, None to take those of the manifests
    progress : called with rows done and rows in all while a book is built

    Raises
    ------
    DataError : nothing of the instrument, missing days, no rows in the range, files that overlap in time, a file whose
        bytes are not those of its manifest, a grid that does not fit; each says what there is
    """
    if start_ns >= end_ns:
        raise DataError(f"end must be after start {time_text(start_ns)}, was {time_text(end_ns)}")
    files = _in_order(require_files(root, venue, instrument))
    _require_days(files, start_ns, end_ns)
    days = list(_cut_days(files, start_ns, end_ns))
    if not days:
        raise DataError(
            f"{venue}/{instrument} must have rows received from {time_text(start_ns)} to {time_text(end_ns)}, "
            f"has none: it has {_describe_times(files)}"
        )
    history = tuple(_history(files, days[0]))
    _require_disjoint((*history, *days))
    steps = _steps_of([part.file for part in (*history, *days)], grid)
    for file in {day.file for day in days} - {part.file for part in history}:
        _require_bytes(file)
    book = _book_of(history, steps, progress) if history else None
    return RangeData(tuple(days), history, book)


def read_book(
    root: Path,
    venue: str,
    instrument: str,
    at_ns: int,
    *,
    grid: tuple[Decimal, Decimal] | None = None,
    progress: Progress | None = None,
) -> StartBook:
    """Return the books from what we received before ``at_ns``: those that a range which starts then begins with.

    Raises
    ------
    DataError : see `read_range`; nothing on that day before ``at_ns``
    """
    files = _in_order(require_files(root, venue, instrument))
    _require_days(files, at_ns - 1, at_ns)
    before = [file for file in files if file.output.first_local_ns < at_ns]
    if not before:
        raise DataError(
            f"{venue}/{instrument} must have rows received before {time_text(at_ns)}, has {_describe_times(files)}"
        )
    rows = load_events(before[-1].path)
    cut = cut_row(rows, at_ns)
    history = tuple(_history(files, DayRows(before[-1], cut, len(rows), rows[cut:])))
    _require_disjoint(history)
    return _book_of(history, _steps_of([part.file for part in history], grid), progress)


def _book_of(
    history: Sequence[DayRows], steps: tuple[Decimal, Decimal], progress: Progress | None
) -> StartBook:
    for part in history:
        _require_bytes(part.file)
    inputs = [
        BookInput(part.file.path, part.file.output.sha256, part.first_row, part.end_row) for part in history
    ]
    return start_book(inputs, Grid.of(*steps), progress)


def _in_order(files: Sequence[CatalogFile]) -> list[CatalogFile]:
    return sorted(files, key=lambda file: (file.output.first_local_ns, file.output.last_local_ns))


def _require_disjoint(parts: Sequence[DayRows]) -> None:
    """Refuse two files that overlap in time among those that are used; others of the catalogue do no harm."""
    used = dict.fromkeys(part.file for part in parts)  # one may be in front of the range and in it
    for earlier, later in pairwise(used):
        if later.output.first_local_ns < earlier.output.last_local_ns:
            raise DataError(
                f"{later.path}: must start when {earlier.name} ends ({time_text(earlier.output.last_local_ns)}) or "
                f"later, starts at {time_text(later.output.first_local_ns)}: keep one of the two in the catalogue"
            )


def _require_days(files: Sequence[CatalogFile], start_ns: int, end_ns: int) -> None:
    there = {file.day for file in files}
    missing = [day for day in days_of(start_ns, end_ns) if day not in there]
    if missing:
        name = f"{files[0].venue}/{files[0].instrument}"
        raise DataError(
            f"{name} must have data of each day from {time_text(start_ns)} to {time_text(end_ns)}, has none of "
            f"{describe_days(missing)} (there is {describe_days(sorted(there))}): add it, or choose another range"
        )


def _describe_times(files: Sequence[CatalogFile]) -> str:
    texts = [
        f"{time_text(file.output.first_local_ns)} to {time_text(file.output.last_local_ns)}" for file in files
    ]
    return ", ".join(texts if len(texts) <= 6 else [*texts[:3], "...", *texts[-2:]])


def _cut_days(files: Sequence[CatalogFile], start_ns: int, end_ns: int) -> Iterator[DayRows]:
    for file in files:
        if file.output.last_local_ns < start_ns or file.output.first_local_ns >= end_ns:
            continue
        rows = load_events(file.path)
        first, end = cut_row(rows, start_ns), cut_row(rows, end_ns)
        if first < end:
            yield DayRows(file, first, end, rows[first:end])


def cut_row(rows: EventArray, at_ns: int) -> int:
    """Return the row in front of which a file is cut at a time: the first LOCAL row received then or later.

    0 if that is the first LOCAL row of all, so that a file which starts after the border is taken whole; the number of
    rows if there is none. Looks at a few rows only: local_ts never falls over LOCAL rows.
    """
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        found = _next_local(rows, middle)
        if found == len(rows) or rows["local_ts"][found] >= at_ns:
            high = middle
        else:
            low = found + 1
    cut = _next_local(rows, low)
    return 0 if low == 0 and cut < len(rows) else cut


def _next_local(rows: EventArray, start: int) -> int:
    """Return the first LOCAL row at ``start`` or behind, or the number of rows."""
    for first in range(start, len(rows), _PROBE_ROWS):
        found = np.flatnonzero(rows["ev"][first : first + _PROBE_ROWS] & np.uint64(LOCAL_FLAG))
        if len(found):
            return first + int(found[0])
    return len(rows)


def _history(files: Sequence[CatalogFile], first: DayRows) -> list[DayRows]:
    """Return the rows in front of a range that its book is built from, in the order of time.

    They reach back to the start of the last file with a full snapshot: such a file stands by itself. Without one they
    reach back as far as days follow each other. A range that starts with a file's own snapshot needs none.
    """
    found: list[DayRows] = []
    if first.first_row:
        rows = load_events(first.file.path)[: first.first_row]
        found.append(DayRows(first.file, 0, first.first_row, rows))
        if has_full_snapshot(rows, len(rows)):
            return found
    elif _begins_with_snapshot(first.rows):
        return found
    after = first.file
    for file in reversed(files[: files.index(first.file)]):
        if date.fromisoformat(after.day) - date.fromisoformat(file.day) > timedelta(days=1):
            break
        rows = load_events(file.path)
        found.insert(0, DayRows(file, 0, len(rows), rows))
        if has_full_snapshot(rows, len(rows)):
            break
        after = file
    return found


def _begins_with_snapshot(rows: EventArray) -> bool:
    """Tell whether the first depth that we receive loads both sides anew."""
    for start in range(0, len(rows), _PROBE_ROWS):
        chunk = rows[start : start + _PROBE_ROWS]
        event = chunk["ev"]
        depth = np.flatnonzero(((event & LOCAL_FLAG) != 0) & ((event & KIND_MASK) != TRADE))
        if len(depth):
            until = np.searchsorted(chunk["local_ts"][depth], chunk["local_ts"][depth[0]], side="right")
            return has_full_snapshot(rows, start + int(depth[until - 1]) + 1)
    return False


def _steps_of(
    files: Sequence[CatalogFile], wanted: tuple[Decimal, Decimal] | None
) -> tuple[Decimal, Decimal]:
    """Return tick and lot for all files: the run's, which must fit each manifest, or that of the manifests.

    A step that was given to the converter must be the run's. One that was derived from the data is a guess: a run may
    know better, and each of its rows is checked against its grid.
    """
    first = files[0].manifest
    steps = wanted or (first.tick_size, first.lot_size)
    for file in files:
        manifest = file.manifest
        for label, found, step in zip(
            ("tick_size", "lot_size"), (manifest.tick_size, manifest.lot_size), steps, strict=True
        ):
            if found != step and (wanted is None or manifest.grid == "given"):
                whose = "engine.instrument" if wanted is not None else files[0].name
                raise DataError(
                    f"{label} must be {found} as in the manifest of {file.name} ({manifest.grid}), was {step} "
                    f"({whose}): correct it, or choose a range with one grid"
                )
    return steps


def _require_bytes(file: CatalogFile) -> None:
    """Refuse a file that is not the one its manifest was written for."""
    actual = file_sha256(file.path)
    if actual != file.output.sha256:
        raise DataError(
            f"{file.path}: sha256 must be {file.output.sha256} as in its manifest, was {actual}: it changed "
            "since; `trading-platform data verify` checks the whole catalogue"
        )


def _joined(parts: Sequence[tuple[str, EventArray]]) -> list[tuple[str, EventArray]]:
    """Return named arrays of which each has rows for both sides; rows move over where one has not.

    The engine refuses an array without a row for one of its sides. Only the few rows at a seam are copied.
    """
    out: list[tuple[str, EventArray]] = []
    for name, part in parts:
        rows = part
        if out and not _serves_both(out[-1][1]):
            whole = _rows_of_both(part)
            count = whole[0] + 1 if len(whole) else len(part)
            out[-1] = (f"{out[-1][0]} and {name}", np.concatenate([out[-1][1], part[:count]]))
            rows = part[count:]
        if len(rows):
            out.append((name, rows))
    if len(out) > 1 and not _serves_both(out[-1][1]):
        (name, body), (last_name, last) = out[-2:]
        whole = _rows_of_both(body)
        keep = int(whole[-1]) if len(whole) > 1 else 0
        seam = (f"{name} and {last_name}", np.concatenate([body[keep:], last]))
        out[-2:] = [(name, body[:keep]), seam] if keep else [seam]
    return out


def _rows_of_both(rows: EventArray) -> IntArray:
    both = np.uint64(EXCH_FLAG | LOCAL_FLAG)
    return np.flatnonzero((rows["ev"] & both) == both)


def _serves_both(rows: EventArray) -> bool:
    seen = 0
    for start in range(0, len(rows), _PROBE_ROWS):
        seen |= int(np.bitwise_or.reduce(rows["ev"][start : start + _PROBE_ROWS]))
        if seen & EXCH_FLAG and seen & LOCAL_FLAG:
            return True
    return False
