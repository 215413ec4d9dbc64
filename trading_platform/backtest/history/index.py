"""The index of a runs directory: a cache in SQLite. The truth is the directories, and every look compares first.

Runs finish without touching it. It may be deleted at any time; a damaged one, or one of another version, is made anew.
Many processes may look at once: a look is one immediate transaction (compare, bring up to date, select), under a
shared lock of the directory; making the file anew needs the lock alone.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final, TypeVar

from ...model.errors import EventLogError
from ...record.names import LOG_FILE, NOTES_FILE, RUN_FILE
from .files import (
    DAMAGED,
    INDEX_FILE,
    UNFINISHED,
    IndexBusyError,
    RunsError,
    encodable,
    is_encodable,
    is_run,
    locked,
    start_ns,
)
from .notes import read_notes
from .query import METRICS, TEXTS, TIMES, RunsQuery

VERSION: Final = 3  # of the tables below and of what stands in them: change one, raise it
INT64_MAX: Final = 2**63 - 1  # of SQLite, too: times end in 2262
BUSY_SECONDS: Final = 60.0
EVENT_BYTES: Final = 128  # of a record, and of the header of events.bin
_COLUMNS: Final = (*TEXTS, *TIMES, *METRICS)
_CREATE: Final = (
    f"CREATE TABLE runs (run TEXT PRIMARY KEY, stamp TEXT, {', '.join(f'{name} TEXT' for name in TEXTS[1:])}, "
    f"{', '.join(f'{name} INTEGER' for name in TIMES)}, "
    f"{', '.join(f'{name} NUMERIC' for name in METRICS)}) WITHOUT ROWID",
    "CREATE TABLE tags (run TEXT, tag TEXT, PRIMARY KEY (run, tag)) WITHOUT ROWID",
)
_UPSERT: Final = (
    f"INSERT INTO runs (stamp, {', '.join(_COLUMNS)}) VALUES (?{', ?' * len(_COLUMNS)}) "  # noqa: S608 (own names)
    f"ON CONFLICT (run) DO UPDATE SET stamp = excluded.stamp, "
    f"{', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
Warn = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class RunsFound:
    """What a query found.

    Attributes
    ----------
    rows : of each run the columns of query.TEXTS, TIMES ([ns]) and METRICS, and ``tags`` (a list)
    matching : runs that meet the conditions, shown or not
    total : runs in the directory
    """

    rows: list[dict[str, Any]]
    matching: int
    total: int


class _RebuildError(Exception):
    """The file must be made anew. ``why`` is empty if that is nothing to tell: it is new, or of another version."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


class _UnusableError(Exception):
    """The file can be neither used nor made anew."""


def find_runs(directory: Path, query: RunsQuery, warn: Warn) -> RunsFound:
    """Return the runs of a directory that are wanted, after bringing the index up to date.

    Parameters
    ----------
    directory : of runs; without a run in it nothing is written there
    warn : is told of what does not stop the look: a damaged index, notes that cannot be read

    Raises
    ------
    IndexBusyError : another process had the index for a minute
    """
    if not any(is_run(Path(entry.path)) for entry in _entries(directory)):
        return RunsFound([], 0, 0)
    return _with_index(directory, lambda connection: _look(connection, directory, query, warn), warn)


# --- the file


def _with_index(directory: Path, job: Callable[[sqlite3.Connection], T], warn: Warn) -> T:
    """Do a job with the index, made anew if need be; in memory, from all records, if there can be no file."""
    path = directory / INDEX_FILE
    try:
        try:
            with locked(directory, shared=True):
                return _attempt(path, job)
        except _RebuildError:
            pass
        with locked(directory):
            try:
                return _attempt(path, job)  # another process may have made it anew by now
            except _RebuildError as error:
                if error.why:
                    warn(f"{path}: was damaged ({error.why}) and is made anew: it is only an index")
            for suffix in ("-wal", "-shm", ""):  # the journal first: it would be replayed into the new file
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _attempt(path, job, create=True)
    except (_UnusableError, _RebuildError, OSError) as error:
        warn(f"{path}: cannot be used ({error}): all records are read instead")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _create_tables(connection)
        return job(connection)


def _attempt(path: Path, job: Callable[[sqlite3.Connection], T], *, create: bool = False) -> T:
    """Do a job with the file; ``create``: with a new one, on the connection that made it."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            if create:
                connection.execute("PRAGMA journal_mode = WAL")
                _create_tables(connection)
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise _RebuildError
            return job(connection)
    except sqlite3.Error as error:
        raise _judged(error, path) from error


def _judged(error: sqlite3.Error, path: Path) -> Exception:
    """Return what an error of SQLite means for the index. I/O errors come from files deleted while in use, too."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return _RebuildError(str(error))
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return IndexBusyError(f"{path}: other processes had it for {BUSY_SECONDS:g} s: try again")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR | sqlite3.SQLITE_IOERR:
            return _RebuildError(str(error))
        case _:
            return _UnusableError(str(error))


def _create_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _CREATE:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


# --- a look


