"""``strategy new``, ``strategy ls`` and ``strategy check``: from a template to a strategy that is known to be sound."""

import json
import linecache
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .common import (
    JsonOption,
    SetOption,
    UsageError,
    config_options,
    next_step,
    parse_overrides,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from ..authoring.check import Report
    from ..authoring.findings import Finding

EXIT_PROBLEMS: Final = 1
CLASS_PATH: Final = "strategy.class_path"


def new(
    name: Annotated[str, typer.Argument(help="my_maker or MyMaker: the module's and the class's name.")],
    compiled: Annotated[
        bool, typer.Option("--compiled", help="A compiled function instead of an interpreted class.")
    ] = False,
    directory: Annotated[Path, typer.Option("--dir", help="Where the files go; made if absent.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write a strategy that works, its test, its config, and a small synthetic market to run it on.

    Example: trading-platform strategy new my_maker
    """
    from ..authoring.scaffold import new_strategy

    with progress("making a market", unit="items", quiet=as_json) as show:
        show.phase("making a market")
        made = new_strategy(name, directory, compiled=compiled)
    if as_json:
        print_json(
            {
                "class_path": made.class_path,
                "config": str(made.config),
                "files": [str(path) for path in made.files],
                "kept": [str(path) for path in made.kept],
            }
        )
        return
    for path in made.files:
        print(f"wrote {path}")
    for path in made.kept:
        print(f"kept {path}")
    config = shlex.quote(str(made.config))
    next_step(
        f"trading-platform run --config {config}",
        f"trading-platform strategy check {made.class_path} --config {config}",
        f"python -m pytest {shlex.quote(str(made.test))}",
    )


def ls(
    directory: Annotated[Path, typer.Option("--dir", help="Its modules are looked at too.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """List the strategies that are shipped and those in a directory, with their parameters.

    Example: trading-platform strategy ls --dir examples/ladder
    """
    from ..authoring.check import PLAIN, ask

    if not directory.is_dir():
        raise UsageError(f"--dir must be a directory, was {directory}")
    found = ask({"do": "list", "directory": str(directory.resolve())}, PLAIN)["strategies"]
    if as_json:
        print_json(found)
        return
    for one in found:
        if "error" in one:
            print(f"{one['class_path']}  cannot be imported: {one['error']}\n")
            continue
        print(f"{one['class_path']}  {one['form']}\n  {one['text']}")
        _print_params(one["params"])
        print()
    next_step("trading-platform strategy new my_maker", "trading-platform strategy check MODULE:NAME")


def _print_params(params: list[dict[str, Any]]) -> None:
    rows = [
        (one["name"], one["unit"], "required" if one["default"] is None else one["default"], one["text"])
        for one in params
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        print("  " + "  ".join([*cells, row[3]]).rstrip())


def check(
    class_path: Annotated[
        str | None, typer.Argument(help="module:Name; left out, the one of --config.", metavar="MODULE:NAME")
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            "--config", "-c", help="Parameters, limits and data; else a small market and guessed parameters."
        ),
    ] = None,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a strategy on the first of its data as plain Python and compiled, and tell what is wrong with it.

    Found are writes into the core's state, exceptions, what numba cannot compile, indexes out of bounds, results that
    differ once compiled, and orders that are asked for in vain. Exit code 1: there are errors.

    Example: trading-platform strategy check my_maker:MyMaker --config my_maker.json
    """
    from ..authoring.check import check_strategy
    from ..config.load import load_layers

    given = parse_overrides(overrides)
    if class_path is not None and CLASS_PATH in given:
        raise UsageError(
            f"the strategy must be named once, was named {class_path} and --set {CLASS_PATH}={given[CLASS_PATH]}: "
            "leave one out"
        )
    loaded, search, named = None, Path.cwd(), class_path
    if config:
        if class_path is not None:
            given[CLASS_PATH] = class_path
        loaded = load_layers(config, os.environ, given).config
        class_path, search = loaded.strategy.class_path, config[0].resolve().parent
    if class_path is None or not all(class_path.partition(":")):
        raise UsageError(
            f"MODULE:NAME must be a strategy such as my_maker:MyMaker, was {class_path}: name one, or a --config"
        )
    with progress("checking", unit="items", quiet=as_json) as show:
        report = check_strategy(class_path, search, config=loaded, overrides=given, display=show)
    if as_json:
        print_json([found.to_json() for found in report.findings])
    else:
        _print_report(report, [str(path) for path in config or []])
        _print_next(report, named, config or [], overrides or [])
    if report.failed:
        raise typer.Exit(EXIT_PROBLEMS)


def _print_report(report: "Report", config: list[str]) -> None:
    facts = report.facts
    on = f"on the data of {', '.join(config)}" if config else "on a small synthetic market"
    guessed = f", parameters guessed: {json.dumps(report.guessed)}" if report.guessed else ""
    print(f"{report.class_path}  {report.form} {on}{guessed}")
    if facts:
        print(
            f"plain Python  {facts['calls']:,} calls, {facts['intents']:,} intents ({facts['unchanged']:,} changed "
            f"nothing), {facts['orders']:,} orders, {facts['fills']:,} fills, {facts['denied']:,} denied"
        )
    if report.repeated:
        print(f"compiled      {report.repeated:,} calls repeated with bounds checks")
    for found in report.findings:
        _print_finding(found)
    errors = sum(found.severity == "error" for found in report.findings)
    print(
        f"{errors} errors, {len(report.findings) - errors} warnings" if report.findings else "nothing found"
    )


def _print_next(report: "Report", named: str | None, config: list[Path], overrides: list[str]) -> None:
    """Print a command for the same strategy: ``named`` on the command line, with the same options."""
    if report.failed:
        words = [
            "trading-platform strategy check",
            named,
            config_options(config, overrides),
            " (after the cure)",
        ]
    else:
        told = [f"{CLASS_PATH}={named}"] if named is not None else []
        files = config or [Path("CONFIG")]
        words = ["trading-platform run", config_options(files, [*told, *overrides])]
    next_step(" ".join(word for word in words if word))


def _print_finding(found: "Finding") -> None:
    place = _short(found.file) if found.file else ""
    if found.line:
        place += f":{found.line}"
    print(f"\n{found.severity}: {place + ': ' if place else ''}{found.text} [{found.code}]")
    source = linecache.getline(found.file, found.line).strip() if found.line else ""
    if source:
        print(f"    {source}")
    print(f"  cure: {found.cure}")


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
