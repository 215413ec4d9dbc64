"""One workbench per test: a market, configs and strategies in a directory of its own."""

from pathlib import Path

import pytest
from cli.calling import Command
from cli.conftest import tool

from .bench import Bench

__all__ = ["tool"]  # a fixture is found where its name is


@pytest.fixture
def bench(tool: Command, tmp_path: Path) -> Bench:
    """Return a place to run bad input in, through the command line."""
    return Bench(tool, tmp_path)
