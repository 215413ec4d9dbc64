"""The strategies there are: those that are shipped, and those in the modules of a directory."""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticUndefined

from .. import strategies
from ..config.fields import show
from ..strategies.compiled import CompiledStrategy
from ..strategies.params import StrategyParams
from ..strategies.registry import AnyStrategy, is_strategy

UNITS: Final = {
    "lots": "quantity",
    "ticks": "price distance",
    "ns": "seconds",
}  # as they are written in a config
_SHIPPED_IN: Final = f"{strategies.__name__}."
_NO_STRATEGIES: Final = frozenset({StrategyParams.__name__})  # a base of models, imported by every strategy


def list_strategies(directory: Path | None) -> list[dict[str, Any]]:
    """Return one JSON object a strategy, or a module that could not be imported.

    ``{class_path, form, text, params: [{name, unit, default, text}]}`` or ``{class_path, error}``. A module of the
    directory is imported only if its source has a strategy in it.
    """
    shipped = [
        _SHIPPED_IN + name
        for _, name, _ in pkgutil.iter_modules(strategies.__path__)
        if has_strategy(Path(strategies.__path__[0]) / f"{name}.py")
    ]
    found = _of_modules(shipped)
    if directory is not None:
        sys.path.insert(0, str(directory.resolve()))
        found += _of_modules(_modules_of(directory))
    return found


def _modules_of(directory: Path) -> list[str]:
    """Return the modules with strategies, also with those that are derived from a strategy of another module."""
    files, known = sorted(directory.glob("*.py")), frozenset[str]()
    while True:
        found = frozenset(path.stem for path in files if has_strategy(path, known))
        if found == known:
            return sorted(found)
        known = found


def has_strategy(path: Path, modules: frozenset[str] = frozenset()) -> bool:
    """Tell whether a source file defines a strategy: a decorated function, or a class with a base that is one.

    Such a base is named ...Strategy, or imported from ``trading_platform.strategies`` or from one of ``modules``.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return "strategies" in path.read_text(
            encoding="utf-8", errors="replace"
        )  # importing it tells the error
    imported = _imported(tree, modules)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(
            _name(base).endswith("Strategy") or _root(base) in imported for base in node.bases
        ):
            return True
        if isinstance(node, ast.FunctionDef) and any(
            _name(decorator) == "compiled_strategy" for decorator in node.decorator_list
        ):
            return True
    return False


def _imported(tree: ast.Module, modules: frozenset[str]) -> frozenset[str]:
    """Return the names under which a module imports from ``trading_platform.strategies`` or from ``modules``."""

    def holds(module: str) -> bool:
        return module in modules or f"{module}.".startswith(_SHIPPED_IN)

    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname or one.name.partition(".")[0] for one in node.names if holds(one.name)}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {
                one.asname or one.name
                for one in node.names
                if one.name not in _NO_STRATEGIES
                and (holds(node.module) or holds(f"{node.module}.{one.name}"))
            }
    return frozenset(names)


def _root(node: ast.expr) -> str:
    """Return the first part of a dotted name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _name(node: ast.expr) -> str:
    """Return the last part of a name, also of one that is called."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _of_modules(names: Iterable[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in names:
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a user's module does: the others are listed)
            found.append({"class_path": name, "error": f"{type(error).__name__}: {error}"})
            continue
        found += [
            _described(f"{name}:{key}", value)
            for key, value in vars(module).items()
            if is_strategy(value) and _module_of(value) == name and not key.startswith("_")
        ]
    return found


def _module_of(strategy: AnyStrategy) -> str:
    module: str = strategy.entry.__module__ if isinstance(strategy, CompiledStrategy) else strategy.__module__
    return module


def _described(class_path: str, strategy: AnyStrategy) -> dict[str, Any]:
    compiled = isinstance(strategy, CompiledStrategy)
    text = strategy.doc if isinstance(strategy, CompiledStrategy) else inspect.getdoc(strategy) or ""
    return {
        "class_path": class_path,
        "form": "compiled" if compiled else "interpreted",
        "text": text.strip().partition("\n")[0],
        "params": _params(strategy.Params),
    }


def _params(params: type[StrategyParams]) -> list[dict[str, Any]]:
    units = params.units()
    return [
        {
            "name": name,
            "unit": UNITS.get(units[name]) or ("yes or no" if info.annotation is bool else "whole number"),
            "default": None if info.default is PydanticUndefined else show(info.default),
            "text": info.description or "",
        }
        for name, info in params.model_fields.items()
    ]
