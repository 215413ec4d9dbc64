"""``run``: a config becomes a run record."""

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..record.names import LOG_FILE
from .common import (
    ConfigFiles,
    JsonOption,
    SetOption,
    UsageError,
    config_options,
    console,
    next_step,
    parse_overrides,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from ..backtest.runtime.logs import LogSettings
    from ..config.run import RunConfig

BAD_INPUT: Final = 2


def run(
    context: typer.Context,
    config: ConfigFiles,
    overrides: SetOption = None,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Stop in the strategy with pdb; a compiled one runs as plain Python."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a backtest and write its record.

    Example: trading-platform run --config examples/local/local.json
    """
    if debug and as_json:
        raise UsageError("--debug is for people: it must be used without --json")
    search = config[0].resolve().parent
    if debug:
        _debug(*_prepare(config, overrides, context.obj), search)
        return
    from ..backtest.runtime.process import give_up, start_engine_process

    process = start_engine_process()  # it loads the engine meanwhile
    try:
        from ..backtest.runtime.parent import run_in_child
        from ..record.run import read_run

        loaded, directory = _prepare(config, overrides, context.obj)
    except BaseException:
        give_up(process)
        raise
    with progress("running", unit="time", quiet=as_json) as show:
        outcome = run_in_child(
            loaded.resolved(), directory, search=search, display=show, logs=context.obj, process=process
        )
    if _never_ran(outcome.exit_code, directory):
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
                outcome.status,
                directory,
                config_options(config, _without_run_id(overrides)),
            )
        raise typer.Exit(outcome.exit_code)


def _prepare(
    config: list[Path], overrides: list[str] | None, logs: "LogSettings"
) -> "tuple[RunConfig, Path]":
    """Read the configuration, make the run's directory, and log what is odd."""
    from ..backtest.runtime.logs import RunLog
    from ..config.load import load_layers
    from ..config.oddities import find_oddities
    from ..record.run import new_run_directory

    loaded = load_layers(config, os.environ, parse_overrides(overrides)).config
    directory = new_run_directory(Path(loaded.output.directory), loaded.id, loaded.output.run_id)
    log = RunLog(logs, directory.name)
    for oddity in find_oddities(loaded):
        log.info("odd config", code=oddity.code, key=oddity.key, effect=oddity.effect)
    return loaded, directory


def _debug(loaded: "RunConfig", directory: Path, search: Path) -> None:
    """Run on this terminal, under the debugger: standard output is the debugger's."""
    from ..backtest.runtime.debug import debug_run
    from ..record.run import read_run

    code = debug_run(loaded.resolved(), directory, search)
    if _never_ran(code, directory):
        raise typer.Exit(code)
    if code == 0:
        _print_run(directory, read_run(directory))
        return
    typer.echo(f"record: {shown_path(directory)}", err=True)
    raise typer.Exit(code)


def _without_run_id(overrides: list[str] | None) -> list[str]:
    """Return the overrides that can be used again: a run's name is taken."""
    return [text for text in overrides or [] if not text.startswith("output.run_id=")]


def _never_ran(exit_code: int, directory: Path) -> bool:
    """Remove the directory of a run that did not begin: a mistyped parameter is no run to keep."""
    if exit_code != BAD_INPUT or (directory / LOG_FILE).exists():
        return False
    shutil.rmtree(directory)
    return True


def _next_after(status: str, directory: Path, options: str) -> None:
    """Say what helps: the log up to the end, and the debugger after a failure in mid-run."""
    if (directory / LOG_FILE).exists():
        next_step(
            f"trading-platform orders {shlex.quote(str(shown_path(directory)))}  (what happened before)"
        )
        if status == "failed":
            next_step(f"trading-platform run {options} --debug  (stops in the strategy)")
    elif status == "failed":  # nothing was called yet: there is nothing to stop in
        next_step(f"trading-platform strategy check {options}  (after the cure)")


def _print_run(directory: Path, record: dict[str, Any]) -> None:
    from ..report.result import print_result

    print_result(record["summary"], console())
    files = ", ".join(sorted(path.name for path in directory.iterdir()))
    print(f"wrote {shown_path(directory)} ({files})")
    name = shlex.quote(str(shown_path(directory)))
    next_step(f"trading-platform orders {name}", f"trading-platform verify {name}")


def shown_path(path: Path) -> Path:
    """Return a path as short as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
