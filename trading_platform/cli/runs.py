"""``runs``: what was run, and what came of it."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .common import (
    RUNS_VARIABLE,
    JsonOption,
    RunArgument,
    RunsOption,
    UsageError,
    console,
    find_run,
    next_step,
    print_json,
    runs_directory,
)

if TYPE_CHECKING:
    from rich.table import Table

    from ..backtest.history.notes import Notes

ROWS: Final = 20  # shown unless --limit says otherwise
ROWS_MAX: Final = 10**9
SPARE_COLUMNS: Final = ("wall s", "strategy", "drawdown", "instrument", "orders", "tags", "fills")
NS_PER_S: Final = 1_000_000_000
START: Final = "trading-platform run --config examples/local/local.json"
Many = list[str] | None


def ls(
    status: Annotated[
        Many, typer.Option(help="done, failed, interrupted, unfinished or damaged. Repeatable.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="Part of the strategy's name.")] = "",
    instrument: Annotated[str, typer.Option(help="Part of the instrument's name.")] = "",
    tag: Annotated[Many, typer.Option(help="Has this tag. Repeatable: has all.")] = None,
    since: Annotated[str | None, typer.Option(help="Started then or later: ISO 8601, UTC.")] = None,
    until: Annotated[str | None, typer.Option(help="Started before: ISO 8601, UTC.")] = None,
    where: Annotated[
        Many,
        typer.Option(help="Compare a number: net>0, fills>=100, sharpe_annualised>1. Repeatable: all hold."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help='Field to sort by; "-" before it: the highest first.')
    ] = "-started",
    limit: Annotated[int, typer.Option(min=0, max=ROWS_MAX, help="Rows at most; 0: all.")] = ROWS,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first.

    Example: trading-platform runs ls --where 'net>0' --sort -net
    """
    from ..backtest.history.index import find_runs
    from ..backtest.history.query import RunsQuery, parse_condition

    query = RunsQuery(
        statuses=tuple(status or ()),
        strategy=strategy,
        instrument=instrument,
        tags=tuple(tag or ()),
        since_ns=_time_ns("--since", since),
        until_ns=_time_ns("--until", until),
        where=tuple(parse_condition(text) for text in where or ()),
        sort=sort,
        limit=limit,
    )
    directory = _directory(runs)
    if directory is None:  # nothing was run here yet
        print_json({"runs": [], "matching": 0, "total": 0}) if as_json else _print_none(runs)
        return
    found = find_runs(directory, query, lambda text: typer.echo(f"warning: {text}", err=True))
    if as_json:
        rows = [_json_row(row, directory) for row in found.rows]
        print_json({"runs": rows, "matching": found.matching, "total": found.total})
        return
    if not found.total:
        _print_none(runs)
        return
    if found.rows:
        from ..report.fitting import print_fitting

        print_fitting(_table(found.rows), console(), SPARE_COLUMNS)
    _print_cut(len(found.rows), found.matching, found.total)
    if found.rows:
        next_step(f"trading-platform runs show {_named(found.rows[0]['run'], runs)}")


def show(run: RunArgument, runs: RunsOption = None, as_json: JsonOption = False) -> None:
    """Show the record of a run: how it ended, what went into it, what came out.

    Example: trading-platform runs show last
    """
    from ..backtest.history.files import UNFINISHED, file_sizes, require_run
    from ..backtest.history.notes import read_notes
    from ..record.names import LOG_FILE, RUN_FILE
    from ..record.run import read_run

    directory = find_run(run, runs)
    require_run(directory)
    notes = read_notes(directory)
    record = read_run(directory) if (directory / RUN_FILE).is_file() else None
    files = file_sizes(directory, follow_links=True)
    if as_json:
        status = UNFINISHED if record is None else record["status"]
        head = {"run": str(directory), "status": status, "tags": list(notes.tags), "note": notes.note}
        print_json(head | {"files": files, "record": record})
        return
    name = _named(run, runs)
    if record is None:
        _print_unfinished(directory, notes, files)
        next_step(f"trading-platform orders {name}  (what it did so far)")
        next_step(f"trading-platform runs rm --force {name}  (if nothing writes to it any more)")
        return
    _print_record(directory, record, notes, files)
    if LOG_FILE in files:
        next_step(f"trading-platform orders {name}")
    if record["status"] == "done":
        next_step(f"trading-platform verify {name}")


