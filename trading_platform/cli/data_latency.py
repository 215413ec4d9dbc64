"""``data latency feed | orders | profile``: files of order latencies for ``engine.latency`` of kind interpolated."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .common import JsonOption, UsageError, next_step, number_option, print_json, progress
from .data_certify import event_files

if TYPE_CHECKING:
    from ..data.latency import LatencyFacts

NS_PER_S: Final = 10**9
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The .npz (or .npy) file to write.")]
OverwriteOption = Annotated[bool, typer.Option(help="Replace a file that differs.")]
IntervalOption = Annotated[
    str, typer.Option(help="Time between two rows [s]; the engine interpolates between.")
]


def feed(
    files: Annotated[
        list[Path], typer.Argument(help="Event files of one stream in the order of time, or a directory.")
    ],
    out: OutOption,
    entry_factor: Annotated[str, typer.Option(help="Order entry as a multiple of feed latency.")] = "1",
    entry_offset: Annotated[str, typer.Option(help="Added to it [s].")] = "0",
    response_factor: Annotated[str, typer.Option(help="Order response as a multiple of feed latency.")] = "1",
    response_offset: Annotated[str, typer.Option(help="Added to it [s].")] = "0",
    floor: Annotated[str, typer.Option(help="The least of either way [s].")] = "0.0001",
    interval: IntervalOption = "0.1",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make order latencies that follow the feed latency: slow market data, slow orders.

    Example: trading-platform data latency feed data/btcusdt.npy --entry-factor 1.5 --floor 0.002 --out latency.npz
    """
    from ..data.files import load_events
    from ..data.latency import Leg, latencies_from_feed, save_latencies

    paths = event_files(files)
    floor_ns = _ns("--floor", floor)
    entry = Leg(_factor("--entry-factor", entry_factor), _ns("--entry-offset", entry_offset), floor_ns)
    response = Leg(
        _factor("--response-factor", response_factor), _ns("--response-offset", response_offset), floor_ns
    )
    with progress("making latencies", unit="items", quiet=as_json) as show:
        rows = latencies_from_feed(
            [load_events(path) for path in paths],
            entry=entry,
            response=response,
            interval_ns=_ns("--interval", interval),
            progress=show,
        )
    facts = save_latencies(out, rows, overwrite=overwrite)
    shifted = [path for path in paths if _is_shifted(path)]
    note = (
        f"the receipt clock of {shifted[0].name} was corrected, so its feed latency has no level of its own: the "
        "fastest row counts as almost nothing; add --entry-offset and --response-offset, or measure your orders"
        if shifted
        else ""
    )
    _tell(out, facts, as_json=as_json, notes=[note] if note else [])


