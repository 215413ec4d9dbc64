"""Compile policy: the only caller of ``numba.njit``, and the only place that decides where compiled code is cached.

numba keys its cache by the file of the function alone: a change in a helper of another module would serve stale
code. Here the directory is named by the hash of everything a kernel can depend on, so a stale entry cannot be found.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast

import numba
import numba.core.config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    _CacheLocator,
    _SourceFileBackedLocatorMixin,
)
from numba.core.errors import TypingError

from ._sources import PACKAGE, is_kernel, kernel_files, source_closure

if not __debug__:
    raise RuntimeError(  # not of model/errors.py: only _sources lies below this module
        "trading_platform must not run under `python -O` or PYTHONOPTIMIZE: its assertions are checks"
    )

F = TypeVar("F", bound=Callable[..., Any])
COMPILED: Final = not numba.core.config.DISABLE_JIT
_LIBRARIES: Final = ("numba", "numpy", "llvmlite", "hftbacktest")


def _flags() -> str:
    config = numba.core.config
    return f"boundscheck={config.BOUNDSCHECK} opt={config.OPT} cpu={config.CPU_NAME}/{config.CPU_FEATURES}"


@functools.cache
def kernel_hash() -> str:
    """Return the hash of all kernel sources, of the versions of what compiles them and of the compile flags."""
    digest = hashlib.sha256()
    for name in (*_LIBRARIES, "python"):
        digest.update(f"{name}={platform.python_version() if name == 'python' else version(name)};".encode())
    digest.update(_flags().encode())
    for file in kernel_files():
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


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
    """Return the cache directory for functions of ``file``."""
    if is_kernel(file):
        return cache_root() / f"kernels-{kernel_hash()[:16]}" / file.parent.relative_to(PACKAGE)
    digest = hashlib.sha256(kernel_hash().encode())
    for source in source_closure(file):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache_root() / f"strategy-{digest.hexdigest()[:16]}"


def is_compiled() -> bool:
    """Tell whether the runner's kernels are in the cache, so that a start takes seconds."""
    return not COMPILED or any(cache_directory(PACKAGE / "runner" / "loop.py").glob("*.nbi"))


class CacheLocator(_SourceFileBackedLocatorMixin, _CacheLocator):
    """Where numba looks for the compiled form of a function: a directory named by the hash of all it depends on."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._directory = cache_directory(Path(py_file).resolve())

    def get_cache_path(self) -> str:
        """Return the directory."""
        return str(self._directory)

    def ensure_cache_path(self) -> None:
        """Create the directory if possible: numba's own test for writing would refuse a warmed read-only cache."""
        with contextlib.suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        """Return a constant: the directory's name already holds the hash of the sources."""
        return "hashed"


class _Files(CompileResultCacheImpl):
    _locator_classes: ClassVar[list[type]] = [CacheLocator]


class KernelCache(FunctionCache):
    """numba's cache with our locator. Counts what had to be compiled; a read-only directory is no error."""

    _impl_class = _Files
    compiled: ClassVar[list[str]] = []  # names of the functions compiled by this process

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store a freshly compiled function."""
        KernelCache.compiled.append(f"{self._py_func.__module__}.{self._py_func.__qualname__}")
        with contextlib.suppress(
            OSError
        ):  # read-only or full: compiled code still runs, the next process compiles again
            super().save_overload(sig, data)


def _templates(function: Callable[..., Any], get_call_template: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel once for all integers: numba would do it anew for every constant it is called with.

    A kernel of the core takes no float: stored in a field of integers it would be cut without a word. Indicators do:
    their records hold floats.
    """
    names = list(inspect.signature(function).parameters)
    module = f"{function.__module__}."
    is_core = module.startswith(f"{__package__}.core.") and not module.startswith(
        f"{__package__}.core.indicators."
    )

    def template(args: Any, kws: Any) -> Any:
        plain = tuple(numba.types.unliteral(kind) for kind in args)
        named = {name: numba.types.unliteral(kind) for name, kind in dict(kws).items()}
        if is_core:
            for name, kind in [*zip(names, plain, strict=False), *named.items()]:
                if isinstance(kind, numba.types.Float):
                    raise TypingError(f"{name} of {function.__name__} must be an integer, was {kind}")
        return get_call_template(plain, named)

    return template


def kernel(function: F) -> F:
    """Compile ``function`` on first use, cached on disk. Under NUMBA_DISABLE_JIT=1 it stays plain Python."""
    own = is_kernel(Path(function.__code__.co_filename).resolve())
    # the core allocates nothing, so there are no references to count; calls between its small functions cost as much as
    # what they do, so they are inlined
    dispatcher = numba.njit(_nrt=not own, forceinline=own)(function)
    if COMPILED:
        dispatcher.get_call_template = _templates(function, dispatcher.get_call_template)
    if COMPILED and Path(function.__code__.co_filename).is_file():
        dispatcher._cache = KernelCache(function)
    return cast(F, dispatcher)


def entry(signature: Any) -> Callable[[F], F]:
    """Compile a function that Python or the runner calls, at once and for one signature, cached on disk."""

    def decorate(function: F) -> F:
        dispatcher: Any = kernel(function)
        if COMPILED:
            dispatcher.compile(signature)
            dispatcher.disable_compile()
        return cast(F, dispatcher)

    return decorate


def type_of(value: Any) -> Any:
    """Return numba's type of a value, for signatures."""
    return numba.typeof(value)


def function_type(signature: Any) -> Any:
    """Return numba's type of any compiled function of one signature: who takes one is compiled once for all."""
    return numba.types.FunctionType(signature)
