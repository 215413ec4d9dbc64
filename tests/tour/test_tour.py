"""The ten-minute tour works for a new user: in a fresh clone, and with nothing but a wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project.paths import REPOSITORY

from .terminal import Terminal, clean_environment
from .tour import take_tour


def check(*command: str | Path, directory: Path) -> None:
    done = subprocess.run(list(map(str, command)), cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a fresh clone of the last commit."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout: there is nothing to clone")
    check(
        "git",
        "clone",
        "--quiet",
        "--depth",
        "1",
        f"file://{REPOSITORY}",
        tmp_path / "clone",
        directory=tmp_path,
    )
    return tmp_path / "clone"


def take(directory: Path, bin_directory: Path, tmp_path: Path, **more: str) -> None:
    home, transcript = tmp_path / "home", tmp_path / "transcript.txt"
    home.mkdir()
    terminal = Terminal(directory, {**clean_environment(bin_directory, home), **more}, transcript)
    try:
        take_tour(terminal)
    finally:
        terminal.close()
        print(transcript.read_text(encoding="utf-8") if transcript.exists() else "no transcript")
    text = transcript.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" not in text
    assert "\x1b" not in text


def test_tour_in_a_fresh_clone(clone: Path, tmp_path: Path) -> None:
    """The clone's sources, with the libraries of this environment."""
    take(clone, Path(sys.prefix) / "bin", tmp_path, PYTHONPATH=str(clone))


@pytest.mark.long
def test_tour_after_quickstart_in_a_fresh_clone(clone: Path, tmp_path: Path) -> None:
    """As the README says: the clone makes its own environment."""
    environment = clean_environment(Path("/usr/local/bin"), tmp_path)
    done = subprocess.run(
        ["bash", "scripts/quickstart.sh"],
        cwd=clone,
        env={**environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "net profit" in done.stdout
    check(clone / ".venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "pytest", directory=clone)
    take(clone, clone / ".venv" / "bin", tmp_path)


@pytest.mark.long
def test_tour_with_a_wheel_made_from_the_sdist(clone: Path, tmp_path: Path) -> None:
    """An empty environment and the examples that the sdist carries; the clone is gone."""
    built = tmp_path / "built"
    check(sys.executable, "-m", "build", "--sdist", "--outdir", built, clone, directory=tmp_path)
    shutil.rmtree(clone)
    (sdist,) = built.glob("*.tar.gz")
    shutil.unpack_archive(sdist, built)
    (source,) = (path for path in built.iterdir() if path.is_dir())
    check(sys.executable, "-m", "build", "--wheel", "--outdir", built, source, directory=tmp_path)
    (wheel,) = built.glob("*.whl")
    check(sys.executable, "-m", "venv", tmp_path / "venv", directory=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    lock = source / "requirements.lock"
    check(python, "-m", "pip", "install", "--quiet", "-c", lock, wheel, "pytest", directory=tmp_path)
    work = tmp_path / "work"
    for part in ("examples", "tests/data/parts"):
        shutil.copytree(source / part, work / part)
    take(work, python.parent, tmp_path)
