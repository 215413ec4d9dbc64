"""Repair event files: only what is asked for, by what the certificate found, and written down.

What is to be dropped is marked by the pass of the certificate itself, so that both agree. The result is certified;
a repair that brings the same finding forth again (a trade is outside of the repaired book, say) is repeated.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...model.errors import ConfigError, DataError
from ..certify.book import new_book
from ..certify.certify import Certificate, Progress
from ..certify.codes import Code
from ..certify.drift import slope_of
from ..certify.model import FileCertificate
from ..certify.scan import CHUNK_ROWS, Scan, begin_file, new_scan, scan_rows
from ..certify.store import certify_files, stream_grid
from ..certify.survey import Survey, survey
from ..certify.verdict import certificate_path
from ..events import EXCH_FLAG, LOCAL_FLAG, EventArray
from ..files import file_sha256, load_events, publish_all, save_events
from ..manifest import UNKNOWN, Manifest, SourceFile, Stream, manifest_of, manifest_path, output_of
from ..order import split_event_order
from ..validate import grid_ratio
from .fixes import DROPS, FIXES, LEVELS, NOT_FIXED, ORDER
from .levels import SideBook, new_side_book, remove_passed_levels

BASE_LATENCY_NS: Final = 1  # the least feed latency after a shift
ROUNDS: Final = 4
NS_PER_S: Final = 1_000_000_000
Entry = dict[str, Any]


@dataclass(frozen=True)
class CleanedFile:
    """One repaired file: where it is, what it was made from, and what was done."""

    path: Path
    parent: Path
    rows_before: int
    rows_after: int
    fixes: tuple[Entry, ...]
    certificate: FileCertificate


@dataclass(frozen=True)
class _Stream:
    """What a round needs to know of the whole stream."""

    codes: frozenset[Code]
    grids: npt.NDArray[np.float64]
    tick_size: Decimal
    looked: Survey
    slope: float  # [ns/s] of the receipt clock
    first_local_ns: int
    shift_ns: int


def clean(
    paths: Sequence[Path],
    fixes: Sequence[str],
    out_dir: Path,
    *,
    tick_size: Decimal | None = None,
    lot_size: Decimal | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> tuple[CleanedFile, ...]:
    """Repair consecutive event files of one stream, each with manifest and certificate.

    A file with a manifest becomes ``out_dir/<venue>/<instrument>/<day>/<stem>.npy``, as in a catalogue; one without
    becomes ``out_dir/<stem>.npy``.

    Parameters
    ----------
    paths : files in order of time; they are never changed
    fixes : names of codes that FIXES has; each is applied to all files, in one fixed order
    out_dir : made if absent; must not be where the files are
    tick_size, lot_size : [quote], [base or contracts]; None takes the manifest's
    overwrite : replace existing outputs that differ
    progress : called with rows done and rows in all, at each pass

    Raises
    ------
    ConfigError : an unknown code, one that cannot be repaired (the message says why), outputs onto inputs
    DataError : a file that cannot be read, a finding that remains, a file of which nothing is left
    """
    codes = _checked(fixes)
    manifests = [manifest_of(path) for path in paths]
    outputs = [_output(out_dir, path, manifest) for path, manifest in zip(paths, manifests, strict=True)]
    taken = {path.resolve() for path in paths} & {path.resolve() for path in outputs}
    if taken or len(set(outputs)) != len(outputs):
        raise ConfigError(
            f"--out must be another directory than that of the files, and their stems must differ, was {out_dir}"
        )
    ticks = stream_grid("tick_size", tick_size, paths, manifests)
    lots = stream_grid("lot_size", lot_size, paths, manifests)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clean-", dir=out_dir) as folder:
        entries: list[list[Entry]] = [[] for _ in paths]
        current = list(paths)
        for number in range(ROUNDS):
            work = Path(folder) / str(number)
            work.mkdir()
            current = _round(current, codes, (ticks, lots), work, entries)
            certificate = certify_files(current, tick_size=ticks, lot_size=lots, progress=progress)
            if not _remaining(certificate, codes):
                break
        else:
            left = ", ".join(sorted(_remaining(certificate, codes)))
            raise DataError(
                f"{', '.join(path.name for path in paths)}: {left} must be gone after {ROUNDS} rounds, was still "
                "found; nothing was written: look at the first places in the certificate"
            )
        return _publish(paths, current, outputs, manifests, entries, (ticks, lots), overwrite=overwrite)


def _output(out_dir: Path, path: Path, manifest: Manifest | None) -> Path:
    if manifest is None or manifest.venue == UNKNOWN:
        return out_dir / f"{path.stem}.npy"
    return out_dir / manifest.venue / manifest.instrument / manifest.day.isoformat() / f"{path.stem}.npy"


def _checked(fixes: Sequence[str]) -> frozenset[Code]:
    if not fixes:
        raise ConfigError(f"--fix must name at least one of {', '.join(FIXES)}")
    for name in fixes:
        if name in NOT_FIXED:
            raise ConfigError(f"--fix {name} cannot be repaired: {NOT_FIXED[name]}")
        if name not in FIXES:
            raise ConfigError(f"--fix must be of {', '.join(FIXES)}, was {name}")
    return frozenset(Code[name] for name in fixes)


def _remaining(certificate: Certificate, codes: frozenset[Code]) -> set[str]:
    """Return which of the codes are still found. A passed level is gone only if no side crosses the other."""
    found = {finding.code for one in certificate.files for finding in one.findings}
    return found & {code.name for code in codes}


def _round(
    paths: Sequence[Path],
    codes: frozenset[Code],
    grid: tuple[Decimal, Decimal],
    work: Path,
    entries: list[list[Entry]],
) -> list[Path]:
    """Repair each file once, one in memory at a time, into ``work``; the entries of each grow."""
    arrays = [load_events(path) for path in paths]
    grids = np.array([grid_ratio(step) for step in grid], np.float64)
    looked = survey(arrays, grids[0])
    slope = slope_of(_stretches(arrays, grids, looked)) if Code.CLOCK_DRIFT in codes else 0.0
    first_ns = int(arrays[0]["local_ts"][0])
    stream = _Stream(codes, grids, grid[0], looked, slope, first_ns, 0)
    if codes & {Code.LATENCY, Code.CLOCK_DRIFT}:
        least_ns = min(_least_latency_ns(rows, stream) for rows in arrays)
        stream = _Stream(codes, grids, grid[0], looked, slope, first_ns, max(0, BASE_LATENCY_NS - least_ns))
    scan = new_scan(looked)
    sides = tuple(new_side_book(flag, new_book(looked.low_ticks)) for flag in (EXCH_FLAG, LOCAL_FLAG))
    made = []
    for number, (path, rows, told) in enumerate(zip(paths, arrays, entries, strict=True)):
        repaired = _repair(rows, path.name, stream, scan, (sides[0], sides[1]), told)
        if not len(repaired):
            raise DataError(
                f"{path}: must keep at least one row, would keep none: are these the right codes?"
            )
        made.append(work / str(number) / f"{path.stem}.npy")  # stems of different days may be equal
        save_events(made[-1], repaired)
    return made


def _repair(
    rows: EventArray,
    name: str,
    stream: _Stream,
    scan: Scan,
    sides: tuple[SideBook, SideBook],
    told: list[Entry],
) -> EventArray:
    """Return the repaired rows of one file; ``told`` gets what was done."""
    marks = _marks(rows, stream.grids, scan)
    keep = np.ones(len(rows), np.bool_)
    for code in sorted(stream.codes & DROPS):
        hit = (marks & np.uint32(1 << code)) != 0
        count = int(np.count_nonzero(hit & keep))
        before = int(np.count_nonzero(keep))
        keep &= ~hit
        _tell(told, code, count, before, before - count)
    rows = rows[keep] if not keep.all() else np.array(rows)
    for code in sorted(stream.codes & ORDER):
        falls = int(np.count_nonzero(marks & np.uint32(1 << code)))
        before = len(rows)
        if falls:
            rows = _sorted(rows, name)
        _tell(told, code, falls, before, len(rows))
    if Code.CLOCK_DRIFT in stream.codes:
        rows["local_ts"] -= _drifted_ns(rows, stream)
        _tell(told, Code.CLOCK_DRIFT, len(rows), len(rows), len(rows), slope_ns_per_s=stream.slope)
    if stream.codes & {Code.LATENCY, Code.CLOCK_DRIFT}:  # without a drift a row may come before it happened
        rows["local_ts"] += stream.shift_ns
        count = len(rows) if stream.shift_ns else 0
        _tell(told, Code.LATENCY, count, len(rows), len(rows), shift_ns=stream.shift_ns)
    levels = sorted(stream.codes & LEVELS)
    if levels:
        before = len(rows)
        rows, removed = remove_passed_levels(rows, name, sides, stream.tick_size, stream.grids[0])
        _tell(told, levels[0], removed, before, len(rows))
    return rows


def _tell(told: list[Entry], code: Code, count: int, before: int, after: int, **more: float) -> None:
    """Write down what a repair did; a later round that did something adds to it."""
    known = [entry for entry in told if entry["code"] == code.name]
    if not known:
        told.append({"code": code.name, "count": count, "rows_before": before, "rows_after": after, **more})
    elif count:
        entry = known[0]
        entry["count"] += count
        entry["rows_after"] += after - before
        for key, value in more.items():
            entry[key] += value


def _marks(rows: EventArray, grids: npt.NDArray[np.float64], scan: Scan) -> npt.NDArray[np.uint32]:
    """Return for each row the codes that the certificate's pass finds at it, a bit each."""
    begin_file(scan, rows)
    marks = np.zeros(len(rows), np.uint32)
    for start in range(0, len(rows), CHUNK_ROWS):
        stop = min(len(rows), start + CHUNK_ROWS)
        scan_rows(rows, grids, scan, start, stop)
        marks[start:stop] = scan.tally[0]["marks"][: stop - start]
    return marks


