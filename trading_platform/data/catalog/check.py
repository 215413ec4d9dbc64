"""Does a file still say what its manifest says."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...model.errors import DataError
from ..events import EXCH_FLAG, LOCAL_FLAG
from ..files import file_sha256, load_events
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
    facts, manifest = file.facts, file.manifest
    for name, expected, found in (
        ("venue", file.venue, manifest.get("venue")),
        ("instrument", file.instrument, manifest.get("instrument")),
        ("day", file.day, manifest.get("day")),
        ("file", file.path.name, manifest["output"].get("file")),
        ("sha256", facts.sha256, file_sha256(file.path)),
    ):
        if found != expected:
            yield Finding(file.name, name, str(expected), str(found))
    rows = load_events(file.path)
    local = rows["local_ts"][(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]
    exch = rows["exch_ts"][(rows["ev"] & np.uint64(EXCH_FLAG)) != 0]
    counted = {"rows": len(rows), "local_rows": len(local), "exch_rows": len(exch)}
    for side, times in (("local", local), ("exch", exch)):
        counted[f"first_{side}_ns"] = int(times[0]) if len(times) else 0
        counted[f"last_{side}_ns"] = int(times[-1]) if len(times) else 0
    for name, value in counted.items():
        if value != getattr(facts, name):
            yield Finding(file.name, name, str(getattr(facts, name)), str(value))
