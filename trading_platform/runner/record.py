"""The run directory: ``events.bin`` while the run goes on, ``run.json`` when it is over, however it ended.

A directory without ``run.json`` is unfinished: its process was killed. Nothing that exists is ever overwritten.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from .. import __version__
from .._sources import source_closure
from ..model.errors import EventLogError
from .clock import utc_now
from .schema import RunRecord

RUN_FILE: Final = "run.json"
LOG_FILE: Final = "events.bin"
SUMMARY_FILE: Final = "summary.json"
FORMAT: Final = 1
LIBRARIES: Final = ("hftbacktest", "numpy", "numba", "llvmlite", "pydantic", "polars")


def new_run_directory(parent: Path, config_id: str, run_id: str | None) -> Path:
    """Create and return ``parent/run_id``, or ``parent/<config id>-<UTC time>[-n]`` if no id is given.

    Raises
    ------
    EventLogError : the named directory exists, or the parent cannot be written
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
                f"{parent / name}: cannot create the run directory: {error.strerror}"
            ) from error
        return parent / name
    raise EventLogError(
        f"{parent / names[0]}: must not exist: a run is never overwritten; choose another output.run_id"
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON under another name first: half a file is never found under the right one."""
    part = path.with_suffix(path.suffix + ".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_run(directory: Path, record: dict[str, Any]) -> None:
    """Write ``run.json``; a record that breaks its own schema is an EventLogError, written all the same."""
    write_json(directory / RUN_FILE, record)
    try:
        RunRecord.model_validate(record)
    except ValidationError as error:
        raise EventLogError(f"{directory / RUN_FILE}: breaks its schema: {error}") from error


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


def provenance() -> dict[str, Any]:
    """Return what besides config and data decides a result: versions, libm and CPU level; and the source state."""
    return {
        "versions": {"trading_platform": __version__, "python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES},
        "platform": {
            "machine": platform.machine(),
            "system": platform.system(),
            "libm": " ".join(platform.libc_ver()),
            "cpu": _cpu(),
        },
        "git": _git(),
    }


def strategy_source(class_path: str) -> dict[str, Any]:
    """Return the files that define a strategy and one SHA-256 over them."""
    module = sys.modules[class_path.partition(":")[0]]
    files = source_closure(Path(module.__file__ or ""))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return {"class_path": class_path, "files": [file.name for file in files], "sha256": digest.hexdigest()}


def _cpu() -> dict[str, str]:
    """Return the name of the CPU model and what LLVM compiles for."""
    from llvmlite import binding  # only when a record is written

    compiled_for = os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name()
    return {"name": compiled_for, "model": _cpu_model()}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: the name that LLVM tells must do
    return platform.processor()


def _git() -> dict[str, Any] | None:
    """Return commit and dirtiness of the working directory's repository, None outside one."""
    try:
        commit = _run_git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_run_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _run_git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=True)  # noqa: S607
    return done.stdout.strip()
