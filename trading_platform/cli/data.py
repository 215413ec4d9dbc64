"""``data convert`` and ``data synth``: event files that the engine maps."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .common import JsonOption, UsageError, decimal_option, next_step, print_json, progress

if TYPE_CHECKING:
    from ..data.convert import ConvertResult

NS_PER_S: Final = 1_000_000_000
NS_PER_US: Final = 1_000
FIRST_YEAR: Final = 1971
SYNTH_SECONDS: Final = 600
SYNTH_SECONDS_MAX: Final = 366 * 86_400
SYNTH_ROWS_MAX: Final = 10**10  # 640 GB
LAST_YEAR: Final = 2040  # times are int64 nanoseconds with room to add


def convert(
    source: Annotated[
        str, typer.Argument(help="Kind of data: binance-usdm, tardis, csv, ...; an unknown one lists all.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of one instrument, in the order of time; of all channels if they are apart."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Catalogue: <out>/<venue>/<instrument>/<day>.")],
    venue: Annotated[str | None, typer.Option(help="Name of the venue; else the source's.")] = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            help="Symbol, where the data does not name it (csv, parquet), or one that a directory cannot have."
        ),
    ] = None,
    tick_size: Annotated[
        str | None, typer.Option(help="Step of prices at that date; else derived from the decimals.")
    ] = None,
    lot_size: Annotated[
        str | None, typer.Option(help="Step of quantities at that date; else derived from the decimals.")
    ] = None,
    feed_latency_us: Annotated[
        int | None, typer.Option(min=1, help="Latency assumed for data without receipt times [us].")
    ] = None,
    book_ticker: Annotated[
        bool | None,
        typer.Option(
            "--book-ticker/--no-book-ticker",
            help="Take best levels from the book ticker where it is fresher; Binance, on for spot.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="Our column = theirs (csv, parquet): --map price=px. Repeatable, or a JSON file."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that differ.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert recordings to event files that the engine maps, a directory a day, each with manifest and certificate.

    Example: trading-platform data convert binance-usdm btcusdt_20240808.gz --out data
    """
    from ..data.convert import Options
    from ..data.convert.binance import COMPILED_SOURCES
    from ..data.convert.binance_lines import parse_lines
    from ..data.convert.pipeline import convert as convert_files

    options = Options(
        venue=venue,
        instrument=instrument,
        tick_size=_step("--tick-size", tick_size),
        lot_size=_step("--lot-size", lot_size),
        feed_latency_ns=None if feed_latency_us is None else feed_latency_us * NS_PER_US,
        book_ticker=book_ticker,
        columns=_columns(columns or []),
    )
    with progress("converting", unit="bytes", quiet=as_json) as show:
        if source in COMPILED_SOURCES and not parse_lines.is_cached:
            show.phase("compiling the parser, once per installation: about half a minute")
        result = convert_files(source, files, out, options, overwrite=overwrite, progress=_whole(files, show))
    made = [
        {
            "path": str(one.path),
            "rows": one.rows,
            "gaps": one.facts.gap_count,
            "day": one.facts.day.isoformat(),
            "verdict": str(one.certificate.verdict),
            "findings": {finding.code: finding.count for finding in one.certificate.findings},
        }
        for one in result.files
    ]
    if as_json:
        print_json(
            {
                "venue": result.venue,
                "instrument": result.instrument,
                "clock_shift_ns": result.clock_shift_ns,
                "latency_min_ns": result.latency_min_ns,
                "tick_size": str(result.files[0].facts.tick_size),
                "lot_size": str(result.files[0].facts.lot_size),
                "grid": result.files[0].facts.grid,
                "ignored": dict(sum((Counter(report.ignored) for report in result.reports), Counter())),
                "files": made,
            }
        )
        return
    derived = [name for name, step in (("tick", tick_size), ("lot", lot_size)) if step is None]
    _print_converted(result, derived)
    _next_run([Path(one.path) for one in result.files])


