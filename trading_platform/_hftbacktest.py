"""hftbacktest without its ``__init__``, which loads numba and declares its classes to it: half a second each start.

What is used of the package: the extension with the engine, the dtypes and the numbers of an order's words. The modules
are in ``sys.modules`` under their own names, so `import hftbacktest` elsewhere finds the same ones.
"""

import ast
import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Final


def _find(name: str) -> ModuleSpec:
    package = importlib.util.find_spec("hftbacktest")  # of a top-level package: nothing of it is executed
    places = list(package.submodule_search_locations or ()) if package is not None else []
    spec = PathFinder.find_spec(f"hftbacktest.{name}", places)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module hftbacktest.{name} in {places}: install hftbacktest==2.4.4")
    return spec


def _load(name: str) -> ModuleType:
    full_name = f"hftbacktest.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    spec = _find(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full_name]
        raise
    return module


def _numbers(name: str) -> SimpleNamespace:
    """Return the whole numbers that a module defines, read from its source: it imports numba itself."""
    tree = ast.parse(Path(_find(name).origin or "").read_bytes())
    values: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                continue  # an expression: a class, a dtype
            if isinstance(value, int):
                values[node.targets[0].id] = value
    return SimpleNamespace(**values)


EXTENSION: Final = _load("_hftbacktest")
TYPES: Final = _load("types")
ORDER: Final = _numbers("order")
