"""_jit decides what is compiled and where it is cached; a second caller of numba would go around its cache."""

import ast
from pathlib import Path
from typing import Final

import pytest

from .paths import PACKAGE

COMPILERS: Final = frozenset({"njit", "jit", "cfunc", "vectorize", "guvectorize", "stencil", "jit_module"})
ALLOWED: Final = frozenset({Path("_jit/compiler.py")})


def compilers_used(source: str) -> set[str]:
    """Return numba's compiling functions that a module imports or calls."""
    used: set[str] = set()
    aliases = {"numba"}
    nodes = list(ast.walk(ast.parse(source)))
    for node in nodes:
        if isinstance(node, ast.Import):
            aliases |= {alias.asname for alias in node.names if alias.name == "numba" and alias.asname}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
            used |= {alias.name for alias in node.names} & COMPILERS
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            used |= {node.attr} & COMPILERS
    return used


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_other_module_calls_a_compiler_of_numba(path: Path) -> None:
    expected = {"njit"} if path.relative_to(PACKAGE) in ALLOWED else set()
    assert compilers_used(path.read_text()) == expected


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numba\n@numba.njit\ndef f(): ...", {"njit"}),
        ("import numba as nb\nf = nb.cfunc('i8()')(g)", {"cfunc"}),
        ("from numba import jit as compile\n", {"jit"}),
        ("from numba.extending import intrinsic, overload\n", set()),
        ("from numba import types\nprint(types.int64)", set()),
    ],
)
def test_the_search_finds_every_way_to_write_it(source: str, found: set[str]) -> None:
    assert compilers_used(source) == found