def orders(
    file: Annotated[Path, typer.Argument(help="CSV with a header: a line a request.")],
    out: OutOption,
    columns: Annotated[
        str,
        typer.Option(help="Columns: sent (our clock), acknowledged (venue's clock), received (our clock)."),
    ] = "sent,acknowledged,received",
    unit: Annotated[str, typer.Option(help="Unit of the times since 1970: ns, us or ms.")] = "ns",
    venue_shift_ns: Annotated[
        int,
        typer.Option("--venue-shift-ns", help="Added to the venue's times, to bring its clock to ours [ns]."),
    ] = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make order latencies from own recorded orders: the best there is.

    Example: trading-platform data latency orders my_orders.csv --unit us --out latency.npz
    """
    from ..data.latency import latencies_from_orders, save_latencies

    names = tuple(name.strip() for name in columns.split(","))
    if len(names) != 3 or len(set(names)) != 3 or not all(names):
        raise UsageError(f"--columns must be three names with commas between, was {columns}")
    own = latencies_from_orders(
        file, columns=(names[0], names[1], names[2]), unit=unit, venue_shift_ns=venue_shift_ns
    )
    facts = save_latencies(out, own.rows, overwrite=overwrite)
    notes = []
    if own.unanswered:
        notes.append(f"{own.unanswered:,} requests without an answer were left out")
    if own.held:
        notes.append(
            f"{own.held:,} requests overtook one before them: held at its venue time, no order overtakes here"
        )
    _tell(out, facts, as_json=as_json, notes=notes, unanswered=own.unanswered, held=own.held)


def profile(
    name: Annotated[str, typer.Argument(help="colocated, same-region or cross-region.")],
    out: OutOption,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Event file whose time to cover. Repeatable.")
    ] = None,
    start: Annotated[datetime | None, typer.Option(help="First time, UTC; instead of --data.")] = None,
    end: Annotated[datetime | None, typer.Option(help="Last time, UTC; instead of --data.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same rows.")] = 1,
    interval: IntervalOption = "0.1",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make order latencies of a named place: a base, jitter and rare spikes, drawn from a seed.

    Example: trading-platform data latency profile same-region --data data/btcusdt.npy --out latency.npz
    """
    from ..data.latency import latencies_of_profile, save_latencies

    first_ns, last_ns = _range(data or [], start, end)
    rows = latencies_of_profile(name, first_ns, last_ns, seed=seed, interval_ns=_ns("--interval", interval))
    facts = save_latencies(out, rows, overwrite=overwrite)
    _tell(out, facts, as_json=as_json, notes=[], seed=seed)


def _range(data: Sequence[Path], start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """Return the times to cover [ns]: those of the data, or the given ones."""
    from ..data.files import load_events

    if data and not (start or end):
        arrays = [load_events(path) for path in event_files(data)]
        return int(arrays[0]["local_ts"][0]), int(arrays[-1]["local_ts"][-1])
    if data or start is None or end is None:
        raise UsageError("the time to cover must be given by --data, or by --start and --end")
    first, last = (int(at.replace(tzinfo=UTC).timestamp()) * NS_PER_S for at in (start, end))
    if not 0 < first <= last:
        raise UsageError(f"--end must not be before --start, was {end.isoformat()}")
    return first, last


def _ns(name: str, text: str) -> int:
    """Return the seconds of an option as ns."""
    from ..model.units import seconds_to_ns

    value = number_option(name, text)
    if abs(value) > 3600:
        raise UsageError(f"{name} must be at most 3600 s, was {text}")
    return seconds_to_ns(value, name)


def _factor(name: str, text: str) -> Fraction:
    value = number_option(name, text)
    if not 0 <= value <= 1000:
        raise UsageError(f"{name} must be 0 to 1000, was {text}")
    return Fraction(value)


def _is_shifted(path: Path) -> bool:
    """Tell whether the manifest says that receipt times were shifted."""
    from ..data.manifest import manifest_of

    manifest = manifest_of(path)
    return manifest is not None and manifest.stream.clock_shift_ns != 0


def _tell(out: Path, facts: "LatencyFacts", *, as_json: bool, notes: Sequence[str], **more: int) -> None:
    """Print what was written, what is to be known about it, and how a run uses it."""
    from ..data.certify.words import iso, span

    names = ("min", "p50", "p99", "max")
    if as_json:
        told: dict[str, Any] = {
            "out": str(out),
            "rows": facts.rows,
            "first_ns": facts.first_ns,
            "last_ns": facts.last_ns,
            "entry_ns": dict(zip(names, facts.entry_ns, strict=True)),
            "response_ns": dict(zip(names, facts.response_ns, strict=True)),
            "notes": list(notes),
        }
        print_json(told | more)
        return
    for label, values in (("entry", facts.entry_ns), ("response", facts.response_ns)):
        shown = ", ".join(f"{name} {span(value)}" for name, value in zip(names, values, strict=True))
        print(f"{label:8}  {shown}")
    for note in notes:
        print(f"note: {note}")
    print(f"wrote {out} ({facts.rows:,} rows, {iso(facts.first_ns)} to {iso(facts.last_ns)})")
    value = f'{{"kind":"interpolated","file":"{out.absolute()}"}}'
    next_step(f"trading-platform run --config CONFIG --set 'engine.latency={value}'")
