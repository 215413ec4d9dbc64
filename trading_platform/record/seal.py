"""Checksums of a run directory: ``run.json`` names the SHA-256 of the files beside it, and ends with its own."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from ..model.errors import EventLogError
from .names import LOG_FILE, NOTES_FILE, RUN_FILE

UNSEALED: Final = frozenset({RUN_FILE, LOG_FILE, NOTES_FILE})  # the log has its digest, notes are the user's
_SEAL: Final = ',\n  "record_sha256": "'  # no string of JSON can hold it: a line break in one is written \n


def file_digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that a run has written, by name; not of log, record and notes."""
    files = (path for path in sorted(directory.iterdir()) if path.is_file() and path.suffix != ".part")
    return {path.name: _sha256(path) for path in files if path.name not in UNSEALED}


def sealed(record: dict[str, Any]) -> str:
    """Return the text of ``run.json``: the record, and as its last field the SHA-256 of the text before that field."""
    return _with_seal(json.dumps(record, indent=2, ensure_ascii=False).removesuffix("\n}"))


def _with_seal(text: str) -> str:
    return f'{text}{_SEAL}{hashlib.sha256(text.encode()).hexdigest()}"\n}}\n'


def check_files(run: Path) -> None:
    """Compare ``run.json`` and the files it names with what was written. ``verify_log`` does so for the log.

    Raises
    ------
    EventLogError : names the first file that is missing or was changed
    """
    path = run / RUN_FILE
    text = path.read_bytes().decode("utf-8")
    before, seal, _ = text.rpartition(_SEAL)
    if not seal:
        raise EventLogError(
            f"{path}: must end with its own checksum (record_sha256), has none: it was changed since the run, or an "
            "older version wrote it; run its config again: `trading-platform run --config`"
        )
    if text != _with_seal(before):
        raise EventLogError(
            f"{path}: must be as the run wrote it, was changed: its record_sha256 does not fit its content"
        )
    for name, wanted in json.loads(text)["files"].items():
        if not (run / name).is_file():
            raise EventLogError(f"{run / name}: must be the file that the run wrote, is absent")
        found = _sha256(run / name)
        if found != wanted:
            raise EventLogError(f"{run / name}: sha256 must be {wanted}, was {found}: changed since the run")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
