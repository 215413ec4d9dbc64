"""``data ls``, ``show``, ``verify``, ``snapshot`` and ``export``: the catalogue of market data."""

import os
import shlex
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..config.data_root import DATA_ROOT, DATA_ROOT_VARIABLE, data_root
from ..model.errors import DataError
from .common import JsonOption, UsageError, console, decimal_option, next_step, print_json, progress

if TYPE_CHECKING:
    from ..data.catalog import CatalogFile

EXIT_DIFFERENT: Final = 1
FIRST_ROWS: Final = 5
PICTURE_COLUMNS: Final = 72
PICTURE_LINES: Final = 6
SPARE_COLUMNS: Final = ("bytes", "gaps", "certificate")
_ROOT_HELP: Final = f"Directory of the catalogue; else ${DATA_ROOT_VARIABLE}, else ./{DATA_ROOT}."

RootArgument = Annotated[Path | None, typer.Argument(help=_ROOT_HELP, metavar="ROOT")]
RootOption = Annotated[Path | None, typer.Option("--root", help=_ROOT_HELP)]


def catalogue_root(given: Path | None) -> Path:
    """Return the directory of the catalogue: what was given, the environment variable, or ``data`` here."""
    return given or Path(data_root(os.environ))


def ls(root: RootArgument = None, as_json: JsonOption = False) -> None:
    """List what is in the catalogue: venue, instrument, days, rows, bytes, gaps, certificates.

    Example: trading-platform data ls
    """
    from ..data.catalog import find_files

    directory = catalogue_root(root)
    groups: dict[tuple[str, str], list[CatalogFile]] = {}
    for file in find_files(directory):
        groups.setdefault((file.venue, file.instrument), []).append(file)
    rows = [_group_facts(files) for files in groups.values()]
    if as_json:
        print_json({"root": str(directory), "instruments": rows})
        return
    if not rows:
        print(f"nothing in {directory.absolute()}")
        next_step(f"trading-platform data convert SOURCE FILES --out {shlex.quote(str(directory))}")
        return
    _print_groups(rows)
    option = f" --root {shlex.quote(str(root))}" if root is not None else ""
    next_step(f"trading-platform data show {rows[0]['venue']}/{rows[0]['instrument']}{option}")


def _group_facts(files: "list[CatalogFile]") -> dict[str, Any]:
    from ..data.catalog.files import describe_days

    days = sorted({file.day for file in files})
    verdicts = [file.verdict for file in files]
    return {
        "venue": files[0].venue,
        "instrument": files[0].instrument,
        "days": describe_days(days),
        "day_count": len(days),
        "files": len(files),
        "rows": sum(file.output.rows for file in files),
        "bytes": sum(file.path.stat().st_size for file in files),
        "gaps": sum(file.manifest.gap_count for file in files),
        "certificates": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
    }


