"""``data certify`` and ``data clean``: what is wrong in event files, and explicit repairs of it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .common import JsonOption, UsageError, console, decimal_option, next_step, print_json, progress

if TYPE_CHECKING:
    from ..data.certify.certify import Certificate, Overrides
    from ..data.certify.model import FileCertificate

NS_PER_S: Final = 10**9
Paths = Annotated[
    list[Path],
    typer.Argument(
        help="Event files (.npy, .npz) of one stream in the order of time, or directories.", metavar="PATH..."
    ),
]
TickOption = Annotated[
    str | None, typer.Option("--tick-size", help="Grid of prices, such as 0.1; else the manifest's.")
]
LotOption = Annotated[
    str | None, typer.Option("--lot-size", help="Grid of quantities, such as 0.001; else the manifest's.")
]


def certify(
    paths: Paths,
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    gap: Annotated[
        float | None, typer.Option(help="Silence that is a gap [s]; else 50 times the usual, at least 1 s.")
    ] = None,
    outside_ppm: Annotated[
        int | None,
        typer.Option(
            min=0, max=10**6, help="Distance from the touch a trade may have [1e-6 of the price]; else 5000."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if there is a warning or an error.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for everything that is wrong or odd in event files, and write a certificate beside each.

    Example: trading-platform data certify data/btcusdt.npy --tick-size 0.1 --lot-size 0.001
    """
    from ..data.certify.certify import Certificate
    from ..data.certify.codes import Verdict
    from ..data.certify.store import certify_files, write_certificates

    overrides = _overrides(gap, outside_ppm)
    made: list[tuple[Certificate, list[Path], list[Path]]] = []  # with the files, and where it was written
    for files in streams_of(paths):
        with progress(f"certifying {files[0].parent}", unit="items", quiet=as_json) as show:
            certificate = certify_files(
                files,
                tick_size=_given("--tick-size", tick_size),
                lot_size=_given("--lot-size", lot_size),
                overrides=overrides,
                progress=show,
            )
        made.append((certificate, files, write_certificates(certificate, files)))
    whole = Certificate(tuple(one for certificate, _, _ in made for one in certificate.files))
    if as_json:
        written = [path for _, _, paths_written in made for path in paths_written]
        print_json(
            {
                "verdict": str(whole.verdict),
                "files": [
                    {"path": str(path), "certificate": one.model_dump(mode="json", by_alias=True)}
                    for path, one in zip(written, whole.files, strict=True)
                ],
            }
        )
    else:
        for certificate, files, written in made:
            _print_certificates(certificate, files, written, _grid_options(tick_size, lot_size))
    if strict and whole.verdict is not Verdict.CLEAN:
        raise typer.Exit(1)


