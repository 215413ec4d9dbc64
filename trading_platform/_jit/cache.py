"""Where compiled code is kept: a directory named by the hash of all it depends on, so a stale entry cannot be found.

numba keys its cache by the file of the function alone: a change in a helper of another module would serve stale code.
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .sources import PACKAGE, is_kernel, kernel_files, package_files, source_closure, text_of
from .versions import version_of

UNUSED_DAYS: Final = 30
SECONDS_PER_DAY: Final = 86_400
_OURS: Final = re.compile(r"(kernels|package|strategy)-[0-9a-f]{16}")
_LIBRARIES: Final = ("numba", "numpy", "llvmlite", "hftbacktest")
_FLAGS: Final = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DEBUGINFO")


@functools.cache
def kernel_hash() -> str:
    """Return the hash of all kernel sources, of what compiles them, of the compile flags and the processor."""
    import llvmlite.binding as llvm

    digest = hashlib.sha256()
    for name in _LIBRARIES:
        digest.update(f"{name}={version_of(name)};".encode())
    digest.update(f"python={platform.python_version()};".encode())
    for name in _FLAGS:
        digest.update(f"{name}={os.environ.get(name, '')};".encode())
    digest.update(f"cpu={llvm.get_host_cpu_name()}{llvm.get_host_cpu_features().flatten()};".encode())
    _add_files(digest, kernel_files())
    return digest.hexdigest()


@functools.cache
def _package_hash() -> str:
    digest = hashlib.sha256(kernel_hash().encode())
    _add_files(digest, package_files())
    return digest.hexdigest()


def _add_files(digest: "hashlib._Hash", files: Sequence[Path]) -> None:
    for file in files:
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + text_of(file))


@functools.cache
def cache_root() -> Path:
    """Return the directory above all caches: TRADING_PLATFORM_CACHE, else the user's cache, else a temporary one."""
    named = os.environ.get("TRADING_PLATFORM_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    candidates = [Path(named)] if named else [home / "trading_platform"]
    for root in candidates:
        try:
            root.mkdir(parents=True, exist_ok=True)
            return root
        except OSError:
            continue
    return Path(tempfile.gettempdir()) / f"trading_platform-{os.getuid()}"


def cache_directory(file: Path) -> Path:
    """Return the cache directory for functions of ``file``: a kernel's, another module's of this package, or a user's.

    A user's module may depend on anything in this package and on every module it imports.
    """
    if is_kernel(file):
        return cache_root() / f"kernels-{kernel_hash()[:16]}" / file.parent.relative_to(PACKAGE)
    if PACKAGE in file.parents:
        return cache_root() / f"package-{_package_hash()[:16]}" / file.parent.relative_to(PACKAGE)
    digest = hashlib.sha256(_package_hash().encode())
    for source in source_closure(file):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache_root() / f"strategy-{digest.hexdigest()[:16]}"


def mark_used(file: Path, now_seconds: float) -> None:
    """Note once a day that a file of the cache is in use, so that its directory is not taken for an old one."""
    directory = cache_root() / file.relative_to(cache_root()).parts[0]
    with contextlib.suppress(OSError):  # a read-only cache keeps what it has
        if now_seconds - directory.stat().st_mtime > SECONDS_PER_DAY and os.access(directory, os.W_OK):
            os.utime(directory, (now_seconds, now_seconds))


def remove_unused(now_seconds: float) -> list[Path]:
    """Remove and return the directories that nothing used for UNUSED_DAYS: of old sources, versions and processors."""
    removed = []
    for directory in cache_root().iterdir():
        with contextlib.suppress(OSError):  # another process was first, or it is read-only
            age_days = (now_seconds - directory.stat().st_mtime) / SECONDS_PER_DAY
            if _OURS.fullmatch(directory.name) and age_days > UNUSED_DAYS:
                shutil.rmtree(directory)
                removed.append(directory)
    return removed


def is_compiled() -> bool:
    """Tell whether the runner's kernels are in the cache, so that a start takes a second."""
    return any(cache_directory(PACKAGE / "runner" / "loop.py").glob("*.o"))
