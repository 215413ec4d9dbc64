"""What is built is what is imported: schemas and the typing marker travel with the code."""

import shutil
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path
from typing import Final

import pytest

from .paths import PACKAGE, REPOSITORY, project_files

DATA_FILES: Final = sorted(
    str(path.relative_to(REPOSITORY))
    for path in PACKAGE.rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc")
)


def test_schemas_are_reachable_as_resources() -> None:
    folder = resources.files("trading_platform.core") / "schemas"
    assert {entry.name for entry in folder.iterdir() if entry.name.endswith(".json")} == {
        "certificate.schema.json",
        "config.schema.json",
        "events.schema.json",
        "run.schema.json",
    }


@pytest.mark.long
def test_a_wheel_built_from_the_sdist_has_every_file_of_the_package(tmp_path: Path) -> None:
    """Through the sdist: a file that only the checkout has would be missing for whoever builds from a release."""
    source = tmp_path / "source"  # a copy: building writes next to the sources
    for path in project_files():
        target = source / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    build = (
        "import os, sys, setuptools.build_meta as backend; os.chdir(sys.argv[1]); "
        "print(backend.build_sdist(sys.argv[2]))"
    )
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "setuptools>=77"], check=True)
    subprocess.run([str(python), "-c", build, str(source), str(tmp_path)], check=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(sdist)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(REPOSITORY)) for path in PACKAGE.rglob("*.py")}
    assert "trading_platform/py.typed" in DATA_FILES
    assert {*DATA_FILES, *modules} <= names
    assert all(name.startswith(("trading_platform/", "trading_platform-")) for name in names)
