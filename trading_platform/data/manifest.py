"""The manifest of an event file: what it holds, where it came from, what was found on the way.

``<stem>.json`` stands beside ``<stem>.npy``. It names no folder and no time of day: same input, same bytes.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import orjson

from ..model.errors import DataError
from .events import EXCH_FLAG, LOCAL_FLAG, EventArray
from .files import file_sha256, write_atomically

MANIFEST_SCHEMA: Final = "trading-platform/market-data/2"
SUFFIX: Final = ".json"
GRIDS: Final = ("given", "derived")
UNKNOWN: Final = "unknown"  # venue and instrument of a file that was made from one without a manifest
_SHA256_DIGITS: Final = 64
_PIECE_ROWS: Final = 1 << 20
_SIDES: Final = (("local", "local_ts", LOCAL_FLAG), ("exch", "exch_ts", EXCH_FLAG))


@dataclass(frozen=True)
class Stream:
    """How the stream was converted, the same for all its files."""

    converter: str
    converter_version: int
    latency_min_ns: int  # before the correction, over the whole stream; negative: our clock was behind
    base_latency_ns: int  # the least feed latency after the correction
    clock_shift_ns: int  # added to every receipt time
    files: tuple[str, ...]  # names of all inputs


@dataclass(frozen=True)
class SourceFile:
    """One input file."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Output:
    """The event file. Times are on the corrected clock; 0 where there is no row of that side."""

    file: str
    sha256: str
    rows: int
    local_rows: int
    exch_rows: int
    first_local_ns: int
    last_local_ns: int
    first_exch_ns: int
    last_exch_ns: int


class RowCounts:
    """Counts rows, piece by piece: all, those of each side, and the first and last time of each side."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts = {f"{side}_rows": 0 for side, _, _ in _SIDES}
        self._times = {f"{end}_{side}_ns": 0 for side, _, _ in _SIDES for end in ("first", "last")}

    def add(self, rows: EventArray) -> None:
        """Count the next rows."""
        self._rows += len(rows)
        for side, name, flag in _SIDES:
            seen = np.flatnonzero(rows["ev"] & np.uint64(flag))
            if not len(seen):
                continue
            if not self._counts[f"{side}_rows"]:
                self._times[f"first_{side}_ns"] = int(rows[name][seen[0]])
            self._counts[f"{side}_rows"] += len(seen)
            self._times[f"last_{side}_ns"] = int(rows[name][seen[-1]])

    def told(self) -> dict[str, int]:
        """Return rows, rows of each side, and the first and last time of each side [ns], 0 where there is none."""
        return {"rows": self._rows, **self._counts, **self._times}


def output_of(path: Path, rows: EventArray) -> Output:
    """Return what a manifest says about an event file with these rows."""
    counts = RowCounts()
    for start in range(0, len(rows), _PIECE_ROWS):
        counts.add(rows[start : start + _PIECE_ROWS])
    return Output(path.name, file_sha256(path), **counts.told())


@dataclass(frozen=True)
class Manifest:
    """Everything known about one event file of the catalogue.

    ``report`` holds what was found in the input (lines, messages, ignored, gap_count, gaps, ...), whole even if the
    input was cut at midnight; ``merged`` names further inputs whose rows are in this file; ``fixes`` and ``clip`` are
    told by what made this file from another one.
    """

    venue: str
    instrument: str
    day: date  # UTC day of the receipt times
    tick_size: Decimal  # [quote]
    lot_size: Decimal  # [base, or contracts]
    grid: Literal["given", "derived"]
    stream: Stream
    source: SourceFile
    output: Output
    report: Mapping[str, Any]
    merged: tuple[SourceFile, ...] = ()
    fixes: tuple[Mapping[str, Any], ...] = ()
    clip: Mapping[str, Any] | None = field(default=None)

    @property
    def gaps(self) -> tuple[Mapping[str, Any], ...]:
        """The holes in the chain of the venue's sequence ids that are listed with a time within this file."""
        first_ns, last_ns = self.output.first_local_ns, self.output.last_local_ns
        return tuple(gap for gap in self._listed_gaps if first_ns <= gap.get("local_ns", 0) <= last_ns)

    @property
    def gap_count(self) -> int:
        """How many holes this file has.

        The report is about the whole input, which may have been cut at midnight. If it does not list all holes, or a
        repair moved the times, each file counts all of them: none must be lost.
        """
        count, listed = int(self.report.get("gap_count", 0)), self._listed_gaps
        is_exact = len(listed) == count and all("local_ns" in gap for gap in listed) and not self.fixes
        return len(self.gaps) if is_exact else count

    @property
    def _listed_gaps(self) -> Sequence[Mapping[str, Any]]:
        listed: Sequence[Mapping[str, Any]] = self.report.get("gaps", ())
        return listed

    def to_bytes(self) -> bytes:
        """Return the manifest as JSON with sorted keys; absent parts (merged, clip) are left out."""
        facts: dict[str, Any] = {"schema": MANIFEST_SCHEMA} | asdict(self)
        facts["day"] = self.day.isoformat()
        facts["tick_size"], facts["lot_size"] = f"{self.tick_size:f}", f"{self.lot_size:f}"
        for name in ("merged", "clip"):
            if not facts[name]:
                del facts[name]
        return orjson.dumps(
            facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        )


