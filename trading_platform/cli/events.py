"""``diff`` and ``export``: the event log of a run."""

from pathlib import Path
from typing import Annotated, Final

import typer

from .common import JsonOption, RunArgument, RunsOption, UsageError, find_run, next_step, print_json

EXIT_DIFFERENT: Final = 1


def diff(left: RunArgument, right: RunArgument, runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Show the first event in which two runs differ. Exit code 1: there is one.

    Example: trading-platform diff runs/a runs/b
    """
    from ..eventlog.diff import first_difference
    from ..eventlog.reader import open_log
    from ..record.names import LOG_FILE

    first, second = (open_log(find_run(name, runs) / LOG_FILE).events for name in (left, right))
    found = first_difference(first, second)
    if as_json:
        print_json(None if found is None else {"index": found.index, "text": found.text})
    else:
        print("the logs are equal" if found is None else found.text)
    if found is not None:
        raise typer.Exit(EXIT_DIFFERENT)


def export(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="JSON Lines file; must not exist.")],
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's events as JSON Lines, each valid against the events schema.

    Example: trading-platform export last --out events.json
    """
    from ..eventlog.export import LogNames, export_jsonl
    from ..eventlog.reader import open_log
    from ..record.names import LOG_FILE
    from ..record.run import read_run

    if out.exists() or out.name in ("", "-"):
        raise UsageError(f"--out must be a new file, was {out}: an export never overwrites; name another")
    directory = find_run(run, runs)
    record = read_run(directory)
    names = LogNames((record["config"]["engine"]["instrument"]["name"],), ("0",), (record["config"]["id"],))
    rows = export_jsonl(open_log(directory / LOG_FILE).events, names, out)
    if as_json:
        print_json({"out": str(out), "rows": rows})
    else:
        print(f"wrote {out} ({rows:,} events)")
        next_step("trading-platform schema events  (what each line means)")
