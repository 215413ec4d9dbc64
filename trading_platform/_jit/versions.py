"""Versions of installed packages by the names of their ``.dist-info`` directories: nothing is read but those names.

importlib.metadata parses the whole metadata of a package for it, as if it were a mail: 2 ms each, at every start.
"""

import contextlib
import functools
import re
import sys
from pathlib import Path
from typing import Final

_DIRECTORY: Final = re.compile(r"(.+?)-([^-]+)\.dist-info")


@functools.cache
def version_of(name: str) -> str:
    """Return the version of an installed package.

    Raises
    ------
    importlib.metadata.PackageNotFoundError : it is not installed
    """
    found = _installed().get(_plain(name))
    if found is None:  # installed as an egg, or by an importer of its own
        from importlib.metadata import version

        return version(name)
    return found


@functools.cache
def _installed() -> dict[str, str]:
    """Return name -> version of what lies on the path; of two the first counts, as for an import."""
    found: dict[str, str] = {}
    for place in sys.path:
        names: list[str] = []
        with contextlib.suppress(
            OSError
        ):  # an archive, or not there, or not ours to read: imports skip it too
            names = sorted(entry.name for entry in Path(place or ".").iterdir())
        for name in names:
            match = _DIRECTORY.fullmatch(name)
            if match is not None:
                found.setdefault(_plain(match[1]), match[2])
    return found


def _plain(name: str) -> str:
    """Return a name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
