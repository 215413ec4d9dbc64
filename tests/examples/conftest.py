"""Runs of the ladder, shared by all tests of this directory."""

import pytest

from .ladder import Runs


@pytest.fixture(scope="package")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("ladder"))
