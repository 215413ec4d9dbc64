"""One statement of the supported Python versions, repeated where tools want it."""

import re
import tomllib
from typing import Final

from packaging.specifiers import SpecifierSet

from .paths import REPOSITORY

SUPPORTED: Final = SpecifierSet(
    tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["requires-python"]
)


def supported_minors() -> set[int]:
    """Return the minor versions of Python 3 that pyproject.toml allows."""
    return {minor for minor in range(30) if SUPPORTED.contains(f"3.{minor}.0")}


def test_setup_takes_exactly_the_supported_interpreters() -> None:
    script = (REPOSITORY / "scripts" / "setup.sh").read_text()
    (bounds,) = re.findall(r"\(3, (\d+)\) <= sys\.version_info\[:2\] <= \(3, (\d+)\)", script)
    assert set(range(int(bounds[0]), int(bounds[1]) + 1)) == supported_minors()
    assert {int(minor) for minor in re.findall(r"python3\.(\d+)", script)} == supported_minors()


def test_the_image_is_a_supported_python() -> None:
    dockerfile = (REPOSITORY / ".devcontainer" / "Dockerfile").read_text()
    (version,) = re.findall(r"^FROM python:(\S+?)-", dockerfile, re.MULTILINE)
    assert SUPPORTED.contains(f"{version}.0")
