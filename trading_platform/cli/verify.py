"""``verify``: execute a run again."""

import shlex
from typing import Final

import typer

from .common import JsonOption, RunArgument, RunsOption, find_run, next_step, print_json, progress

EXIT_DIFFERENT: Final = 1


def verify(run: RunArgument, runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Check a run's log, execute the run again and compare the digests. Exit code 1: they differ.

    Example: trading-platform verify last
    """
    from ..backtest.verify import verify_run

    directory = find_run(run, runs)
    with progress("verifying", unit="time", quiet=as_json) as show:
        found = verify_run(directory, display=show)
    if as_json:
        print_json(vars(found))
    elif found.same:
        print(f"same: {found.digest}")
        next_step(f"trading-platform orders {shlex.quote(str(directory))}")
    else:
        print(f"different: recorded {found.recorded_digest}, now {found.digest}")
        print(found.difference)
    if not as_json:
        for change in found.changes:
            print(f"changed: {change}")
    if not found.same:
        raise typer.Exit(EXIT_DIFFERENT)
