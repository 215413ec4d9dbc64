"""The scripts refuse what they do not understand, and say what to do."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from .paths import REPOSITORY

SCRIPTS: Final = [*sorted((REPOSITORY / "scripts").glob("*.sh")), REPOSITORY / ".ci" / "run"]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the top of the project."""
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_stops_at_the_first_error(script: Path) -> None:
    """Without it a failed installation would be followed by a green test run of something older."""
    assert re.search(r"^set -euo pipefail$", script.read_text(), re.MULTILINE)
    assert run("bash", "-n", str(script)).returncode == 0


@pytest.mark.parametrize(("name", "right"), [("setup.sh", "dev"), ("check.sh", "--long")])
def test_an_unknown_argument_is_told_with_the_right_one(name: str, right: str) -> None:
    done = run("bash", f"scripts/{name}", "--fast")
    assert done.returncode == 1
    assert f"must be '{right}' or absent, was '--fast'" in done.stderr


def test_setup_without_a_fitting_python_says_what_to_install(tmp_path: Path) -> None:
    """A copy of the script in an empty place: nothing of this checkout may be touched."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    copy = scripts / "setup.sh"
    copy.write_text((REPOSITORY / "scripts" / "setup.sh").read_text())
    done = run("bash", str(copy), PYTHON="no-such-python")
    assert done.returncode == 1
    assert "needs Python 3.11 or 3.12" in done.stderr
    assert "looked for: no-such-python" in done.stderr
    assert "python3.11-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()
