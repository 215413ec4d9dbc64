"""``trading-platform``: run, verify, diff, export, data, warmup. Heavy imports happen inside the commands."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from .model.errors import TradingPlatformError

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=__doc__)
data_app = typer.Typer(no_args_is_help=True, help="Market data: convert recordings.")
app.add_typer(data_app, name="data")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="JSON configuration of the run.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key: --set risk.trading_enabled=false. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
RunArgument = Annotated[Path, typer.Argument(help="Run directory.")]
EXIT_DIFFERENT: Final = 1


def main() -> None:
    """Run the command line; errors are one message on standard error and an exit code (1 failed, 2 bad input)."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except TradingPlatformError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt  # a service manager's stop is a user's Ctrl-C: the child writes its record


@app.command()
def run(
    config: ConfigOption,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a backtest and write its record.

    Example: trading-platform run --config examples/local/local.json
    """
    from .backtest.runtime.parent import run_in_child
    from .config.load import load_config, parse_override
    from .runner.record import new_run_directory, read_run

    loaded = load_config(config, dict(parse_override(text) for text in overrides or []))
    directory = new_run_directory(Path(loaded.output.directory), loaded.id, loaded.output.run_id)
    with _progress("running", quiet=as_json) as show:
        outcome = run_in_child(loaded.resolved(), directory, search=config.resolve().parent, progress=show)
    record = read_run(directory)
    if as_json:
        print(json.dumps({"run": str(directory), **record}))
    elif outcome.status == "done":
        _print_run(directory, record)
    if outcome.status != "done":
        print(f"{outcome.error}\nrecord: {directory}", file=sys.stderr)
        raise typer.Exit(outcome.exit_code)


def _print_run(directory: Path, record: dict[str, Any]) -> None:
    from rich.console import Console

    from .report.summary import print_summary

    console = Console()
    print_summary(record["summary"], console)
    console.print(
        f"wrote {directory} ({', '.join(sorted(path.name for path in directory.iterdir()))})", soft_wrap=True
    )
    console.print(f"next: trading-platform verify {directory}", soft_wrap=True)


@app.command()
def verify(run_directory: RunArgument, as_json: JsonOption = False) -> None:
    """Check a run's log, execute the run again and compare the digests.

    Example: trading-platform verify runs/local-20240801T000000Z
    """
    from .backtest.verify import verify_run

    with _progress("verifying", quiet=as_json) as show:
        found = verify_run(run_directory, progress=show)
    if as_json:
        print(json.dumps(vars(found)))
    elif found.same:
        print(f"same: {found.digest}")
    else:
        print(f"different: recorded {found.recorded_digest}, now {found.digest}")
        print(found.difference)
    if not as_json:
        for change in found.changes:
            print(f"changed: {change}")
    if not found.same:
        raise typer.Exit(EXIT_DIFFERENT)


@app.command()
def diff(left: RunArgument, right: RunArgument, as_json: JsonOption = False) -> None:
    """Show the first event in which two runs differ.

    Example: trading-platform diff runs/a runs/b
    """
    from .eventlog.diff import first_difference
    from .eventlog.reader import open_log
    from .runner.record import LOG_FILE

    found = first_difference(open_log(left / LOG_FILE).events, open_log(right / LOG_FILE).events)
    if as_json:
        print(json.dumps(None if found is None else {"index": found.index, "text": found.text}))
    else:
        print("the logs are equal" if found is None else found.text)
    if found is not None:
        raise typer.Exit(EXIT_DIFFERENT)


@app.command()
def export(
    run_directory: RunArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON Lines file; must not exist.")],
    as_json: JsonOption = False,
) -> None:
    """Write a run's events as JSON Lines, each valid against the events schema.

    Example: trading-platform export runs/local-20240801T000000Z --out events.json
    """
    from .eventlog.export import LogNames, export_jsonl
    from .eventlog.reader import open_log
    from .runner.record import LOG_FILE, read_run

    record = read_run(run_directory)
    names = LogNames((record["config"]["engine"]["instrument"]["name"],), ("0",), (record["config"]["id"],))
    rows = export_jsonl(open_log(run_directory / LOG_FILE).events, names, out)
    print(json.dumps({"out": str(out), "rows": rows}) if as_json else f"wrote {out} ({rows} events)")


@data_app.command()
def convert(
    source: Annotated[str, typer.Argument(help="Kind of recording: binance-usdm or binance-coinm.")],
    files: Annotated[list[Path], typer.Argument(help="Recordings of one stream, in the order of time.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Directory for the .npy files and their manifests.")
    ],
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that differ.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert recordings to event files that the engine maps.

    Example: trading-platform data convert binance-usdm btcusdt_20240808.gz --out data
    """
    from .data.convert.pipeline import convert as convert_files

    with _progress("converting", quiet=as_json) as show:

        def show_file(_file: Path, done: int, total: int) -> None:
            if show is not None:
                show(done, total)

        result = convert_files(source, files, out, overwrite=overwrite, progress=show_file)
    made = [{"path": str(one.path), "rows": one.rows, "gaps": one.report.gap_count} for one in result.files]
    if as_json:
        print(json.dumps({"clock_shift_ns": result.clock_shift_ns, "files": made}))
        return
    if result.clock_shift_ns:
        print(
            f"receipt clock was {result.clock_shift_ns / 1e9:.9f} s behind: corrected once for the whole data set"
        )
    for one in made:
        print(f"wrote {one['path']} ({one['rows']} rows, {one['gaps']} gaps)")


@app.command()
def warmup(as_json: JsonOption = False) -> None:
    """Compile all kernels and shipped strategies into the cache.

    Example: trading-platform warmup
    """
    from . import _jit
    from .runner import loop  # noqa: F401 (importing compiles)
    from .strategies import grid_maker, touch_maker  # noqa: F401

    compiled = len(_jit.KernelCache.compiled)
    root = str(_jit.cache_root())
    print(
        json.dumps({"compiled": compiled, "cache": root})
        if as_json
        else f"compiled {compiled} functions into {root}"
    )


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a progress call-back (done, total): a bar on a terminal, plain lines every tenth elsewhere, or None."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        yield _plain_lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        first: list[int] = []

        def show(done: int, total: int) -> None:
            first.append(done) if not first else None
            bar.update(task, completed=done - first[0], total=max(1, total - first[0]))

        yield show


def _plain_lines(what: str) -> Callable[[int, int], None]:
    state = {"first": -1, "tenth": 0}

    def show(done: int, total: int) -> None:
        if state["first"] < 0:
            state["first"] = done
        tenth = 10 * (done - state["first"]) // max(1, total - state["first"])
        if tenth > state["tenth"]:
            state["tenth"] = tenth
            print(f"{what}: {10 * tenth} %", file=sys.stderr)

    return show


if __name__ == "__main__":
    main()
