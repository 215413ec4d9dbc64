"""``data convert`` and ``data synth``: event files that the engine maps."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from .common import JsonOption, UsageError, next_step, print_json, progress

NS_PER_S: Final = 1_000_000_000
FIRST_YEAR: Final = 1971
LAST_YEAR: Final = 2040  # times are int64 nanoseconds with room to add


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
    from ..data.convert.pipeline import convert as convert_files

    with progress("converting", unit="bytes", quiet=as_json) as show:
        result = convert_files(
            source, files, out, overwrite=overwrite, progress=lambda _file, done, total: show(done, total)
        )
    made = [{"path": str(one.path), "rows": one.rows, "gaps": one.report.gap_count} for one in result.files]
    if as_json:
        print_json({"clock_shift_ns": result.clock_shift_ns, "files": made})
        return
    if result.clock_shift_ns:
        print(
            f"receipt clock was {result.clock_shift_ns / 1e9:.9f} s behind: corrected once for the whole data set"
        )
    for one in made:
        print(f"wrote {one['path']} ({one['rows']:,} rows, {one['gaps']} gaps)")
    _next_run([Path(one.path) for one in result.files])


def synth(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npy or .npz file to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    seconds: Annotated[int, typer.Option(min=1, max=7 * 86_400, help="Length of the market.")] = 600,
    price: Annotated[int, typer.Option(help="First price; the tick is 0.1, the lot 0.001.")] = 60_000,
    start: Annotated[datetime, typer.Option(help="First time, UTC.")] = datetime(2024, 8, 1),  # noqa: DTZ001
    overwrite: Annotated[bool, typer.Option(help="Replace a file that differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic market of one liquid perpetual: tick 0.1, lot 0.001, bursts, jumps, informed orders.

    Example: trading-platform data synth --out market.npz --seed 7 --seconds 1800
    """
    from ..data.files import require_event_suffix, save_events
    from ..data.synth import HALF_WINDOW_TICKS, TICKS_PER_UNIT, synthesize
    from ..model.records import TICKS_MAX

    require_event_suffix(out)
    low, high = 2 * HALF_WINDOW_TICKS // TICKS_PER_UNIT, TICKS_MAX // TICKS_PER_UNIT
    if not low <= price <= high:
        raise UsageError(f"--price must be {low} to {high}, was {price}")
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise UsageError(f"--start must be a time of {FIRST_YEAR} to {LAST_YEAR}, was {start.isoformat()}")
    start_ns = int(start.replace(tzinfo=UTC).timestamp()) * NS_PER_S
    duration_ns = seconds * NS_PER_S
    with progress("synthesizing", unit="items", quiet=as_json) as show:
        show.phase("synthesizing")
        rows = synthesize(seed, start_ns, duration_ns, price_ticks=price * TICKS_PER_UNIT)
        save_events(out, rows, overwrite=overwrite)
    if as_json:
        print_json(
            {
                "out": str(out),
                "rows": len(rows),
                "seed": seed,
                "start_ns": start_ns,
                "duration_ns": duration_ns,
            }
        )
        return
    print(f"wrote {out} ({len(rows):,} rows, seed {seed})")
    _next_run([out])


def _next_run(files: list[Path]) -> None:
    listed = ", ".join(f'"{file.absolute()}"' for file in files)
    next_step(f"trading-platform run --config CONFIG --set 'engine.data_files=[{listed}]'")
