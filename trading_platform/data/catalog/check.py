"""Does a file still say what its manifest says."""

from collections.abc import Iterator
from typing import NamedTuple

from ...model.errors import DataError
from ..files import load_events
from ..manifest import output_of
from .files import CatalogFile


class Finding(NamedTuple):
    """One difference between a file and its manifest."""

    file: str  # below the root
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} must be {self.expected}, was {self.found}"


def check_file(file: CatalogFile) -> list[Finding]:
    """Return each difference between an event file and its manifest: place, SHA-256, rows, times.

    A file or manifest that cannot be read is a finding too.
    """
    found: list[Finding] = []
    try:
        found.extend(_differences(file))
    except DataError as error:
        found.append(Finding(file.name, "the file", "whole, with its manifest", str(error)))
    return found


def _differences(file: CatalogFile) -> Iterator[Finding]:
    manifest, output = file.manifest, file.output
    for name, expected, found in (
        ("venue", file.venue, manifest.venue),
        ("instrument", file.instrument, manifest.instrument),
        ("day", file.day, manifest.day.isoformat()),
        ("file", file.path.name, output.file),
    ):
        if found != expected:
            yield Finding(file.name, name, str(expected), str(found))
    actual = vars(output_of(file.path, load_events(file.path)))
    for name, expected in vars(output).items():
        if name != "file" and actual[name] != expected:
            yield Finding(file.name, name, str(expected), str(actual[name]))