def tag(
    run: RunArgument,
    tags: Annotated[list[str], typer.Argument(help="Words to find the run by.", metavar="TAG...")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tags away instead.")] = False,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tag a run, or take tags away.

    Example: trading-platform runs tag last baseline
    """
    from ..backtest.history.notes import add_tags, remove_tags

    directory = find_run(run, runs)
    _told(directory, (remove_tags if remove else add_tags)(directory, tags), as_json)
    if not as_json:
        where = f" --runs {shlex.quote(str(runs))}" if runs else ""
        next_step(f"trading-platform runs ls{'' if remove else f' --tag {shlex.quote(tags[0])}'}{where}")


def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(help='What to remember; "" removes the note.')],
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a run; it replaces the one before.

    Example: trading-platform runs note last "wider spread, same risk"
    """
    from ..backtest.history.notes import set_note

    directory = find_run(run, runs)
    _told(directory, set_note(directory, text), as_json)
    if not as_json:
        next_step(f"trading-platform runs show {_named(run, runs)}")


def rm(
    names: Annotated[list[str], typer.Argument(help="Runs to remove.", metavar="RUN...")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also runs without a record, which may be running.")
    ] = False,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove runs for good. Asks on a terminal; elsewhere it needs --yes.

    Example: trading-platform runs rm local-20260101T120000Z --yes
    """
    from ..backtest.history.remove import check_removable, remove_run, run_bytes

    parent = runs_directory(runs)
    chosen = list(dict.fromkeys(find_run(name, runs) for name in names))
    for directory in chosen:
        check_removable(directory, parent, force=force)
    size = sum(run_bytes(directory) for directory in chosen)
    listed = ", ".join(directory.name for directory in chosen)
    if not yes and not _confirmed(f"remove {listed} ({_bytes(size)}) for good?"):
        typer.echo("nothing was removed", err=True)
        raise typer.Exit(1)
    for directory in chosen:
        remove_run(directory, parent, force=force)
    if as_json:
        print_json({"removed": [directory.name for directory in chosen], "bytes": size})
    else:
        print(f"removed {listed} ({_bytes(size)})")
        next_step(f"trading-platform runs ls{f' --runs {shlex.quote(str(runs))}' if runs else ''}")


# --- arguments


def _directory(runs: Path | None) -> Path | None:
    """Return the runs directory; None if it is the default one and absent."""
    import os

    directory = runs_directory(runs)
    if directory.is_dir():
        return directory
    if runs is None and not os.environ.get(RUNS_VARIABLE):
        return None
    raise UsageError(f"{directory}: must be a directory of runs (--runs or {RUNS_VARIABLE}), is absent")


def _time_ns(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be ISO 8601 as in 2026-01-31 or 2026-01-31T12:00, was {text}"
        ) from None
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000
    if abs(ns) >= 2**63:
        raise UsageError(f"{option} must be a time between 1678 and 2262, was {text}")
    return ns


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("--yes must be given where nobody can be asked: runs are removed for good")
    return typer.confirm(question, err=True)


def _named(run: str, runs: Path | None) -> str:
    """Return how a run is named on the next command line."""
    return shlex.join([run, *(["--runs", str(runs)] if runs else [])])


# --- what is shown


def _print_none(runs: Path | None) -> None:
    print(f"no runs in {runs_directory(runs).absolute()}")
    next_step(START)


def _print_cut(shown: int, matching: int, total: int) -> None:
    of = f" (of {total:,})" if matching != total else ""
    if not matching:
        print(f"no runs match{of}")
    elif shown < matching:
        print(f"{shown:,} of {matching:,} runs shown{of}: --limit 0 shows all")
    else:
        print(f"{matching:,} runs{of}" if matching != 1 else f"1 run{of}")


def _json_row(row: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    times = {name: _iso(row[f"{name}_ns"]) for name in ("started", "finished")}
    rest = {name: value for name, value in row.items() if not name.endswith("_ns")}
    return {"run": row["run"], "path": str(directory / row["run"]), **times, **rest}


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape

    from ..report.fitting import plain_table

    texts = ("run", "when (UTC)", "status", "strategy", "instrument")
    numbers = ("orders", "fills", "net", "drawdown", "wall s")
    table = plain_table(*texts, *numbers, "tags", left=texts, folded=("tags",))
    for row in rows:
        table.add_row(
            escape(row["run"]),
            (_iso(row["started_ns"]) or "")[:16].replace("T", " "),
            row["status"],
            escape((row["strategy"] or "").rpartition(":")[2]),
            escape(row["instrument"] or ""),
            *(_count(row[name]) for name in ("orders", "fills")),
            f"{_amount(row['net'])} {row['currency'] or ''}".strip(),
            _amount(row["max_drawdown"]),
            "" if row["wall_seconds"] is None else f"{row['wall_seconds']:.2f}",
            escape(", ".join(row["tags"])),
        )
    return table


def _print_record(
    directory: Path, record: Mapping[str, Any], notes: "Notes", files: Mapping[str, int]
) -> None:
    from ..backtest.history.files import encodable
    from ..report.result import print_result

    _print_head(directory, str(record["status"]), notes)
    _print_pairs(_facts(record))
    if record.get("summary"):
        print()
        print_result(record["summary"], console())
        print()
    _print_pairs([("files", _files(files))])
    if record.get("traceback"):
        print(encodable(record["traceback"]))


def _print_unfinished(directory: Path, notes: "Notes", files: Mapping[str, int]) -> None:
    from ..eventlog.reader import open_log
    from ..record.names import LOG_FILE

    log = open_log(directory / LOG_FILE)
    written = _iso((directory / LOG_FILE).stat().st_mtime_ns)
    torn = f" and {log.torn_bytes} bytes of another" if log.torn_bytes else ""
    _print_head(directory, "unfinished: it is running, or its process was killed", notes)
    _print_pairs(
        [
            (
                "log",
                f"{len(log.events):,} whole events{torn}, last written {(written or '')[:19].replace('T', ' ')} UTC",
            ),
            ("files", _files(files)),
        ]
    )


def _print_head(directory: Path, status: str, notes: "Notes") -> None:
    from rich.markup import escape

    console().print(f"[bold]{escape(directory.name)}[/bold]  {escape(status)}")
    _print_pairs([("tags", ", ".join(notes.tags)), ("note", notes.note)])


def _print_pairs(pairs: list[tuple[str, str]]) -> None:
    """Print labels and texts, without those that have none."""
    from rich.markup import escape
    from rich.table import Table

    from ..backtest.history.files import encodable

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in pairs:
        if text:
            table.add_row(label, escape(encodable(text)))
    if table.row_count:
        console().print(table)


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    config, git = record["config"], record.get("git")
    strategy, log = record.get("strategy") or {}, record.get("log") or {}
    class_path = (config.get("strategy") or {}).get("class_path", "")
    source = f", source {strategy['sha256'][:12]} ({', '.join(strategy['files'])})" if strategy else ""
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    system = record.get("platform") or {}
    cpu = (system.get("cpu") or {}).get("name", "")
    digest = "" if record.get("summary") else f", digest {record.get('log_digest')}"  # the result shows it
    return [
        ("error", record.get("error") or ""),
        ("stop", record.get("stop") or ""),
        ("time", _duration(record)),
        ("config", _config(record)),
        ("strategy", class_path + source),
        *_data(record.get("data") or []),
        ("log", f"{log['events']:,} events{digest}" if log else ""),
        ("versions", versions),
        (
            "machine",
            ", ".join(filter(None, (system.get("system"), system.get("machine"), cpu, system.get("libm")))),
        ),
        ("git", f"{git['commit'][:12]}{', with changes' if git['dirty'] else ''}" if git else ""),
    ]


def _config(record: Mapping[str, Any]) -> str:
    config, scope = record["config"], record.get("scope")
    parts = [str(record.get("id") or config.get("id") or "")]
    parts += [f"scope {scope}"] if scope else []
    parts += [f"sha256 {record['config_sha256']}"] if record.get("config_sha256") else []
    return ", ".join(part for part in parts if part)


def _duration(record: Mapping[str, Any]) -> str:
    started, finished = record.get("started"), record.get("finished")
    text = f"started {started[:19].replace('T', ' ')} UTC" if started else ""
    if started and finished:
        seconds = (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
        text += f", took {seconds:.2f} s"
    if record.get("wall_seconds") is not None:
        text += f"{', ' if text else ''}{record['wall_seconds']:.2f} s in the loop"
    return text


def _data(files: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for index, file in enumerate(files):
        yield (
            "" if index else "data",
            f"{file['path']} ({file['rows']:,} rows, sha256 {file['sha256'][:12]})",
        )


def _files(files: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {_bytes(size)}" for name, size in files.items())


def _told(directory: Path, notes: "Notes", as_json: bool) -> None:
    if as_json:
        print_json({"run": str(directory), "tags": list(notes.tags), "note": notes.note})
        return
    print(f"{directory.name}: tags {', '.join(notes.tags) or 'none'}; note {notes.note or 'none'}")


def _iso(ns: int | None) -> str | None:
    """Return [ns] as ISO 8601 UTC with microseconds, as run.json has it."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, NS_PER_S)
    return (
        datetime.fromtimestamp(seconds, UTC)
        .replace(microsecond=rest // 1000)
        .isoformat(timespec="microseconds")
    )


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _amount(value: float | None) -> str:
    """Return an amount for a list: two decimals, six digits if it is small; `runs show` has all."""
    if value is None:
        return ""
    return f"{value:,.2f}" if value == 0 or abs(value) >= 1 else f"{value:.6g}"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