def _print_converted(result: "ConvertResult", derived: list[str]) -> None:
    from ..data.certify.codes import Severity

    if result.clock_shift_ns:
        print(
            f"receipt clock was {result.clock_shift_ns / 1e9:.9f} s behind: corrected once for the whole data set"
        )
    for report in result.reports:
        for gap in report.gaps:
            print(f"gap before {gap.file}:{gap.line}: expected id {gap.expected:,}, found {gap.found:,}")
        if report.gap_is_open:
            print("the last gap is open: no snapshot came after it, so the book may be wrong from there on")
        if report.ignored:
            print(
                "ignored " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.ignored.items()))
            )
    facts = result.files[0].facts
    steps = {"tick": facts.tick_size, "lot": facts.lot_size}
    for name in derived:
        print(
            f"{name} size {steps[name]:f} is derived from the decimals of the data: "
            f"give that of the date with --{name}-size"
        )
    for one in result.files:
        gaps = one.facts.gap_count
        print(
            f"wrote {one.path} ({one.rows:,} rows, {gaps} gap{'' if gaps == 1 else 's'}, {one.certificate.verdict})"
        )
        for finding in one.certificate.findings:
            if finding.severity is not Severity.INFO:
                print(f"  {finding.severity} {finding.code} {finding.count:,}: {finding.what}")


def _whole(files: list[Path], show: Callable[[int, int], None]) -> Callable[[Path, int, int], None]:
    """Return a progress over the bytes of all files together."""
    sizes = {file: file.stat().st_size if file.is_file() else 0 for file in files}
    before = {file: sum(sizes[other] for other in files[:at]) for at, file in enumerate(files)}
    return lambda file, done, _size: show(before[file] + done, sum(sizes.values()))


def _step(option: str, text: str | None) -> Decimal | None:
    return None if text is None else decimal_option(option, text)


def _columns(texts: list[str]) -> dict[str, str]:
    """Return the mapping of columns: ours -> theirs."""
    columns: dict[str, str] = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        found = {ours.strip(): theirs.strip()} if equals else _mapping_file(Path(text))
        for name in found.keys() & columns.keys():
            raise UsageError(f"--map {name} must be given once, was given again as {found[name]!r}")
        columns |= found
    return columns


def _mapping_file(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--map must be OURS=THEIRS or a JSON file of such pairs, was {str(path)!r} ({error})"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f'--map {path}: must hold one JSON object of texts, like {{"price": "px"}}')
    return found


def synth(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npy or .npz file to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    seconds: Annotated[
        int | None,
        typer.Option(min=1, max=SYNTH_SECONDS_MAX, help="Length of the market; 600 if --rows is not given."),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(min=1, max=SYNTH_ROWS_MAX, help="Instead of --seconds: end after so many rows."),
    ] = None,
    price: Annotated[int, typer.Option(help="First price; the tick is 0.1, the lot 0.001.")] = 60_000,
    start: Annotated[datetime, typer.Option(help="First time, UTC.")] = datetime(2024, 8, 1),  # noqa: DTZ001
    overwrite: Annotated[bool, typer.Option(help="Replace a file that differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic market of one liquid perpetual: tick 0.1, lot 0.001, bursts, jumps, informed orders.

    Example: trading-platform data synth --out market.npz --seed 7 --seconds 1800
    """
    from ..data.files import require_event_suffix
    from ..data.synth import HALF_WINDOW_TICKS, TICKS_PER_UNIT, save_synthetic
    from ..model.records import TICKS_MAX

    require_event_suffix(out)
    low, high = 2 * HALF_WINDOW_TICKS // TICKS_PER_UNIT, TICKS_MAX // TICKS_PER_UNIT
    if not low <= price <= high:
        raise UsageError(f"--price must be {low} to {high}, was {price}")
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise UsageError(f"--start must be a time of {FIRST_YEAR} to {LAST_YEAR}, was {start.isoformat()}")
    start_ns = int(start.replace(tzinfo=UTC).timestamp()) * NS_PER_S
    if rows is None:
        seconds = seconds or SYNTH_SECONDS
    elif seconds is not None:
        raise UsageError(f"--rows must be given without --seconds, was {rows} with --seconds {seconds}")
    with progress("synthesizing", unit="time" if rows is None else "items", quiet=as_json) as show:
        show.phase("synthesizing")
        told = save_synthetic(
            out,
            seed,
            start_ns,
            None if seconds is None else seconds * NS_PER_S,
            rows=rows,
            price_ticks=price * TICKS_PER_UNIT,
            overwrite=overwrite,
            progress=show,
        )
    if as_json:
        print_json(
            {
                "out": str(out),
                "rows": told["rows"],
                "seed": seed,
                "start_ns": start_ns,
                "duration_ns": told["last_exch_ns"] - start_ns if seconds is None else seconds * NS_PER_S,
            }
        )
        return
    print(f"wrote {out} ({told['rows']:,} rows, seed {seed})")
    _next_run([out])


def _next_run(files: list[Path]) -> None:
    listed = ", ".join(f'"{file.absolute()}"' for file in files)
    next_step(f"trading-platform run --config CONFIG --set 'engine.data_files=[{listed}]'")
