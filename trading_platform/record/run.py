"""The run directory: ``events.bin`` while the run goes on, ``run.json`` when it is over, however it ended.

A directory without ``run.json`` is unfinished: its process was killed. Nothing that exists is ever overwritten.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ..model.errors import ConfigError, EventLogError
from .clock import utc_now
from .names import RUN_FILE
from .schema import RunRecord
from .seal import file_digests, sealed

FORMAT: Final = 1


def new_run_directory(parent: Path, config_id: str, run_id: str | None) -> Path:
    """Create and return ``parent/run_id``, or ``parent/<config id>-<UTC time>[-n]`` if no id is given.

    Raises
    ------
    ConfigError : the named directory exists
    EventLogError : the parent cannot be written
    """
    stamp = utc_now().strftime("%Y%m%dT%H%M%SZ")
    names = (
        [run_id]
        if run_id
        else [f"{config_id}-{stamp}", *(f"{config_id}-{stamp}-{n}" for n in range(2, 1000))]
    )
    for name in names:
        try:
            (parent / name).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise EventLogError(
                f"{parent / name}: cannot create the run directory: {error.strerror}: "
                "output.directory must be one that can be written"
            ) from error
        return parent / name
    raise ConfigError(
        f"{parent / names[0]}: must not exist: a run is never overwritten; choose another output.run_id,"
        " or leave it out to have one made"
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON under another name first: half a file is never found under the right one."""
    _write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    part = path.with_suffix(path.suffix + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            part.unlink(missing_ok=True)
        raise


def write_run(directory: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write ``run.json`` with the checksums of what the run has written, and return its content.

    Raises
    ------
    EventLogError : the record breaks its own schema; it is written all the same
    """
    fields = {name: value for name, value in record.items() if name != "record_sha256"}
    text = sealed(fields | {"files": file_digests(directory)})
    _write_text(directory / RUN_FILE, text)
    written: dict[str, Any] = json.loads(text)
    try:
        RunRecord.model_validate(written)
    except ValidationError as error:
        raise EventLogError(f"{directory / RUN_FILE}: breaks its schema: {error}") from error
    return written


def read_run(run: Path) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Raises
    ------
    EventLogError : no such directory, an unfinished run, or a damaged record
    """
    path = run / RUN_FILE
    if not run.is_dir():
        raise EventLogError(f"{run}: must be a run directory, is absent")
    if not path.is_file():
        raise EventLogError(f"{run}: has no {RUN_FILE}: the run is unfinished, or its process was killed")
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        RunRecord.model_validate(record)
    except ValueError as error:  # pydantic's ValidationError is one
        raise EventLogError(f"{path}: must be a run record, is damaged: {error}") from error
    return record
