"""requirements.lock is what the scripts install: it covers every declared dependency, inside its declared range."""

import re
import tomllib
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .paths import REPOSITORY

PROJECT: Final = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
INSTALLED: Final = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
LINES: Final = [
    line for line in (REPOSITORY / "requirements.lock").read_text().splitlines() if not line.startswith("#")
]
LOCKED: Final = {
    canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LINES)
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_lock_is_an_exact_version_and_nothing_else(line: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][\w.\-]*==[\w.]+", line)


@pytest.mark.parametrize("declared", INSTALLED)
def test_a_declared_dependency_is_locked_inside_its_range(declared: str) -> None:
    requirement = Requirement(declared)
    assert requirement.specifier.contains(LOCKED[canonicalize_name(requirement.name)])


def test_the_lock_names_nothing_twice() -> None:
    assert len(LOCKED) == len(LINES)
