"""What is in a catalogue: ``ROOT/<venue>/<instrument>/<YYYY-MM-DD>/<stem>.npy`` with ``<stem>.json`` beside it.

There is no database: a directory is scanned once, and a manifest is read when it is asked for.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from ...model.errors import DataError
from ..certify.verdict import verdict_of
from ..manifest import Manifest, Output, manifest_path, read_manifest

DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
        return manifest_path(self.path)

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest beside the file; see data.manifest.read_manifest for its errors."""
        return read_manifest(self.manifest_path)

    @property
    def output(self) -> Output:
        """What the manifest says about the rows."""
        return self.manifest.output

    @cached_property
    def verdict(self) -> str:
        """Verdict of the certificate: see certify.verdict.verdict_of. It is about the file that the manifest tells."""
        return str(verdict_of(self.path, self.output.sha256)["verdict"])


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