def _stretches(
    arrays: Sequence[EventArray], grids: npt.NDArray[np.float64], looked: Survey
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return times [s] after the first row and smallest latencies [ns] of the stretches of all files."""
    scan, times, mins = new_scan(looked), [], []
    first_ns = int(arrays[0]["local_ts"][0])
    for rows in arrays:
        begin_file(scan, rows)
        scan_rows(rows, grids, scan, 0, len(rows))
        tally = scan.tally[0]
        values = np.array(tally["latency_mins_ns"])
        there = np.flatnonzero(values != np.iinfo(np.int64).max)
        step_ns = int(tally["span_ns"]) / (len(values) - 1)
        times.append((int(tally["span_first_ns"]) - first_ns + there * step_ns) / NS_PER_S)
        mins.append(values[there].astype(np.float64))
    return np.concatenate(times), np.concatenate(mins)


def _drifted_ns(rows: EventArray, stream: _Stream) -> npt.NDArray[np.int64]:
    """Return by how much the receipt clock had drifted at each row [ns]."""
    passed_s = (rows["local_ts"] - stream.first_local_ns) / NS_PER_S
    drifted: npt.NDArray[np.int64] = np.rint(stream.slope * passed_s).astype(np.int64)
    return drifted


def _least_latency_ns(rows: EventArray, stream: _Stream) -> int:
    local = rows[(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]
    if not len(local):
        return BASE_LATENCY_NS
    return int((local["local_ts"] - _drifted_ns(local, stream) - local["exch_ts"]).min())


def _sorted(rows: EventArray, name: str) -> EventArray:
    """Return rows in the order of both clocks. Every row must have both its halves in this file.

    Raises
    ------
    DataError : a half is in another file, or nowhere
    """
    flags = np.uint64(EXCH_FLAG | LOCAL_FLAG)
    seen = {}
    for flag in (EXCH_FLAG, LOCAL_FLAG):
        side = rows[(rows["ev"] & np.uint64(flag)) != 0]
        side["ev"] &= ~flags
        seen[flag] = side
    if not np.array_equal(np.sort(_as_keys(seen[EXCH_FLAG])), np.sort(_as_keys(seen[LOCAL_FLAG]))):
        raise DataError(
            f"{name}: every row must be seen by the venue and by us to be sorted, some have one half only: "
            "convert the recordings of this stream again, in their order"
        )
    received = seen[LOCAL_FLAG]
    received = received[np.argsort(received["local_ts"], kind="stable")]
    ordered, _left = split_event_order(received)
    return ordered


def _as_keys(rows: EventArray) -> npt.NDArray[np.void]:
    """Return rows as opaque bytes, which can be sorted and compared."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize)))


def _publish(
    paths: Sequence[Path],
    current: Sequence[Path],
    outputs: Sequence[Path],
    manifests: Sequence[Manifest | None],
    entries: Sequence[Sequence[Entry]],
    grid: tuple[Decimal, Decimal],
    *,
    overwrite: bool,
) -> tuple[CleanedFile, ...]:
    """Move data, manifests and certificates to their names, all or none."""
    for parent, path, manifest, told in zip(paths, current, manifests, entries, strict=True):
        made_of = _manifest(parent, path, manifest, told, grid)
        manifest_path(path).write_bytes(made_of.to_bytes())
    certificate = certify_files(current, tick_size=grid[0], lot_size=grid[1])
    pairs, made = [], []
    for at, (path, out) in enumerate(zip(current, outputs, strict=True)):
        one = certificate.files[at]
        certificate_path(path).write_bytes(one.to_json())
        pairs += [(beside(path), beside(out)) for beside in (Path, manifest_path, certificate_path)]
        rows_before = len(load_events(paths[at]))
        made.append(CleanedFile(out, paths[at], rows_before, one.file.rows, tuple(entries[at]), one))
    for out in outputs:
        out.parent.mkdir(parents=True, exist_ok=True)
    publish_all(pairs, overwrite=overwrite)
    return tuple(made)


def _manifest(
    parent: Path,
    made: Path,
    manifest: Manifest | None,
    entries: Sequence[Entry],
    grid: tuple[Decimal, Decimal],
) -> Manifest:
    """Return the manifest of a repaired file: the parent's, with the new output and what was done to it."""
    rows, parent_sha256 = load_events(made), file_sha256(parent)
    output = output_of(made, rows)
    if manifest is None:
        manifest = Manifest(
            venue=UNKNOWN,
            instrument=UNKNOWN,
            day=datetime.fromtimestamp(output.first_local_ns // NS_PER_S, UTC).date(),
            tick_size=grid[0],
            lot_size=grid[1],
            grid="given",
            stream=Stream("none", 0, 0, 0, 0, (parent.name,)),
            source=SourceFile(parent.name, parent_sha256, parent.stat().st_size),
            output=output,
            report={},
        )
    done = tuple({"parent_sha256": parent_sha256, **entry} for entry in entries)
    return replace(
        manifest, tick_size=grid[0], lot_size=grid[1], output=output, fixes=(*manifest.fixes, *done)
    )
