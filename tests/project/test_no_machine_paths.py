"""The project runs anywhere: no file names a directory of the machine it was written on."""

import re
from typing import Final

from .paths import REPOSITORY, project_files

# the pattern does not match itself
MACHINE: Final = re.compile(rb"(?<![\w.\-/])/(work|farm|tmp|root|Users)/\w")


def test_no_file_names_a_directory_of_a_machine() -> None:
    found = []
    for path in project_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue  # binary
        for match in MACHINE.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(REPOSITORY)}:{line}: {match.group().decode()}")
    assert found == []


def test_the_pattern_finds_absolute_paths_only() -> None:
    slash = b"/"
    assert MACHINE.search(b'open("' + slash + b'tmp/x")')
    assert not MACHINE.search(
        b"docs" + slash + b"work/plan.md and ../tmp/x and https://host" + slash + b"work/x"
    )