def manifest_path(data_file: str | os.PathLike[str]) -> Path:
    """Return where the manifest of an event file is."""
    return Path(data_file).with_suffix(SUFFIX)


def write_manifest(path: str | os.PathLike[str], manifest: Manifest, *, overwrite: bool = False) -> None:
    """Write a manifest whole or not at all; another one is kept unless ``overwrite`` (DataError)."""
    write_atomically(Path(path), lambda file: file.write(manifest.to_bytes()), overwrite=overwrite)


def manifest_of(data_file: str | os.PathLike[str]) -> Manifest | None:
    """Return the manifest beside an event file, None without one; errors are those of read_manifest."""
    path = manifest_path(data_file)
    return read_manifest(path) if path.is_file() else None


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Return the manifest in a file.

    Raises
    ------
    DataError : missing, no JSON, of another schema, or a key that is missing, unknown or of a wrong kind; names it
    """
    path = Path(path)
    try:
        facts = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{path}: must be a readable manifest ({error.strerror}): convert the recording again"
        ) from error
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: must be a manifest in JSON ({error}): convert the data again") from error
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if schema != MANIFEST_SCHEMA:
        raise DataError(
            f"{path}: schema must be {MANIFEST_SCHEMA!r}, was {schema!r}: convert the recording again"
        )
    return _Reading(path).manifest(facts)


class _Reading:
    """Reads the parts of a manifest; every error names the file and the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def manifest(self, facts: dict[str, Any]) -> Manifest:
        facts = {"merged": [], "clip": None} | facts
        self._keys("", facts, {"schema", *(item.name for item in fields(Manifest))})
        stream = self._part("stream", facts["stream"], Stream)
        files = self._list("stream.files", stream["files"])
        return Manifest(
            venue=self._text("venue", facts["venue"]),
            instrument=self._text("instrument", facts["instrument"]),
            day=self._day(facts["day"]),
            tick_size=self._step("tick_size", facts["tick_size"]),
            lot_size=self._step("lot_size", facts["lot_size"]),
            grid=self._grid(facts["grid"]),
            stream=Stream(**(stream | {"files": tuple(self._text("stream.files", name) for name in files)})),
            source=self._source("source", facts["source"]),
            output=self._output(facts["output"]),
            report=self._object("report", facts["report"]),
            merged=tuple(self._source("merged", item) for item in self._list("merged", facts["merged"])),
            fixes=tuple(self._object("fixes", item) for item in self._list("fixes", facts["fixes"])),
            clip=None if facts["clip"] is None else self._object("clip", facts["clip"]),
        )

    def _error(self, key: str, rule: str, value: object) -> DataError:
        return DataError(
            f"{self._path}: {key} must be {rule}, was {value!r}: convert the recording again, or restore the manifest"
        )

    def _keys(self, place: str, facts: dict[str, Any], names: set[str]) -> None:
        missing, unknown = sorted(names - facts.keys()), sorted(facts.keys() - names)
        if missing or unknown:
            where = f"keys of {place}" if place else "keys"
            raise self._error(
                where, f"{', '.join(sorted(names))}", {"missing": missing} | {"unknown": unknown}
            )

    def _object(self, key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(key, "an object", value)
        return value

    def _list(self, key: str, value: object) -> list[Any]:
        if not isinstance(value, list):
            raise self._error(key, "a list", value)
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self._error(key, "a text", value)
        return value

    def _step(self, key: str, value: object) -> Decimal:
        try:
            step = Decimal(self._text(key, value))
        except InvalidOperation as error:
            raise self._error(key, "a decimal > 0", value) from error
        if not step.is_finite() or step <= 0:
            raise self._error(key, "a decimal > 0", value)
        return step

    def _day(self, value: object) -> date:
        try:
            return date.fromisoformat(self._text("day", value))
        except ValueError as error:
            raise self._error("day", "a day like 2024-08-08", value) from error

    def _grid(self, value: object) -> Literal["given", "derived"]:
        if value not in GRIDS:
            raise self._error("grid", " or ".join(GRIDS), value)
        return "given" if value == "given" else "derived"

    def _part(self, place: str, value: object, kind: type) -> dict[str, Any]:
        facts = self._object(place, value)
        kinds = {item.name: item.type for item in fields(kind)}
        self._keys(place, facts, set(kinds))
        for name, wanted in kinds.items():
            if wanted is int and (not isinstance(facts[name], int) or isinstance(facts[name], bool)):
                raise self._error(f"{place}.{name}", "an integer", facts[name])
            if wanted is str:
                self._text(f"{place}.{name}", facts[name])
        return facts

    def _source(self, place: str, value: object) -> SourceFile:
        facts = self._part(place, value, SourceFile)
        self._sha256(f"{place}.sha256", facts["sha256"])
        return SourceFile(**facts)

    def _output(self, value: object) -> Output:
        facts = self._part("output", value, Output)
        self._sha256("output.sha256", facts["sha256"])
        for name in ("rows", "local_rows", "exch_rows"):
            if facts[name] < 0:
                raise self._error(f"output.{name}", ">= 0", facts[name])
        return Output(**facts)

    def _sha256(self, key: str, value: str) -> None:
        if len(value) != _SHA256_DIGITS or not set(value) <= set("0123456789abcdef"):
            raise self._error(key, f"{_SHA256_DIGITS} hexadecimal digits", value)
