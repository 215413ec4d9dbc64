"""Certify a stream: all its files in order, each with its own certificate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np

from ...model.errors import DataError
from ..events import EVENT, LOCAL_FLAG, EventArray, IntArray
from ..gaps import own_gaps
from ..validate import grid_ratio
from .book import NO_LEVEL
from .codes import MEANINGS, Code, Severity, Verdict, meaning
from .drift import drift_of
from .histogram import percentile
from .model import (
    SCHEMA,
    BookFacts,
    Facts,
    FileCertificate,
    FileName,
    Finding,
    Percentiles,
    Place,
    Thresholds,
)
from .scan import PLACES, Scan, begin_file, finish, new_scan, scan_rows
from .survey import Survey, survey

PAUSE_ROWS: Final = 1 << 20  # rows between two calls of the progress
GRID_ROWS_LEAST: Final = 1000  # fewer rows can share a coarser grid by chance
Progress: TypeAlias = Callable[[int, int], None]  # (rows done, rows in all)
_GRAVEST: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)


@dataclass(frozen=True)
class Certificate:
    """The certificates of the files of one stream, in their order."""

    files: tuple[FileCertificate, ...]

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict of a file."""
        verdicts = {file.verdict for file in self.files}
        return next(one for one in (Verdict.ERRORS, Verdict.WARNINGS, Verdict.CLEAN) if one in verdicts)


@dataclass(frozen=True)
class Overrides:
    """Thresholds that are given instead of derived; None is derived."""

    gap_ns: int | None = None
    quiet_depth_ns: int | None = None
    quiet_trades_ns: int | None = None
    outside_ppm: int | None = None


