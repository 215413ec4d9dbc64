"""Versions are read from the names of directories: they must be those that the metadata tells."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from trading_platform._jit import versions
from trading_platform._jit.versions import version_of
from trading_platform.record.provenance import LIBRARIES


@pytest.mark.parametrize("name", [*LIBRARIES, "prometheus-client", "prometheus_client", "Typer"])
def test_version_is_that_of_the_metadata(name: str) -> None:
    assert version_of(name) == importlib.metadata.version(name)


def test_package_that_is_not_installed_is_told() -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="not-installed-anywhere"):
        version_of("not-installed-anywhere")


def test_of_two_installations_the_first_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, version in (("a", "2.0.1"), ("b", "1.0")):
        (tmp_path / place / f"My_Tool-{version}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(
        sys, "path", [str(tmp_path / "a"), str(tmp_path / "absent"), str(tmp_path / "b"), *sys.path]
    )
    versions._installed.cache_clear()
    try:
        assert version_of("my.tool") == "2.0.1"
    finally:
        versions._installed.cache_clear()
        version_of.cache_clear()
