"""Assertions are checks: without them the package must not run."""

import subprocess
import sys

from .paths import REPOSITORY


def test_python_without_assertions_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-c", "import trading_platform.core.step"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "must not run under `python -O`" in done.stderr
