"""``data certify`` and ``data clean``: what is wrong in event files, and explicit repairs of it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .common import JsonOption, UsageError, console, next_step, print_json, progress

if TYPE_CHECKING:
    from ..data.certify.certify import Certificate, Overrides
    from ..data.certify.model import FileCertificate

NS_PER_S: Final = 10**9
Paths = Annotated[
    list[Path],
    typer.Argument(
        help="Event files (.npy, .npz) of one stream in the order of time, or a directory.", metavar="PATH..."
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
    from ..data.certify import Certificate, Verdict, certify_files, write_certificates

    streams = streams_of(event_files(paths))
    overrides = _overrides(gap, outside_ppm)
    grid = {
        "tick_size": decimal_option("--tick-size", tick_size),
        "lot_size": decimal_option("--lot-size", lot_size),
    }
    certificates, written = [], list[Path]()
    for files in streams:
        with progress("certifying", unit="items", quiet=as_json) as show:
            certificates.append(certify_files(files, **grid, overrides=overrides, progress=show))
        written += write_certificates(certificates[-1], files)
    whole = Certificate(tuple(one for certificate in certificates for one in certificate.files))
    if as_json:
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
        for certificate, files in zip(certificates, streams, strict=True):
            _print_certificates(certificate, files, _grid_options(tick_size, lot_size))
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

    files = one_stream(paths)
    codes = list(
        dict.fromkeys(code.strip().upper() for text in fix for code in text.split(",") if code.strip())
    )
    with progress("cleaning", unit="items", quiet=as_json) as show:
        made = clean_files(
            files,
            codes,
            out,
            tick_size=decimal_option("--tick-size", tick_size),
            lot_size=decimal_option("--lot-size", lot_size),
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
    """Return the files that are named, and those of the directories that are.

    Files of a directory are in the order of time if they have manifests, else in that of their names.

    Raises
    ------
    UsageError : a directory without event files, or a file twice
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = _in_order(
            one
            for one in path.rglob("*")
            if one.suffix in (".npy", ".npz")
            and not any(part.startswith(".") for part in one.relative_to(path).parts)
        )
        if not inside:
            raise UsageError(f"{path} must hold .npy or .npz files, holds none: convert a recording into it")
        files += inside
    for index, path in enumerate(files):
        if path in files[:index]:
            raise UsageError(f"{path} must be named once, was named twice")
    return files


def _in_order(files: Iterable[Path]) -> list[Path]:
    from ..data.manifest import manifest_of

    named = sorted(files)
    manifests = [manifest_of(path) for path in named]
    starts = [0 if one is None else one.output.first_local_ns for one in manifests]
    if None in manifests:
        return named
    return [path for _, path in sorted(zip(starts, named, strict=True))]


def streams_of(files: Sequence[Path]) -> list[list[Path]]:
    """Return the files of each instrument apart, in the order given; files without a manifest are of one stream."""
    from ..data.manifest import manifest_of

    streams: dict[tuple[str, str], list[Path]] = {}
    for path in files:
        manifest = manifest_of(path)
        whose = ("", "") if manifest is None else (manifest.venue, manifest.instrument)
        streams.setdefault(whose, []).append(path)
    return list(streams.values())


def one_stream(paths: Sequence[Path]) -> list[Path]:
    """Return `event_files`, which must be of one instrument.

    Raises
    ------
    UsageError : see event_files, and files of two instruments
    """
    files = event_files(paths)
    streams = streams_of(files)
    if len(streams) > 1:
        raise UsageError(
            f"files must be of one instrument, are of {len(streams)} ({streams[0][0]} and {streams[1][0]} differ): "
            "name the directory of one"
        )
    return files


def decimal_option(name: str, text: str | None) -> Decimal | None:
    """Return the number of an option, None if it was not given.

    Raises
    ------
    UsageError : it is no finite number > 0
    """
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise UsageError(f"{name} must be a number > 0 such as 0.1, was {text}")
    return value


def _overrides(gap: float | None, outside_ppm: int | None) -> "Overrides":
    from ..data.certify import Overrides

    if gap is not None and not 0 < gap <= 10**6:
        raise UsageError(f"--gap must be > 0 and at most 1000000 s, was {gap}")
    return Overrides(gap_ns=None if gap is None else max(1, round(gap * NS_PER_S)), outside_ppm=outside_ppm)


def _grid_options(tick_size: str | None, lot_size: str | None) -> str:
    """Return the options of the grid as they were given, for a command that goes on from here."""
    given = (("--tick-size", tick_size), ("--lot-size", lot_size))
    return "".join(f" {name} {value}" for name, value in given if value is not None)


def _print_certificates(certificate: "Certificate", files: Sequence[Path], grid: str) -> None:
    from ..data.certify.store import certificate_path

    for one, path in zip(certificate.files, files, strict=True):
        _print_certificate(one, path)
        print(f"wrote {certificate_path(path)}")
    repairable = _repairable(certificate)
    if repairable:
        named = " ".join(map(str, files))
        next_step(f"trading-platform data clean {named}{grid} --fix {','.join(repairable)} --out DIR")
    else:
        listed = ", ".join(f'"{file.absolute()}"' for file in files)
        next_step(f"trading-platform run --config CONFIG --set 'engine.data_files=[{listed}]'")


def _repairable(certificate: "Certificate") -> list[str]:
    """Return the codes found, errors and warnings, that `data clean` can repair."""
    from ..data.certify import Severity
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