def clean(
    paths: Paths,
    fix: Annotated[
        list[str],
        typer.Option(
            "--fix", help="Codes of findings to repair, with commas between or repeated.", metavar="CODE"
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the repaired files.")],
    tick_size: TickOption = None,
    lot_size: LotOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace outputs that differ.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Repair what a certificate found: only the codes that are named, into other files, and written down.

    Example: trading-platform data clean data/btcusdt.npy --fix DUPLICATE,LATENCY --out cleaned
    """
    from ..data.clean import clean as clean_files

    files = event_files(paths)
    codes = list(
        dict.fromkeys(code.strip().upper() for text in fix for code in text.split(",") if code.strip())
    )
    with progress("cleaning", unit="items", quiet=as_json) as show:
        made = clean_files(
            files,
            codes,
            out,
            tick_size=_given("--tick-size", tick_size),
            lot_size=_given("--lot-size", lot_size),
            overwrite=overwrite,
            progress=show,
        )
    if as_json:
        print_json(
            [
                {
                    "path": str(one.path),
                    "parent": str(one.parent),
                    "rows_before": one.rows_before,
                    "rows_after": one.rows_after,
                    "fixes": list(one.fixes),
                    "verdict": str(one.certificate.verdict),
                }
                for one in made
            ]
        )
        return
    for one in made:
        for entry in one.fixes:
            print(f"{one.parent}: {_done(entry)}")
        print(
            f"wrote {one.path} ({one.rows_before:,} rows before, {one.rows_after:,} after, {one.certificate.verdict})"
        )
    next_step(f"trading-platform data certify {' '.join(str(one.path) for one in made)}")


def _done(entry: dict[str, object]) -> str:
    """Say what one repair did."""
    from ..data.clean import FIXES

    code = str(entry["code"])
    if not entry["count"]:
        return f"{code}: nothing to repair"
    more = "".join(f", {name} {entry[name]}" for name in ("shift_ns", "slope_ns_per_s") if name in entry)
    return f"{code}: {entry['count']:,} ({FIXES[code]}{more})"


def event_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files of the one stream that is named, see `streams_of`.

    Raises
    ------
    UsageError : a directory without event files or with those of several streams, or a file twice
    """
    streams = streams_of(paths)
    if len(streams) > 1:
        named = ", ".join(str(_folder_of(files[0])) for files in streams)
        raise UsageError(f"PATH must be one stream, was {len(streams)} ({named}): name one of them")
    return streams[0]


def streams_of(paths: Sequence[Path]) -> list[list[Path]]:
    """Return the streams that are named: the files among ``paths`` as one, and those in each directory.

    In a directory the files of one folder are a stream, of a catalogue those of one instrument, in the order of
    receipt. What begins with a dot is no data: a conversion works there.

    Raises
    ------
    UsageError : a directory without event files, or a file twice
    """
    streams = [[path for path in paths if not path.is_dir()]]
    for path in paths:
        if path.is_dir():
            streams += _streams_in(path)
    files = [file for stream in streams for file in stream]
    for index, file in enumerate(files):
        if file in files[:index]:
            raise UsageError(f"{file} must be named once, was named twice")
    return [stream for stream in streams if stream]


def _streams_in(root: Path) -> list[list[Path]]:
    inside: dict[Path, list[Path]] = {}
    for file in sorted(root.rglob("*")):
        is_hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
        if file.suffix in (".npy", ".npz") and not is_hidden:
            inside.setdefault(_folder_of(file), []).append(file)
    if not inside:
        raise UsageError(f"{root} must hold .npy or .npz files, holds none: convert a recording into it")
    return [sorted(files, key=_first_local_ns) for files in inside.values()]


def _folder_of(file: Path) -> Path:
    """Return the folder that makes files one stream: that of the instrument if the file's own is a day."""
    from ..data.catalog.files import DAY

    folder = file.absolute().parent
    return folder.parent if DAY.fullmatch(folder.name) else folder


def _first_local_ns(file: Path) -> int:
    """Return when the first row of a file was received [ns]."""
    from ..data.events import LOCAL_FLAG
    from ..data.files import load_events

    rows = load_events(file)
    return int(rows["local_ts"][((rows["ev"] & LOCAL_FLAG) != 0).argmax()])


def _given(name: str, text: str | None) -> Decimal | None:
    return None if text is None else decimal_option(name, text)


def _overrides(gap: float | None, outside_ppm: int | None) -> "Overrides":
    from ..data.certify.certify import Overrides

    if gap is not None and not 0 < gap <= 10**6:
        raise UsageError(f"--gap must be > 0 and at most 1000000 s, was {gap}")
    return Overrides(gap_ns=None if gap is None else max(1, round(gap * NS_PER_S)), outside_ppm=outside_ppm)


def _grid_options(tick_size: str | None, lot_size: str | None) -> str:
    """Return the options of the grid as they were given, for a command that goes on from here."""
    given = (("--tick-size", tick_size), ("--lot-size", lot_size))
    return "".join(f" {name} {value}" for name, value in given if value is not None)


def _print_certificates(
    certificate: "Certificate", files: Sequence[Path], written: Sequence[Path], grid: str
) -> None:
    for one, path, out in zip(certificate.files, files, written, strict=True):
        _print_certificate(one, path)
        print(f"wrote {out}")
    repairable = _repairable(certificate)
    if repairable:
        named = " ".join(map(str, files))
        next_step(f"trading-platform data clean {named}{grid} --fix {','.join(repairable)} --out DIR")
    else:
        listed = ", ".join(f'"{file.absolute()}"' for file in files)
        next_step(f"trading-platform run --config CONFIG --set 'engine.data_files=[{listed}]'")


def _repairable(certificate: "Certificate") -> list[str]:
    """Return the codes found, errors and warnings, that `data clean` can repair."""
    from ..data.certify.codes import Severity
    from ..data.clean import FIXES

    found = [
        finding.code
        for one in certificate.files
        for finding in one.findings
        if finding.severity is not Severity.INFO
    ]
    return [code for code in dict.fromkeys(found) if code in FIXES]


def _print_certificate(one: "FileCertificate", path: Path) -> None:
    from rich.table import Table

    from ..data.certify.words import place_text, summary_lines

    out = console()
    out.print(f"{path}: {one.verdict}", markup=False)
    for line in summary_lines(one):
        out.print(f"  {line}", markup=False)
    if not one.findings:
        out.print("  nothing found", markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style=None)
    for column in ("severity", "code", "count", "first", "what"):
        table.add_column(column, justify="right" if column == "count" else "left", no_wrap=column != "what")
    for finding in one.findings:
        first = place_text(finding, finding.places[0]) if finding.places else ""
        table.add_row(str(finding.severity), finding.code, f"{finding.count:,}", first, finding.what)
    out.print(table)
    for finding in one.findings:
        out.print(f"  {finding.code}: {finding.effect}; {finding.cure}", markup=False)
