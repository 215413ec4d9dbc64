"""Removing runs: nothing but run directories of the runs directory, and never half of one."""

import shutil
from pathlib import Path
from typing import Final

from .files import LOG_FILE, RUN_FILE, RunsError, locked, require_run

REMOVING: Final = ".removing-"  # begins with a dot: neither listed nor found


def check_removable(run: Path, runs: Path, *, force: bool = False) -> None:
    """Raise RunsError unless ``run`` is a run directory right below ``runs`` that may be removed.

    Parameters
    ----------
    run : as a user named it
    runs : the runs directory
    force : also a run without a record, which may be running
    """
    if run.is_symlink():
        raise RunsError(f"{run}: must be a directory, is a symbolic link: remove the link yourself")
    if run.name in ("", "..") or run.parent.resolve() != runs.resolve():
        raise RunsError(f"{run}: must be in the runs directory {runs.absolute()}: name that one with --runs")
    if run.name.startswith("."):
        raise RunsError(f"{run}: must be a run: names of runs do not begin with a dot")
    require_run(run)
    inner = sorted(path.name for path in run.iterdir() if path.is_dir() and not path.is_symlink())
    if inner:
        raise RunsError(f"{run}: holds the directory {inner[0]}, which no run writes: move it away first")
    if not (run / RUN_FILE).is_file() and not force:
        raise RunsError(
            f"{run}: is unfinished: it may be running. If nothing writes to {LOG_FILE} any more, use --force"
        )


def run_bytes(run: Path) -> int:
    """Return the size of a run's files [bytes]."""
    return sum(path.lstat().st_size for path in run.iterdir())


def remove_run(run: Path, runs: Path, *, force: bool = False) -> None:
    """Remove a run. It is renamed first, in one step: what is cut off halfway is never taken for a run.

    Removals that were cut off before are finished too.

    Raises
    ------
    RunsError : see check_removable
    """
    with locked(runs):
        check_removable(run, runs, force=force)
        for left in runs.glob(f"{REMOVING}*"):
            shutil.rmtree(left)
        doomed = runs / f"{REMOVING}{run.name}"
        (runs / run.name).rename(doomed)
        shutil.rmtree(doomed)
