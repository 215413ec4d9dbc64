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
        found += _of_modules(path.stem for path in sorted(directory.glob("*.py")) if has_strategy(path))
    return found


def has_strategy(path: Path) -> bool:
    """Tell whether a source file defines a strategy: a class with a base named ...Strategy, or a decorated function."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return "strategies" in path.read_text(
            encoding="utf-8", errors="replace"
        )  # importing it tells the error
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(_name(base).endswith("Strategy") for base in node.bases):
            return True
        if isinstance(node, ast.FunctionDef) and any(
            _name(decorator) == "compiled_strategy" for decorator in node.decorator_list
        ):
            return True
    return False


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
        except Exception as error:  # noqa: BLE001 (whatever a user's module does: it is told, the others are listed)
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
