"""Where a result comes from: versions, sources and the machine."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from .. import __version__
from .._jit.sources import package_files, source_closure, text_of
from .._jit.versions import version_of

LIBRARIES: Final = ("hftbacktest", "numpy", "numba", "llvmlite", "pydantic", "polars")


def provenance() -> dict[str, Any]:
    """Return what besides config and data decides a result: versions, sources, libm and CPU level."""
    return {
        "versions": {"trading_platform": __version__, "python": platform.python_version()}
        | {name: version_of(name) for name in LIBRARIES},
        "source_sha256": _digest_of(package_files(), text_of),
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
    return {
        "class_path": class_path,
        "files": [file.name for file in files],
        "sha256": _digest_of(files, Path.read_bytes),
    }


def _digest_of(files: Sequence[Path], content: Callable[[Path], bytes]) -> str:
    """Return one SHA-256 over names and contents of files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + content(file))
    return digest.hexdigest()


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