def certify(
    arrays: Sequence[EventArray],
    names: Sequence[str],
    *,
    tick_size: Decimal,
    lot_size: Decimal,
    digests: Sequence[str],
    manifests: Sequence[Mapping[str, Any] | None] | None = None,
    overrides: Overrides | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Look for everything that is wrong or odd in consecutive event files of one instrument. Copies nothing.

    Parameters
    ----------
    arrays : sequence of event arrays
        in order of time, each of shape (rows,) and hftbacktest's event dtype; mapped files are read once or twice
    names : sequence of str
        the name of each file
    tick_size, lot_size : Decimal
        [quote], [base or contracts]: the grids at that date
    digests : sequence of str
        SHA-256 of each file: what the certificate is about
    manifests : sequence of mapping or None
        the manifest of each file: gaps in the venue's sequence ids and the correction of the clock are told by it
    overrides : Overrides or None
        thresholds to use instead of those derived from the data
    progress : callable or None
        called with rows done and rows in all

    Returns
    -------
    Certificate : one FileCertificate per array; a book and the clocks go on from one to the next

    Raises
    ------
    DataError : no arrays, not one name and digest each, an array of another form, a grid that is not positive
    """
    _check(arrays, names, digests, tick_size, lot_size)
    grids = np.array([grid_ratio(tick_size), grid_ratio(lot_size)], np.float64)
    looked = survey(arrays, grids[0])
    if overrides is not None:
        given = {name: value for name, value in vars(overrides).items() if value is not None}
        looked = replace(looked, settings=replace(looked.settings, **given))
    scan, made = new_scan(looked), list[FileCertificate]()
    total, done = sum(map(len, arrays)), 0
    for index, (rows, name) in enumerate(zip(arrays, names, strict=True)):
        begin_file(scan, rows)
        for start in range(0, len(rows), PAUSE_ROWS):
            stop = min(len(rows), start + PAUSE_ROWS)
            scan_rows(rows, grids, scan, start, stop)
            done += stop - start
            if progress is not None:
                progress(done, total)
        if index == len(arrays) - 1:
            finish(scan, len(rows))
        manifest = manifests[index] if manifests is not None else None
        file = FileName(file=name, sha256=digests[index], rows=len(rows))
        follows = made[-1].file if made else None
        made.append(_certificate(scan, looked, file, follows, (tick_size, lot_size), _told(manifest, rows)))
    return Certificate(tuple(made))


def _check(
    arrays: Sequence[EventArray],
    names: Sequence[str],
    digests: Sequence[str],
    tick_size: Decimal,
    lot_size: Decimal,
) -> None:
    if not arrays or not len(arrays) == len(names) == len(digests):
        raise DataError(
            "files must be one or more, each with a name and a digest, "
            f"were {len(arrays)} with {len(names)} names and {len(digests)} digests"
        )
    for label, step in (("tick_size", tick_size), ("lot_size", lot_size)):
        if not step.is_finite() or step <= 0:
            raise DataError(f"{label} must be > 0, was {step}")
    for rows, name in zip(arrays, names, strict=True):
        if rows.dtype != EVENT or rows.ndim != 1 or not rows.flags.c_contiguous or not len(rows):
            raise DataError(
                f"{name}: must be a non-empty C-contiguous one-dimensional array of event_dtype, "
                f"was {rows.dtype} of shape {rows.shape}"
            )


def _certificate(
    scan: Scan,
    looked: Survey,
    file: FileName,
    follows: FileName | None,
    grid: tuple[Decimal, Decimal],
    told: Sequence[Finding],
) -> FileCertificate:
    tally = scan.tally[0]
    drift = drift_of(tally["latency_mins_ns"], int(tally["span_ns"]))
    findings = [*_found(tally), *_derived(scan, looked, drift, follows), *told]
    findings.sort(key=lambda finding: (_GRAVEST.index(finding.severity), Code[finding.code]))
    severities = {finding.severity for finding in findings}
    verdict = Verdict.CLEAN
    if Severity.ERROR in severities:
        verdict = Verdict.ERRORS
    elif Severity.WARNING in severities:
        verdict = Verdict.WARNINGS
    return FileCertificate(
        schema=SCHEMA,
        verdict=verdict,
        file=file,
        follows=follows,
        tick_size=format(grid[0], "f"),
        lot_size=format(grid[1], "f"),
        thresholds=Thresholds(**vars(looked.settings)),
        facts=_facts(tally, drift),
        findings=findings,
    )


def _finding(code: Code, count: int, places: Sequence[Place] = ()) -> Finding:
    said = meaning(code)
    return Finding(
        code=code.name,
        severity=said.severity,
        count=count,
        unit=said.unit,
        places=list(places),
        what=said.what,
        effect=said.effect,
        cure=said.cure,
    )


def _found(tally: np.void) -> list[Finding]:
    """Return what the pass counted."""
    findings = []
    for code in MEANINGS:
        count = int(tally["counts"][code])
        if count:
            places: IntArray = tally["places"][code][: min(count, PLACES)]
            listed = [Place(row=int(row), time_ns=int(at), value=int(value)) for row, at, value in places]
            findings.append(_finding(code, count, listed))
    return findings


def _derived(
    scan: Scan, looked: Survey, drift: tuple[float, bool] | None, follows: FileName | None
) -> list[Finding]:
    """Return what follows from the counters of the whole file."""
    tally, findings = scan.tally[0], list[Finding]()
    at_ns = int(tally["span_first_ns"])
    if drift is not None and drift[1]:
        findings.append(_finding(Code.CLOCK_DRIFT, 1, [Place(row=0, time_ns=at_ns, value=round(drift[0]))]))
    gcd = int(tally["gcd_ticks"])
    if gcd > 1 and tally["depth_rows"] >= GRID_ROWS_LEAST:
        findings.append(_finding(Code.GRID_TOO_FINE, 1, [Place(row=0, time_ns=at_ns, value=gcd)]))
    if not tally["snapshot_rows"] and follows is None:
        findings.append(_finding(Code.NO_SNAPSHOT, 1))
    # some rows behind midnight without a trade are nothing odd
    is_short = tally["span_ns"] <= looked.settings.quiet_trades_ns
    if not tally["trade_count"] and not (looked.has_trades and is_short):
        findings.append(_finding(Code.NO_TRADES, 1))
    if not tally["had_both"] and (scan.book[0]["best"] == NO_LEVEL).any():
        findings.append(_finding(Code.NO_BOOK, 1))
    far = int(scan.book[0]["far_count"])
    if far:
        findings.append(_finding(Code.FAR_LEVEL, far))
    return findings


def _told(manifest: Mapping[str, Any] | None, rows: EventArray) -> list[Finding]:
    """Return what the manifest of the conversion tells: rows hold neither sequence ids nor the clock's correction."""
    if manifest is None:
        return []
    count, places = _gaps(manifest, rows)
    findings = [_finding(Code.SEQUENCE_GAP, count, places)] if count else []
    shift_ns = int(manifest.get("stream", {}).get("clock_shift_ns", 0))
    if shift_ns:
        at_ns = int(manifest["output"]["first_local_ns"])
        findings.append(_finding(Code.CLOCK_SHIFTED, 1, [Place(row=0, time_ns=at_ns, value=shift_ns)]))
    return findings


def _gaps(manifest: Mapping[str, Any], rows: EventArray) -> tuple[int, list[Place]]:
    """Return how many gaps a file has, and the first rows behind them."""
    received = np.flatnonzero(rows["ev"] & np.uint64(LOCAL_FLAG))
    if not len(received):
        return own_gaps(manifest, 0, 0)[0], []
    local_ns = rows["local_ts"][received]
    count, gaps = own_gaps(manifest, int(local_ns[0]), int(local_ns[-1]))
    places = []
    for gap in gaps[:PLACES]:
        at = int(np.argmax(local_ns >= gap["local_ns"]))
        lost = int(gap["found"] - gap["expected"])
        places.append(Place(row=int(received[at]), time_ns=int(local_ns[at]), value=lost))
    return count, places


def _facts(tally: np.void, drift: tuple[float, bool] | None) -> Facts:
    names = ("local_rows", "exch_rows", "depth_rows")
    return Facts(
        **{name: int(tally[name]) for name in names},
        trades=int(tally["trade_count"]),
        first_local_ns=int(tally["span_first_ns"]),
        last_local_ns=int(tally["last_local_ns"]),
        latency_ns=_percentiles(tally),
        clock_drift_ns_per_s=None if drift is None else drift[0],
        book=BookFacts(
            time_ns=int(tally["book_ns"]),
            crossed_ns=int(tally["crossed_ns"]),
            locked_ns=int(tally["locked_ns"]),
            one_sided_ns=int(tally["one_sided_ns"]),
            changes=int(tally["block_count"]),
        ),
    )


def _percentiles(tally: np.void) -> Percentiles | None:
    if not tally["local_rows"]:
        return None
    least, most = int(tally["latency_min_ns"]), int(tally["latency_max_ns"])
    inner = {name: percentile(tally["latency"], permille) or 0 for name, permille in _PERMILLES.items()}
    return Percentiles(
        p0=least, p100=most, **{name: min(max(value, least), most) for name, value in inner.items()}
    )


_PERMILLES: Final = {"p1": 10, "p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
