"""Removing runs: nothing but run directories of the runs directory, and never half of one."""

import shutil
from pathlib import Path
from typing import Final

from ...record.names import LOG_FILE, RUN_FILE
from .files import RunsError, file_sizes, gone, locked, require_run

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
    try:
        inner = sorted(path.name for path in run.iterdir() if path.is_dir() and not path.is_symlink())
    except FileNotFoundError as error:
        raise gone(run) from error
    if inner:
        raise RunsError(f"{run}: holds the directory {inner[0]}, which no run writes: move it away first")
    if not (run / RUN_FILE).is_file() and not force:
        raise RunsError(
            f"{run}: is unfinished: it may be running. If nothing writes to {LOG_FILE} any more, use --force"
        )


def run_bytes(run: Path) -> int:
    """Return the size of a run's files [bytes]; RunsError if it was removed meanwhile."""
    return sum(file_sizes(run, follow_links=False).values())


def remove_run(run: Path, runs: Path, *, force: bool = False) -> None:
    """Remove a run. It is renamed first, in one step: what is cut off halfway is never taken for a run.

    Removals that were cut off before are finished too. Who writes a tag or a note at the same time is waited for.

    Raises
    ------
    RunsError : see check_removable; or another removed it meanwhile
    """
    with locked(runs):
        check_removable(run, runs, force=force)
        doomed = runs / f"{REMOVING}{run.name}"
        for left in runs.glob(f"{REMOVING}*"):
            if left.is_symlink():
                left.unlink()  # the link alone: where it leads is not ours
            elif left.is_dir():
                shutil.rmtree(left)
            elif left == doomed:
                raise RunsError(f"{left}: must be free to remove {run.name}, is a file: move it away first")
        try:
            with locked(runs / run.name):
                (runs / run.name).rename(doomed)
        except FileNotFoundError as error:
            raise gone(run) from error
        shutil.rmtree(doomed)
