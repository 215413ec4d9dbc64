"""From recordings to the catalogue: read, correct the receipt clock, merge, order, cut into days, write, report.

Two passes. The first parses all files into rows on disk and finds the smallest feed latency of the data set. The second
shifts the receipt clock once for all and orders the rows. Both hold a bounded number of rows in memory.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from ...config.data_range import FOLDER_NAME, FOLDER_RULE
from ...model.errors import ConfigError, DataError
from ..certify.certify import certify
from ..certify.model import FileCertificate
from ..certify.verdict import certificate_path
from ..events import EventArray
from ..files import file_sha256, load_events, publish_all
from ..manifest import Manifest, Output, SourceFile, Stream, manifest_path
from ..order import NO_ROWS, StreamOrder
from ..write import EventWriter
from .base import CLOCK_OFF_MAX_NS, NS_MAX, Chunk, Converter, FileReport, Gap, Grid, Options, Reader, Sink
from .merge import merged_chunks
from .sources import CONVERTERS
from .work import new_directories, work_folder

BASE_LATENCY_NS: Final = 1  # the least that is valid: a row must arrive after it happened
HELD_ROWS_MAX: Final = 1 << 20  # rows that wait for late ones: bounds the memory of a conversion
DAY_NS: Final = 86_400 * 10**9
Progress: TypeAlias = Callable[[Path, int, int], None]
"""Called with the input file, the compressed bytes read so far and its size."""
_STEM_SUFFIXES: Final = frozenset({".gz", ".zip", ".csv", ".parquet", ".txt", ".json", ".jsonl", ".data"})


@dataclass(frozen=True)
class ConvertedFile:
    """One output: rows in ``path``, everything about them in ``manifest`` (the file) and ``facts`` (the same, read).

    ``certificate`` is what the file beside it says.
    """

    source: Path
    path: Path
    manifest: Path
    facts: Manifest
    report: FileReport
    certificate: FileCertificate

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """Rows, manifest and certificate."""
        return self.path, self.manifest, certificate_path(self.path)

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return self.facts.output.rows


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion made of one stream."""

    converter: str
    version: int
    venue: str
    instrument: str
    latency_min_ns: int  # before the correction, over the whole data set; negative: our clock was behind
    clock_shift_ns: int  # added to every receipt time
    reports: tuple[FileReport, ...]  # one per input
    files: tuple[ConvertedFile, ...]

    @property
    def gap_count(self) -> int:
        """Holes in the chain of sequence ids, over all inputs."""
        return sum(report.gap_count for report in self.reports)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The first holes of each input."""
        return tuple(gap for report in self.reports for gap in report.gaps)


@dataclass(frozen=True)
class _Written:
    """An output in the work folder, not yet certified."""

    source: Path
    path: Path
    facts: Manifest
    report: FileReport


@dataclass
class _Input:
    """One input file after the first pass."""

    path: Path
    sink: Sink


@dataclass(frozen=True)
class _Piece:
    """Rows of one chunk that go to one output: input number (of the first if merged) and UTC day."""

    chunk: Chunk
    start: int
    stop: int
    exch_min_ns: int
    output: tuple[int, int]


def convert(
    source: str,
    files: Sequence[str | os.PathLike[str]],
    root: str | os.PathLike[str],
    options: Options | None = None,
    *,
    base_latency_ns: int = BASE_LATENCY_NS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ConvertResult:
    """Convert recordings of one stream to ``root/<venue>/<instrument>/<day>/<stem>.npy``.

    A manifest and a certificate stand beside each file.

    Parameters
    ----------
    source : str
        a name of CONVERTERS
    files : sequence of paths
        in the order of time; stems must differ. Sources that keep trades and depth apart take the files of all their
        channels, and merge them
    root : path
        the catalogue, made if absent
    options : Options
        what the data does not say; an option that the source does not use is refused
    base_latency_ns : int
        [ns] > 0, the smallest feed latency after the correction of the receipt clock: if a row arrived earlier than
        that after it happened, all receipt times are shifted by the same amount
    overwrite : bool
        replace existing outputs that differ
    progress : callable or None
        see Progress

    Raises
    ------
    ConfigError : unknown source or option, no files, two files of one stem, base_latency_ns < 1
    DataError : names file and line; nothing is written then, and what was there stays
    """
    options = options or Options()
    converter, paths = _checked(source, files, options, base_latency_ns)
    root = Path(root)
    with new_directories() as make, work_folder(root, make) as work:
        reader = converter.reader(options)
        grid = Grid(options.tick_size, options.lot_size)
        inputs = _read_all(paths, reader, grid, work, progress)
        venue, instrument = _named(reader)
        latency_min_ns = min(item.sink.latency_min_ns for item in inputs)
        if latency_min_ns > CLOCK_OFF_MAX_NS:
            raise DataError(
                f"{paths[0]}: the smallest feed latency of the data set must be at most an hour, was "
                f"{latency_min_ns / 10**9:,.0f} s: are the times of the venue and of receipt both UTC?"
            )
        stream = Stream(
            converter=converter.name,
            converter_version=converter.version,
            latency_min_ns=latency_min_ns,
            base_latency_ns=base_latency_ns,
            clock_shift_ns=max(0, base_latency_ns - latency_min_ns),
            files=tuple(path.name for path in paths),
        )
        for item in inputs:
            item.sink.report.gaps = _dated(item.sink, stream.clock_shift_ns)
        writing = _Writing(inputs, reader, stream, grid, (venue, instrument), root, work)
        made = _certified(writing.write_all(), root, work)
        for file in made:
            make(file.path.parent)
        publish_all(
            [(work / _flat(path, root), path) for file in made for path in file.paths], overwrite=overwrite
        )
    return ConvertResult(
        converter=converter.name,
        version=converter.version,
        venue=venue,
        instrument=instrument,
        latency_min_ns=latency_min_ns,
        clock_shift_ns=stream.clock_shift_ns,
        reports=tuple(item.sink.report for item in inputs),
        files=tuple(made),
    )


def _certified(written: Sequence[_Written], root: Path, work: Path) -> list[ConvertedFile]:
    """Write manifests and certificates into the work folder."""
    facts = [one.facts for one in written]
    certificate = certify(
        [load_events(work / _flat(one.path, root)) for one in written],
        [one.path.name for one in written],
        tick_size=facts[0].tick_size,
        lot_size=facts[0].lot_size,
        digests=[one.output.sha256 for one in facts],
        manifests=facts,
    )
    made = []
    for one, judged in zip(written, certificate.files, strict=True):
        made.append(
            ConvertedFile(one.source, one.path, manifest_path(one.path), one.facts, one.report, judged)
        )
        _data, manifest, judgement = (work / _flat(path, root) for path in made[-1].paths)
        manifest.write_bytes(one.facts.to_bytes())
        judgement.write_bytes(judged.to_json())
    return made


def stem_of(path: Path) -> str:
    """Return the name of a file without the suffixes that say how it is packed."""
    while path.suffix in _STEM_SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _checked(
    source: str, files: Sequence[str | os.PathLike[str]], options: Options, base_latency_ns: int
) -> tuple[Converter, list[Path]]:
    converter = CONVERTERS.get(source)
    if converter is None:
        raise ConfigError(f"source must be one of {', '.join(CONVERTERS)}, was {source!r}")
    if base_latency_ns < 1:
        raise ConfigError(f"base_latency_ns must be >= 1, was {base_latency_ns}")
    everyone = {"tick_size", "lot_size"}
    for name, value in asdict(options).items():
        if value not in (None, {}) and name not in converter.uses | everyone:
            known = ", ".join(sorted(converter.uses | everyone))
            raise ConfigError(
                f"option {name} must be one that {source} uses ({known}), was {value!r}: leave it out"
            )
    for name in ("tick_size", "lot_size"):
        step = getattr(options, name)
        if step is not None and (not step.is_finite() or step <= 0):
            raise ConfigError(f"{name} must be > 0, was {step}")
    paths = [Path(file) for file in files]
    stems = [stem_of(path) for path in paths]
    if not paths or len(set(stems)) != len(stems):
        raise ConfigError(f"files must be one or more with different stems, were {stems}")
    return converter, paths


def _named(reader: Reader) -> tuple[str, str]:
    """Return venue and instrument, fit to be names of directories."""
    for name, value in (("venue", reader.venue), ("instrument", reader.instrument)):
        if not value:
            raise ConfigError(f"{name} must be given (--{name}): the data does not name it")
        if not re.fullmatch(FOLDER_NAME, value):
            raise DataError(
                f"{name} must be a name that a directory can have ({FOLDER_RULE}), was {value!r}: "
                f"name it otherwise with --{name}"
            )
    return reader.venue, reader.instrument


def _read_all(
    paths: Sequence[Path], reader: Reader, grid: Grid, work: Path, progress: Progress | None
) -> list[_Input]:
    inputs: list[_Input] = []
    last_local_ns: dict[int, int] = {}  # per channel
    for number, path in enumerate(paths):
        channel = reader.channel(path)
        store = work / f"{number}.rows"
        with store.open("xb") as file:
            sink = Sink(path, store, file, grid, channel, last_local_ns.get(channel, 0))
            _read_one(reader, sink, progress)
        if not sink.rows:
            raise DataError(
                f"{path}: must hold depth or trades, held {sink.report.messages or 'nothing'}: is it the right source?"
            )
        last_local_ns[channel] = sink.local_ns
        inputs.append(_Input(path, sink))
    return inputs


def _read_one(reader: Reader, sink: Sink, progress: Progress | None) -> None:
    try:
        size = sink.path.stat().st_size
    except OSError as error:
        raise DataError(f"{sink.path}: must be a readable file ({error.strerror})") from error

    def read_bytes(done: int) -> None:
        if progress is not None:
            progress(sink.path, min(done, size), size)

    reader.read(sink.path, sink, read_bytes)
    read_bytes(size)


def _dated(sink: Sink, clock_shift_ns: int) -> list[Gap]:
    """Return the gaps of a file with their times; without any nothing is read again."""
    left, found = list(sink.report.gaps), list[Gap]()
    for chunk in sink.chunks if left else ():
        rows = chunk.read()
        while left and left[0].line <= rows["ival"][-1]:
            gap = left.pop(0)
            local_ns = int(rows["local_ts"][np.argmax(rows["ival"] >= gap.line)]) + clock_shift_ns
            found.append(replace(gap, local_ns=local_ns))
    return found + [replace(gap, local_ns=sink.chunks[-1].last_local_ns + clock_shift_ns) for gap in left]


class _Writing:
    """The second pass."""

    def __init__(
        self,
        inputs: list[_Input],
        reader: Reader,
        stream: Stream,
        grid: Grid,
        names: tuple[str, str],
        root: Path,
        work: Path,
    ) -> None:
        self._inputs, self._reader, self._stream, self._grid = inputs, reader, stream, grid
        self._venue, self._instrument = names
        self._root, self._work = root, work
        self._order = StreamOrder()
        self._hashes: dict[Path, str] = {}

    def write_all(self) -> list[_Written]:
        """Write all outputs into the work folder.

        Those of several channels have the name of the first channel's first file: what one day received of the next
        must not have the name of that day's own output.
        """
        channels = {item.sink.channel for item in self._inputs}
        is_merged = len(channels) > 1
        if is_merged:
            by_channel = [
                [chunk for item in self._inputs if item.sink.channel == channel for chunk in item.sink.chunks]
                for channel in sorted(channels)
            ]
            numbered = [(0, chunk) for chunk in merged_chunks(by_channel, self._work)]
        else:
            numbered = [(at, chunk) for at, item in enumerate(self._inputs) for chunk in item.sink.chunks]
        pieces = [piece for at, chunk in numbered for piece in self._cut(at, chunk)]
        later_ns = [NS_MAX] * (len(pieces) + 1)  # smallest exch_ts of this and all later pieces
        for at in range(len(pieces) - 1, -1, -1):
            later_ns[at] = min(later_ns[at + 1], pieces[at].exch_min_ns)
        made = []
        first_of_all = min(self._inputs, key=lambda item: item.sink.channel)
        for output, group in groupby(enumerate(pieces), key=lambda item: item[1].output):
            stem = stem_of((first_of_all if is_merged else self._inputs[output[0]]).path)
            made.append(self._write_one(list(group), later_ns, output, stem, is_merged))
        return made

    def _cut(self, number: int, chunk: Chunk) -> list[_Piece]:
        """Cut a chunk where the UTC day of the (corrected) receipt time changes."""
        shift = self._stream.clock_shift_ns
        first, last = (chunk.first_local_ns + shift) // DAY_NS, (chunk.last_local_ns + shift) // DAY_NS
        if first == last:
            return [_Piece(chunk, 0, chunk.rows, chunk.exch_min_ns, (number, first))]
        rows = chunk.read()
        days = (rows["local_ts"] + shift) // DAY_NS
        starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(rows)]
        return [
            _Piece(chunk, start, stop, int(rows["exch_ts"][start:stop].min()), (number, int(days[start])))
            for start, stop in pairwise(starts)
        ]

    def _write_one(
        self,
        pieces: list[tuple[int, _Piece]],
        later_ns: list[int],
        output: tuple[int, int],
        stem: str,
        is_merged: bool,
    ) -> _Written:
        day = _day(output[1])
        path = self._root / self._venue / self._instrument / day.isoformat() / f"{stem}.npy"
        temporary = self._work / _flat(path, self._root)
        with temporary.open("xb") as file, EventWriter(file) as writer:
            for at, piece in pieces:
                writer.append(self._order.push(self._rows(piece), later_ns[at + 1]))
                self._require_bound(later_ns[at + 1])
            writer.append(self._order.end(NO_ROWS, later_ns[pieces[-1][0] + 1]))
        item = self._inputs[output[0]]
        facts = self._manifest(path, temporary, writer, day, output[0], is_merged)
        return _Written(item.path, path, facts, item.sink.report)

    def _rows(self, piece: _Piece) -> EventArray:
        rows = piece.chunk.read()[piece.start : piece.stop]
        rows["local_ts"] += self._stream.clock_shift_ns
        rows["ival"] = 0
        rows["order_id"] = 0
        return rows

    def _require_bound(self, later_ns: int) -> None:
        if self._order.held_rows <= HELD_ROWS_MAX:
            return
        path, line = self._latest_row_of(later_ns)
        raise DataError(
            f"{path}:{line}: exchange time must be at most {HELD_ROWS_MAX:,} rows late, was {_iso(later_ns)}, older "
            "than rows received long before: remove the line, or name files that follow each other"
        )

    def _latest_row_of(self, exch_ns: int) -> tuple[Path, int]:
        """Return file and line of the row of a venue time that was received last; chunks may be merged or cut."""
        found: list[tuple[int, Path, int]] = []
        for item in self._inputs:
            for chunk in item.sink.chunks:
                if chunk.exch_min_ns <= exch_ns:
                    rows = chunk.read()
                    same = rows[rows["exch_ts"] == exch_ns][-1:]
                    found += [(int(row["local_ts"]), item.path, int(row["ival"])) for row in same]
        _, path, line = max(found)
        return path, line

    def _manifest(
        self, path: Path, temporary: Path, writer: EventWriter, day: date, number: int, is_merged: bool
    ) -> Manifest:
        inputs = self._inputs if is_merged else [self._inputs[number]]
        sources = [self._source(item.path) for item in inputs]
        return Manifest(
            venue=self._venue,
            instrument=self._instrument,
            day=day,
            tick_size=self._grid.step("px"),
            lot_size=self._grid.step("qty"),
            grid="given" if self._grid.is_given else "derived",
            stream=self._stream,
            source=sources[0],
            merged=tuple(sources[1:]),
            output=Output(path.name, file_sha256(temporary), **writer.counts()),
            report=asdict(_joined([item.sink.report for item in inputs])),
        )

    def _source(self, path: Path) -> SourceFile:
        if path not in self._hashes:
            self._hashes[path] = file_sha256(path)
        return SourceFile(path.name, self._hashes[path], path.stat().st_size)


def _joined(reports: list[FileReport]) -> FileReport:
    """Return what was found in files that became one."""
    joined = replace(
        reports[0],
        messages=dict(reports[0].messages),
        ignored=dict(reports[0].ignored),
        gaps=list(reports[0].gaps),
    )
    for report in reports[1:]:
        for name in ("lines", "gap_count", "resyncs", "clock_steps_back"):
            setattr(joined, name, getattr(joined, name) + getattr(report, name))
        for mine, other in ((joined.messages, report.messages), (joined.ignored, report.ignored)):
            for kind, count in other.items():
                mine[kind] = mine.get(kind, 0) + count
        joined.gaps += report.gaps
        joined.gap_is_open |= report.gap_is_open
    return joined


def _flat(path: Path, root: Path) -> str:
    """Return the name of an output in the work folder."""
    return "!".join(path.relative_to(root).parts)


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 10**9, UTC).isoformat(timespec="milliseconds")
