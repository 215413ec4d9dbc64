"""docs/engine.md and the tests of this package name each other, and both name the installed engine."""

import ast
import re
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "engine.md"
PREFIX = f"test_hftbacktest_{version('hftbacktest').replace('.', '_')}_"


def names_of_tests() -> list[str]:
    """Return the names of all tests of this package but these."""
    return [
        node.name
        for path in sorted(HERE.glob("test_*.py"))
        if path != Path(__file__)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def rows_with_tests() -> list[tuple[str, list[str]]]:
    """Return (first cell, tests in the last cell) of every row of a table whose last column is headed ``tests``."""
    found, wanted = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            wanted = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-1] == "tests":
            wanted = True
        elif wanted and not cells[0].startswith("---"):
            found.append((cells[0], [PREFIX + name for name in re.findall(r"`(\w+)`", cells[-1])]))
    return found


def test_every_test_here_names_the_installed_version() -> None:
    assert [name for name in names_of_tests() if not name.startswith(PREFIX)] == []
    assert f"`{PREFIX}`" in PAGE.read_text(encoding="utf-8")


def test_every_row_of_the_page_names_a_test_that_exists() -> None:
    rows, known = rows_with_tests(), set(names_of_tests())

    assert len(rows) > 50
    assert [row for row, tests in rows if not tests] == []
    assert [name for _, tests in rows for name in tests if name not in known] == []


def test_every_test_here_is_named_on_the_page_once() -> None:
    named = [name for _, tests in rows_with_tests() for name in tests]

    assert sorted(named) == sorted(names_of_tests())