def _look(connection: sqlite3.Connection, directory: Path, query: RunsQuery, warn: Warn) -> RunsFound:
    """Bring the index up to date and select, in one transaction: the answer is what this process saw."""
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    _synchronize(connection, directory, warn)
    where, values = query.conditions()
    total = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    matching = connection.execute(f"SELECT count(*) FROM runs WHERE {where}", values).fetchone()[0]  # noqa: S608
    limit = query.limit or -1
    selected = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {where} ORDER BY {query.order()} LIMIT ?",  # noqa: S608
        [*values, limit],
    )
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in selected]
    for row in rows:
        tags = connection.execute("SELECT tag FROM tags WHERE run = ? ORDER BY tag", [row["run"]])
        row["tags"] = [tag for (tag,) in tags]
    connection.execute("COMMIT")
    return RunsFound(rows, matching, total)


def _synchronize(connection: sqlite3.Connection, directory: Path, warn: Warn) -> None:
    """Compare the rows with the directories by their files' stamps; read and write what differs."""
    known = dict(connection.execute("SELECT run, stamp FROM runs").fetchall())
    seen = set()
    for entry in _entries(directory):
        stamp = _stamp(entry.path)
        if stamp is None:
            continue
        if not is_encodable(entry.name):
            warn(f"{encodable(entry.path)}: is not listed: the name of a run must be UTF-8, rename it")
            continue
        seen.add(entry.name)
        if known.get(entry.name) != stamp:
            _write_row(connection, Path(entry.path), stamp, warn)
    for run in known.keys() - seen:
        connection.execute("DELETE FROM runs WHERE run = ?", [run])
        connection.execute("DELETE FROM tags WHERE run = ?", [run])


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what may be a run."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_dir():
                    yield entry
    except OSError as error:
        raise RunsError(
            f"{directory}: must be a directory of runs, cannot be read: {error.strerror}"
        ) from error


def _stamp(run: str) -> str | None:
    """Return what changes when a run's files do; None if it is no run. Inodes tell replaced files apart."""
    parts = []
    for name in (RUN_FILE, LOG_FILE):
        found = _stat(f"{run}/{name}")
        if found is not None:
            parts.append(f"{name} {found.st_ino} {found.st_mtime_ns} {found.st_size}")
            break  # the log of a finished run changes no more
    if not parts:
        return None
    notes = _stat(f"{run}/{NOTES_FILE}")
    if notes is not None:
        parts.append(f"{notes.st_ino} {notes.st_mtime_ns} {notes.st_size}")
    return ", ".join(parts)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (twice as fast as a Path, 20,000 times)
    except OSError:
        return None


def _write_row(connection: sqlite3.Connection, run: Path, stamp: str, warn: Warn) -> None:
    row = _row(run)
    kept: str | None = stamp
    tags: tuple[str, ...] = ()
    try:
        notes = read_notes(run)
        tags, row["note"] = notes.tags, notes.note or None
    except EventLogError as error:
        warn(str(error))
        kept = None  # looked at again, and told again, until it is repaired
    connection.execute(_UPSERT, [kept, *(row.get(name) for name in _COLUMNS)])
    connection.execute("DELETE FROM tags WHERE run = ?", [run.name])
    connection.executemany("INSERT INTO tags (run, tag) VALUES (?, ?)", [(run.name, tag) for tag in tags])


# --- one run as a row


def _row(run: Path) -> dict[str, Any]:
    """Return the columns of a run but its notes."""
    from ...record.run import read_run

    began_ns = start_ns(run)
    began_ns = None if began_ns is None else min(began_ns, INT64_MAX)  # some file systems reach beyond
    row: dict[str, Any] = {"run": run.name, "started_ns": began_ns}
    if not (run / RUN_FILE).is_file():
        log = _stat(str(run / LOG_FILE))
        events = max(0, (log.st_size if log is not None else 0) // EVENT_BYTES - 1)
        return row | {"status": UNFINISHED, "events": events}
    try:
        record = read_run(run)
        numbers = {name: _number(record, path) for name, path in METRICS.items()}
        started_ns, finished_ns = (_iso_ns(record, name) for name in ("started", "finished"))
        texts = {
            "status": record["status"],
            "config": _text(record, ("id",)) or _text(record, ("config", "id")),
            "scope": _text(record, ("scope",)),
            "strategy": _text(record, ("config", "strategy", "class_path")),
            "instrument": _text(record, ("config", "engine", "instrument", "name")),
            "currency": _text(record, ("summary", "pnl", "currency")),
            "error": _text(record, ("error",)),
        }
    except (EventLogError, OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        return row | {"status": DAMAGED, "error": encodable(str(error))}
    times = {"started_ns": began_ns if started_ns is None else started_ns, "finished_ns": finished_ns}
    return row | numbers | times | texts


def _at(record: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path, None if the run did not get that far."""
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(record: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    """Return a text at a path, as it can be stored and printed."""
    value = _at(record, path)
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{'.'.join(path)} must be a text, was {value!r}")
    return encodable(value)


def _number(record: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """Return a number at a path. Amounts are exact texts there: what is listed and compared is the nearest float."""
    value = _at(record, path)
    if isinstance(value, list):
        return float(len(value))
    if value is None:
        return None
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{'.'.join(path)} must be a finite number, was {value}")
    return number


def _iso_ns(record: Mapping[str, Any], name: str) -> int | None:
    """Return an ISO 8601 time of a record as [ns]."""
    text = record.get(name)
    if text is None:
        return None
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    if abs(ns) > INT64_MAX:
        raise ValueError(f"{name} must be a time between 1678 and 2262, was {text}")
    return ns
