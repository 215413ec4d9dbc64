"""``run``: a config becomes a run record."""

import os
import shutil
from pathlib import Path
from typing import Any, Final

import typer

from .common import (
    ConfigFiles,
    JsonOption,
    SetOption,
    config_options,
    console,
    next_step,
    parse_overrides,
    print_json,
    progress,
)

BAD_INPUT: Final = 2
LOG_FILE: Final = "events.bin"


def run(
    context: typer.Context,
    config: ConfigFiles,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a backtest and write its record.

    Example: trading-platform run --config examples/local/local.json
    """
    from ..backtest.runtime.logs import configure, for_run
    from ..backtest.runtime.parent import run_in_child
    from ..config.load import load_layers
    from ..config.oddities import find_oddities
    from ..runner.record import new_run_directory, read_run

    loaded = load_layers(config, os.environ, parse_overrides(overrides)).config
    directory = new_run_directory(Path(loaded.output.directory), loaded.id, loaded.output.run_id)
    configure(context.obj)
    log = for_run(directory.name)
    for oddity in find_oddities(loaded):
        log.info("odd config", code=oddity.code, key=oddity.key, effect=oddity.effect)
    with progress("running", unit="time", quiet=as_json) as show:
        outcome = run_in_child(
            loaded.resolved(), directory, search=config[0].resolve().parent, display=show, logs=context.obj
        )
    if outcome.exit_code == BAD_INPUT and not (directory / LOG_FILE).exists():
        shutil.rmtree(directory)  # nothing ran: a mistyped parameter is no run to keep
        typer.echo(outcome.error, err=True)
        raise typer.Exit(outcome.exit_code)
    record = read_run(directory)
    if as_json:
        print_json({"run": str(directory), **record})
    elif outcome.status == "done":
        _print_run(directory, record)
    if outcome.status != "done":
        typer.echo(f"{outcome.error}\nrecord: {shown_path(directory)}", err=True)
        if not as_json:
            _next_after(
                outcome.status, directory, f"trading-platform run {config_options(config, overrides)}"
            )
        raise typer.Exit(outcome.exit_code)


def _next_after(status: str, directory: Path, command: str) -> None:
    """Say what helps: the log up to the end, and the debugger after a failure."""
    if (directory / LOG_FILE).exists():
        next_step(f"trading-platform orders {shown_path(directory)}  (what happened before)")
    if status == "failed":
        next_step(f"{command} --debug  (stops in the strategy)")


def _print_run(directory: Path, record: dict[str, Any]) -> None:
    from ..report.result import print_result

    print_result(record["summary"], console())
    files = ", ".join(sorted(path.name for path in directory.iterdir()))
    print(f"wrote {shown_path(directory)} ({files})")
    name = shown_path(directory)
    next_step(f"trading-platform orders {name}", f"trading-platform verify {name}")


def shown_path(path: Path) -> Path:
    """Return a path as short as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
