"""Which source files a module is made of: for cache keys and for the record of a run. Imports nothing heavy."""

import ast
import functools
import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parents[1]
KERNEL_LAYERS: Final = ("_jit", "model", "core", "venues", "runner")


def is_kernel(path: Path) -> bool:
    """Tell whether a file belongs to the kernel layers of this package, which are hashed together."""
    return PACKAGE in path.parents and path.relative_to(PACKAGE).parts[0] in KERNEL_LAYERS


def kernel_files() -> list[Path]:
    """Return all source files of the kernel layers, in a fixed order."""
    return [file for file in package_files() if is_kernel(file)]


@functools.cache
def package_files() -> tuple[Path, ...]:
    """Return all source files of this package, in a fixed order."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@functools.cache
def text_of(file: Path) -> bytes:
    """Return the content of a source file of this package as it was when it was first asked for."""
    return file.read_bytes()


def source_closure(file: Path) -> list[Path]:
    """Return ``file`` and every module it imports, directly or not, that is neither installed nor standard library.

    Modules of this package are left out unless ``file`` is one of them: their hash covers them all.
    """
    seen: dict[Path, None] = {}
    queue = [file.resolve()]
    home = _home(queue[0])
    while queue:
        path = queue.pop(0)
        if path in seen or not path.is_file() or not (path.is_relative_to(home) or _is_local(path)):
            continue
        seen[path] = None
        queue.extend(_imported_files(path))
    return sorted(seen)


def own_files(file: Path) -> list[Path]:
    """Return a strategy's module and the user's modules it imports: what its author can change."""
    own = file.resolve()
    return [own, *(one for one in source_closure(own) if one != own and PACKAGE not in one.parents)]


def _home(file: Path) -> Path:
    """Return the top package a file belongs to, or the file itself: its own sources count even when installed."""
    home = file
    while (home.parent / "__init__.py").is_file():
        home = home.parent
    return file if home == PACKAGE else home


def _is_local(path: Path) -> bool:
    return PACKAGE not in path.parents and not any(root in path.parents for root in _outside())


@functools.cache
def _outside() -> tuple[Path, ...]:
    """Return where installed packages and the standard library lie."""
    return tuple(
        Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib", "platstdlib")
    )


def _imported_files(path: Path) -> list[Path]:
    files = []
    for name in _imported_names(path):
        module = sys.modules.get(name)
        origin = getattr(module, "__file__", None)
        if origin is None and module is None:
            try:
                spec = importlib.util.find_spec(name)
            except (ImportError, ValueError, AttributeError):
                continue  # `from package import function`: the function is no module
            origin = spec.origin if spec is not None else None
        if origin is not None and origin.endswith(".py"):
            files.append(Path(origin).resolve())
    return files


def _imported_names(path: Path) -> tuple[str, ...]:
    return _names_in(path, path.read_bytes())


@functools.cache
def _names_in(path: Path, source: bytes) -> tuple[str, ...]:
    names: list[str] = []
    package = _package_of(path)
    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".") if package else []
                parts = parts[: len(parts) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            names.append(base)
            names.extend(f"{base}.{alias.name}" for alias in node.names)
    return tuple(name for name in names if name)


def _package_of(path: Path) -> str:
    parts: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