def _print_groups(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape

    from ..report.fitting import plain_table, print_fitting

    texts = ("venue", "instrument", "days")
    table = plain_table(*texts, "files", "rows", "bytes", "gaps", "certificate", left=texts, folded=("days",))
    for row in rows:
        verdicts = row["certificates"]
        told = next(iter(verdicts)) if len(verdicts) == 1 else _counts(verdicts)
        table.add_row(
            escape(row["venue"]),
            escape(row["instrument"]),
            row["days"],
            *(f"{row[name]:,}" for name in ("files", "rows", "bytes", "gaps")),
            told,
        )
    print_fitting(table, console(), SPARE_COLUMNS)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def show(
    name: Annotated[
        str, typer.Argument(help="An event file, or VENUE/INSTRUMENT[/DAY] of the catalogue.", metavar="NAME")
    ],
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known about a file, or the files of an instrument: times, rows, gaps, grid, price, first rows.

    Example: trading-platform data show binance-usdm/BTCUSDT/2024-08-08
    """
    files = _named(name, root)
    if len(files) == 1:
        _show_file(files[0], as_json)
        return
    facts = [_file_facts(file) for file in files]
    if as_json:
        print_json({"files": facts})
        return
    from ..report.fitting import plain_table, print_fitting

    texts = ("day", "file", "from", "to")
    table = plain_table(*texts, "rows", "bytes", "gaps", "certificate", left=texts, folded=("file",))
    for row in facts:
        numbers = (f"{row[key]:,}" for key in ("rows", "bytes", "gap_count"))
        table.add_row(
            row["day"], Path(row["path"]).name, row["first"], row["last"], *numbers, row["certificate"]
        )
    print_fitting(table, console(), SPARE_COLUMNS)
    option = f" --root {shlex.quote(str(root))}" if root is not None else ""
    next_step(f"trading-platform data show {'/'.join(name.split('/')[:2])}/{files[0].day}{option}")


def _named(name: str, root: Path | None) -> "list[CatalogFile]":
    """Return the files that a user means: one by its path, or those of an instrument or of a day of it."""
    from ..data.catalog import CatalogFile, require_files

    path = Path(name)
    if path.suffix in (".npy", ".npz"):
        if not path.is_file():
            raise DataError(f"{path}: must be an existing file, is absent")
        folders = path.absolute().parent.parts[-3:]
        venue, instrument, day = folders if len(folders) == 3 else ("", "", "")
        return [CatalogFile(path, venue, instrument, day)]
    parts = name.strip("/").split("/")
    if len(parts) not in (2, 3) or not all(parts) or ".." in parts:
        raise UsageError(f"NAME must be an event file or VENUE/INSTRUMENT[/DAY], was {name}")
    return require_files(catalogue_root(root), *parts)


def _file_facts(file: "CatalogFile") -> dict[str, Any]:
    from ..config.times import time_text

    manifest, output = file.manifest, file.output
    return {name: value for name, value in vars(output).items() if name != "file"} | {
        "gap_count": manifest.gap_count,
        "tick_size": str(manifest.tick_size),
        "lot_size": str(manifest.lot_size),
        "grid": manifest.grid,
        "path": str(file.path),
        "venue": file.venue,
        "instrument": file.instrument,
        "day": file.day,
        "bytes": file.path.stat().st_size,
        "first": time_text(output.first_local_ns),
        "last": time_text(output.last_local_ns),
        "certificate": file.verdict,
    }


def _show_file(file: "CatalogFile", as_json: bool) -> None:
    import orjson

    from ..data.catalog.describe import count_kinds, first_rows, picture, traded_prices
    from ..data.files import load_events

    rows = load_events(file.path)
    cataloged = file.manifest_path.is_file() and file.path.suffix == ".npy"
    facts = _file_facts(file) if cataloged else {"path": str(file.path), "rows": len(rows)}
    kinds, head = count_kinds(rows), first_rows(rows, FIRST_ROWS)
    if as_json:
        manifest = orjson.loads(file.manifest.to_bytes()) if cataloged else None
        print_json(facts | {"kinds": kinds, "first_rows": head, "manifest": manifest})
        return
    if cataloged:
        _print_facts(file, facts)
    else:
        print(f"{file.path}: {len(rows):,} rows, no manifest")
    print(f"{'kinds':<13} {', '.join(f'{count:,} {kind}' for kind, count in kinds.items())}")
    prices = traded_prices(rows, min(PICTURE_COLUMNS, len(rows)))
    lines = picture(prices, PICTURE_LINES)
    print("\n".join(["price of trades, from the first row to the last:", *lines]) if lines else "no trades")
    _print_rows(head)
    where = shlex.quote(str(file.path))
    next_step(f"trading-platform data export {where} --out {shlex.quote(file.path.stem)}.parquet")


def _print_facts(file: "CatalogFile", facts: dict[str, Any]) -> None:
    manifest = file.manifest
    stream = manifest.stream
    told = {
        "file": facts["path"],
        "instrument": f"{file.venue}/{file.instrument} {file.day}",
        "received": f"{facts['first']} to {facts['last']}",
        "rows": f"{facts['rows']:,} ({facts['local_rows']:,} of ours, {facts['exch_rows']:,} of the venue), "
        f"{facts['bytes']:,} bytes",
        "grid": f"tick {facts['tick_size']}, lot {facts['lot_size']} ({facts['grid']})",
        "gaps": f"{facts['gap_count']}",
        "certificate": facts["certificate"],
        "source": f"{manifest.source.file} by {stream.converter} {stream.converter_version}",
        "clock shift": f"{stream.clock_shift_ns / 1e9:.9f} s",
        "fixes": ", ".join(f"{fix['code']} {fix['count']:,}" for fix in manifest.fixes) or "none",
        "sha256": facts["sha256"],
    }
    for label, text in told.items():
        print(f"{label:<13} {text}")


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from ..config.times import time_text
    from ..report.fitting import plain_table

    texts = ("kind", "side", "event of", "venue's time", "our time")
    table = plain_table(*texts, "price", "quantity", left=texts)
    for row in rows:
        whose = " and ".join(word for word, flag in (("venue", row["exch"]), ("ours", row["local"])) if flag)
        times = (time_text(row["exch_ns"]), time_text(row["local_ns"]))
        table.add_row(row["kind"], row["side"], whose, *times, f"{row['price']:.10g}", f"{row['qty']:.10g}")
    console().print(table)


def verify(root: RootArgument = None, as_json: JsonOption = False) -> None:
    """Check each file of the catalogue against its manifest: SHA-256, rows, times. Exit code 1: one differs.

    Example: trading-platform data verify
    """
    from ..data.catalog import check_file, find_files

    files = find_files(catalogue_root(root))
    total, done = sum(file.path.stat().st_size for file in files), 0
    findings = []
    with progress("checking", unit="bytes", quiet=as_json) as bar:
        for file in files:
            findings += check_file(file)
            done += file.path.stat().st_size
            bar(done, total)
    if as_json:
        print_json({"files": len(files), "bytes": total, "differences": [one._asdict() for one in findings]})
    elif findings:
        print("\n".join(map(str, findings)))
        print(f"{len({one.file for one in findings})} of {len(files)} files differ from their manifests")
        next_step("convert these recordings again, with --overwrite")
    else:
        print(f"same: {len(files)} files, {total:,} bytes")
        next_step(f"trading-platform data ls{f' {shlex.quote(str(root))}' if root is not None else ''}")
    if findings:
        raise typer.Exit(EXIT_DIFFERENT)


def snapshot(
    name: Annotated[
        str, typer.Argument(help="VENUE/INSTRUMENT of the catalogue.", metavar="VENUE/INSTRUMENT")
    ],
    at: Annotated[str, typer.Option("--at", help="The book before what we received then: ISO 8601, UTC.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npy or .npz file to write.")],
    root: RootOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the book at a time as an event file: for engine.initial_snapshot. A run over a range makes its own.

    Example: trading-platform data snapshot binance-usdm/BTCUSDT --at 2024-08-08T23:56:00Z --out book.npz
    """
    from ..config.times import parse_time_ns, time_text
    from ..data.catalog import read_book
    from ..data.events import BUY_FLAG, SELL_FLAG
    from ..data.files import require_event_suffix, save_events

    require_event_suffix(out)
    venue, _, instrument = name.partition("/")
    if not venue or not instrument or "/" in instrument:
        raise UsageError(f"NAME must be VENUE/INSTRUMENT, was {name}")
    at_ns = parse_time_ns(at, "--at")
    with progress("making the book", unit="items", quiet=as_json) as bar:
        rows = read_book(catalogue_root(root), venue, instrument, at_ns, progress=bar).snapshot
        save_events(out, rows, overwrite=overwrite)
    bids, asks = (rows[(rows["ev"] & side) != 0]["px"] for side in (BUY_FLAG, SELL_FLAG))
    bid, ask = (float(prices[0]) if len(prices) else None for prices in (bids, asks))
    told: dict[str, Any] = {"out": str(out), "bid_levels": len(bids), "ask_levels": len(asks)}
    told |= {"best_bid": bid, "best_ask": ask, "received": time_text(int(rows["local_ts"][0]))}
    if as_json:
        print_json(told)
        return
    print(
        f"wrote {out} ({len(bids):,} bids from {bid}, {len(asks):,} asks from {ask}, as of {told['received']})"
    )
    next_step(f"trading-platform run --config CONFIG --set 'engine.initial_snapshot=\"{out.absolute()}\"'")


def export(
    name: Annotated[
        str, typer.Argument(help="An event file, or VENUE/INSTRUMENT/DAY of one file.", metavar="NAME")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .parquet file to write.")],
    tick_size: Annotated[
        str | None, typer.Option(help="Tick, where no manifest tells it, such as 0.1.")
    ] = None,
    lot_size: Annotated[
        str | None, typer.Option(help="Lot, where no manifest tells it, such as 0.001.")
    ] = None,
    root: RootOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write an event file as Parquet for analysis: kind, side, times, ticks, lots, price, quantity.

    Example: trading-platform data export data/binance-usdm/BTCUSDT/2024-08-08/rows.npy --out rows.parquet
    """
    from ..data.catalog.export import export_parquet
    from ..data.files import load_events
    from ..data.snapshot import Grid

    files = _named(name, root)
    if len(files) != 1:
        listed = ", ".join(str(file.path) for file in files[:5])
        raise UsageError(f"NAME must mean one file, means {len(files)} ({listed}): name one of them")
    (file,) = files
    steps = []
    for option, given in (("tick_size", tick_size), ("lot_size", lot_size)):
        known = getattr(file.manifest, option) if file.manifest_path.is_file() else None
        steps.append(_step(f"--{option.replace('_', '-')}", given, known))
    rows = load_events(file.path)
    with progress("exporting", unit="items", quiet=as_json) as bar:
        count = export_parquet(rows, out, Grid.of(*steps), overwrite=overwrite, progress=bar)
    if as_json:
        print_json({"out": str(out), "rows": count, "bytes": out.stat().st_size})
        return
    print(f"wrote {out} ({count:,} rows, {out.stat().st_size:,} bytes)")
    next_step(f"python -c 'import polars; print(polars.scan_parquet(\"{out}\").head().collect())'")


def _step(option: str, given: str | None, known: Decimal | None) -> Decimal:
    """Return a step of the grid: the manifest's, or the option's where there is none; both must agree."""
    if given is None:
        if known is None:
            raise UsageError(f"{option} must be given for a file without a manifest, such as 0.1")
        return known
    step = decimal_option(option, given)
    if known is not None and step != known:
        raise UsageError(f"{option} must be left out or {known} as in the manifest, was {given}")
    return step
