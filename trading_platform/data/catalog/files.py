"""What is in a catalogue: ``ROOT/<venue>/<instrument>/<YYYY-MM-DD>/<stem>.npy`` with ``<stem>.json`` beside it.

There is no database: a directory is scanned once, and a manifest is read when it is asked for.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson

from ...model.errors import DataError
from ..gaps import own_gaps

DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SCHEMA: Final = "trading-platform/market-data/2"
NO_CERTIFICATE: Final = "none"


@dataclass(frozen=True)
class Facts:
    """What a manifest says about its file. Times in ns; both halves of a row have their own."""

    sha256: str
    rows: int
    local_rows: int
    exch_rows: int
    first_local_ns: int
    last_local_ns: int
    first_exch_ns: int
    last_exch_ns: int
    gap_count: int
    tick_size: Decimal
    lot_size: Decimal
    grid: str  # "given", or "derived" from the data


@dataclass(frozen=True)
class CatalogFile:
    """One event file of a catalogue; ``path`` is the ``.npy``. What its manifest says is read at the first use."""

    path: Path
    venue: str
    instrument: str
    day: str

    @property
    def name(self) -> str:
        """Path below the root."""
        return f"{self.venue}/{self.instrument}/{self.day}/{self.path.name}"

    @property
    def manifest_path(self) -> Path:
        """The manifest beside the file."""
        return self.path.with_suffix(".json")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest as parsed JSON.

        Raises
        ------
        DataError : absent, not readable, no JSON object, or of another schema
        """
        path = self.manifest_path
        try:
            parsed = orjson.loads(path.read_bytes())
        except OSError as error:
            raise DataError(
                f"{path}: must be the manifest of {self.path.name} ({error.strerror}): convert the recording again"
            ) from error
        except orjson.JSONDecodeError as error:
            raise DataError(
                f"{path}: must be a JSON object ({error}): convert the recording again"
            ) from error
        found = parsed.get("schema") if isinstance(parsed, dict) else None
        if found != SCHEMA:
            raise DataError(f"{path}: schema must be {SCHEMA}, was {found}: convert the recording again")
        assert isinstance(parsed, dict)
        return parsed

    @cached_property
    def facts(self) -> Facts:
        """What the manifest says about the file; a DataError names what is missing in it."""
        manifest = self.manifest
        try:
            output, has_gaps = manifest["output"], int(manifest["report"]["gap_count"]) > 0
            counts = {name: int(output[name]) for name in _COUNTS}
            span = counts["first_local_ns"], counts["last_local_ns"]
            return Facts(
                sha256=str(output["sha256"]),
                gap_count=own_gaps(manifest, *span)[0] if has_gaps else 0,
                tick_size=Decimal(manifest["tick_size"]),
                lot_size=Decimal(manifest["lot_size"]),
                grid=str(manifest["grid"]),
                **counts,
            )
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise DataError(
                f"{self.manifest_path}: must be a complete manifest, is wrong at {error}: convert the recording again"
            ) from error

    @cached_property
    def verdict(self) -> str:
        """Verdict of the certificate (clean, warnings, errors), "stale" if it is about other bytes, "none" without one.

        A broken one is a DataError.
        """
        from ..certify.store import UNCERTIFIED, verdict_of

        verdict = str(verdict_of(self.path, self.facts.sha256)["verdict"])
        return NO_CERTIFICATE if verdict == UNCERTIFIED else verdict


_COUNTS: Final = (
    "rows",
    "local_rows",
    "exch_rows",
    "first_local_ns",
    "last_local_ns",
    "first_exch_ns",
    "last_exch_ns",
)


def find_files(root: Path, venue: str = "", instrument: str = "", day: str = "") -> list[CatalogFile]:
    """Return the event files of a catalogue in the order of their paths: all, or those of what is named.

    Raises
    ------
    DataError : the root is no directory
    """
    if not root.is_dir():
        raise DataError(
            f"{root.absolute()}: must be the directory of a catalogue, was "
            f"{'a file' if root.exists() else 'absent'}: convert recordings into it, or name it with --root"
        )
    return [
        CatalogFile(Path(entry.path), venue_name, instrument_name, day_name)
        for venue_name in _folders(root, venue)
        for instrument_name in _folders(root / venue_name, instrument)
        for day_name in _folders(root / venue_name / instrument_name, day)
        if DAY.fullmatch(day_name)
        for entry in _sorted_entries(root / venue_name / instrument_name / day_name)
        if entry.name.endswith(".npy") and not entry.name.startswith(".")
    ]


def require_files(root: Path, venue: str, instrument: str, day: str = "") -> list[CatalogFile]:
    """Return the files of an instrument, or of one day of it; a DataError lists what there is if there are none."""
    found = find_files(root, venue, instrument, day)
    if found:
        return found
    known = [file for file in find_files(root) if (file.venue, file.instrument) == (venue, instrument)]
    if known:
        days = describe_days([file.day for file in known])
        raise DataError(f"{venue}/{instrument} must have a file of {day}, has {days} in {root.absolute()}")
    names = dict.fromkeys(f"{file.venue}/{file.instrument}" for file in find_files(root))
    raise DataError(
        f"{venue}/{instrument} must be in the catalogue {root.absolute()}, there is: "
        f"{', '.join(list(names)[:20]) or 'nothing'}{' ...' if len(names) > 20 else ''}"
    )


def describe_days(days: list[str]) -> str:
    """Return days as text, runs of consecutive days as first to last."""
    from datetime import date, timedelta

    known = [date.fromisoformat(day) for day in sorted(set(days))]
    runs: list[list[date]] = []
    for day in known:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(texts if len(texts) <= 10 else [*texts[:5], "...", *texts[-4:]])


def _folders(parent: Path, wanted: str) -> Iterator[str]:
    """Yield the names of the directories in one, sorted: the wanted one, or all that are not hidden."""
    if wanted:
        if (parent / wanted).is_dir():
            yield wanted
        return
    for entry in _sorted_entries(parent):
        if not entry.name.startswith(".") and entry.is_dir():
            yield entry.name


def _sorted_entries(parent: Path) -> list[os.DirEntry[str]]:
    with os.scandir(parent) as entries:
        return sorted(entries, key=lambda entry: entry.name)
