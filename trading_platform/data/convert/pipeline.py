"""From recorded lines to event files: read, correct the receipt clock, order, write, and say what was done.

Two passes. The first parses all files into rows on disk and finds the smallest feed latency of the data set.
The second shifts the receipt clock once for all and orders the rows, one input file in memory at a time.
"""

import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import orjson

from ...model.errors import ConfigError, DataError
from ..events import EVENT, EXCH_FLAG, LOCAL_FLAG, EventArray
from ..files import file_sha256, publish_all, save_events
from ..order import NO_ROWS, split_event_order
from .base import BUFFER_ROWS, Converter, FileReport, Gap, Parser, Sink
from .sources import CONVERTERS

BASE_LATENCY_NS: Final = 1  # the least that is valid: a row must arrive after it happened
MANIFEST_SCHEMA: Final = "trading-platform/market-data/1"
Progress: TypeAlias = Callable[[Path, int, int], None]
"""Called with the input file, the compressed bytes read so far and its size."""
_FLUSH_LINES: Final = 1 << 12
_READ_BYTES: Final = 1 << 18
_STAMP_DIGITS: Final = 19  # ns since 1970, 2001 to 2286
_NS_MAX: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class ConvertedFile:
    """One output: rows in ``path``, everything about them in ``manifest``. Times are ours, corrected."""

    source: Path
    path: Path
    manifest: Path
    source_sha256: str
    sha256: str
    rows: int
    local_rows: int
    exch_rows: int
    first_local_ns: int
    last_local_ns: int
    report: FileReport


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion made of one stream."""

    converter: str
    version: int
    symbol: str
    latency_min_ns: int  # before the correction, over the whole data set; negative: our clock was behind
    clock_shift_ns: int  # added to every receipt time
    files: tuple[ConvertedFile, ...]

    @property
    def gap_count(self) -> int:
        """Holes in the chain of sequence ids, over all files."""
        return sum(file.report.gap_count for file in self.files)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The first holes of each file."""
        return tuple(gap for file in self.files for gap in file.report.gaps)


@dataclass
class _Parsed:
    """One input file after the first pass."""

    path: Path
    store: Path
    sink: Sink


def convert(
    source: str,
    files: Sequence[str | os.PathLike[str]],
    out_dir: str | os.PathLike[str],
    *,
    base_latency_ns: int = BASE_LATENCY_NS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ConvertResult:
    """Convert consecutive recordings of one stream to ``<stem>.npy`` and ``<stem>.json`` in ``out_dir``.

    Parameters
    ----------
    source : str
        a name of CONVERTERS
    files : sequence of paths
        gzipped lines ``receipt_ns message``, in order of time; stems must differ
    out_dir : path
        made if absent
    base_latency_ns : int
        [ns] > 0, the smallest feed latency after the correction of the receipt clock: if a row arrived
        earlier than that after it happened, all receipt times are shifted by the same amount
    overwrite : bool
        replace existing outputs that differ
    progress : callable or None
        see Progress

    Raises
    ------
    ConfigError : unknown source, no files, two files of one stem, base_latency_ns < 1
    DataError : names file and line; nothing is written then
    """
    converter, paths = _checked(source, files, base_latency_ns)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=out_dir) as folder:
        work = Path(folder)
        parser = converter.parser()
        parsed = _parse_all(paths, parser, work, progress)
        latency_min_ns = min(item.sink.latency_min_ns for item in parsed)
        stream: dict[str, Any] = {
            "converter": converter.name,
            "converter_version": converter.version,
            "symbol": parser.symbol,
            "latency_min_ns": latency_min_ns,
            "base_latency_ns": base_latency_ns,
            "clock_shift_ns": max(0, base_latency_ns - latency_min_ns),
            "files": [path.name for path in paths],
        }
        made = _write_all(parsed, stream, work, out_dir)
        publish_all(
            [(work / path.name, path) for file in made for path in (file.path, file.manifest)],
            overwrite=overwrite,
        )
    return ConvertResult(
        converter=converter.name,
        version=converter.version,
        symbol=parser.symbol,
        latency_min_ns=latency_min_ns,
        clock_shift_ns=stream["clock_shift_ns"],
        files=tuple(made),
    )


def _checked(
    source: str, files: Sequence[str | os.PathLike[str]], base_latency_ns: int
) -> tuple[Converter, list[Path]]:
    converter = CONVERTERS.get(source)
    if converter is None:
        raise ConfigError(f"source must be one of {', '.join(CONVERTERS)}, was {source!r}")
    if base_latency_ns < 1:
        raise ConfigError(f"base_latency_ns must be >= 1, was {base_latency_ns}")
    paths = [Path(file) for file in files]
    stems = [path.stem for path in paths]
    if not paths or len(set(stems)) != len(stems):
        raise ConfigError(f"files must be one or more with different stems, were {stems}")
    return converter, paths


def _parse_all(paths: Sequence[Path], parser: Parser, work: Path, progress: Progress | None) -> list[_Parsed]:
    parsed: list[_Parsed] = []
    last_local_ns = 0
    for path in paths:
        store = work / f"{path.stem}.rows"
        with store.open("xb") as file:
            sink = Sink(path, file)
            sink.local_ns = last_local_ns
            _parse_file(parser, sink, progress)
        if not sink.rows:
            raise DataError(
                f"{path}: must hold depth or trades, held {sink.report.messages}: is it the right source?"
            )
        last_local_ns = sink.local_ns
        parsed.append(_Parsed(path, store, sink))
    return parsed


def _parse_file(parser: Parser, sink: Sink, progress: Progress | None) -> None:
    try:
        size = sink.path.stat().st_size
        with sink.path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as plain:
            for sink.line, line in enumerate(io.BufferedReader(plain, _READ_BYTES), 1):
                _parse_line(line, parser, sink)
                if sink.line % _FLUSH_LINES == 0:
                    if sink.buffered_rows >= BUFFER_ROWS:
                        sink.flush()
                    if progress is not None:
                        progress(sink.path, raw.tell(), size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{sink.path}: must be a complete gzip file, was broken after line {sink.line} ({error}): "
            "fetch or record it again"
        ) from error
    except OSError as error:
        raise DataError(f"{sink.path}: must be a readable file ({error.strerror})") from error
    sink.flush()
    sink.report.lines = sink.line
    if progress is not None:
        progress(sink.path, size, size)


def _parse_line(line: bytes, parser: Parser, sink: Sink) -> None:
    stamp, _, body = line.partition(b" ")
    if len(stamp) != _STAMP_DIGITS or not stamp.isdigit():
        raise DataError(
            f"{sink.path}:{sink.line}: line must start with the receipt time in ns ({_STAMP_DIGITS} digits), "
            f"was {line[:40]!r}"
        )
    local_ns = int(stamp)
    if local_ns < sink.local_ns:
        if sink.line == 1:
            raise DataError(
                f"{sink.path}:1: files must be in order of time, was {local_ns} after {sink.local_ns}"
            )
        sink.report.clock_steps_back += 1
        local_ns = sink.local_ns  # lines are in order of receipt, whatever the clock did
    sink.local_ns = local_ns
    try:
        parser.parse(body, sink)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{sink.path}:{sink.line}: must be a complete message of the venue ({reason}), "
            f"was {body[:80]!r}: remove the line or record again"
        ) from error


def _write_all(
    parsed: Sequence[_Parsed], stream: dict[str, Any], work: Path, out_dir: Path
) -> list[ConvertedFile]:
    made = []
    carried: EventArray = NO_ROWS
    for at, item in enumerate(parsed):
        later = [after.sink.exch_min_ns for after in parsed[at + 1 :]]
        rows = np.fromfile(item.store, EVENT)
        rows["local_ts"] += stream["clock_shift_ns"]
        ordered, carried = split_event_order(rows, carried, min(later, default=_NS_MAX))
        item.store.unlink()
        made.append(_write_one(item, ordered, stream, work, out_dir))
    return made


def _write_one(
    item: _Parsed, rows: EventArray, stream: dict[str, Any], work: Path, out_dir: Path
) -> ConvertedFile:
    name = f"{item.path.stem}.npy"
    save_events(work / name, rows)
    local_ns = rows["local_ts"][(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]
    made = ConvertedFile(
        source=item.path,
        path=out_dir / name,
        manifest=out_dir / f"{item.path.stem}.json",
        source_sha256=file_sha256(item.path),
        sha256=file_sha256(work / name),
        rows=len(rows),
        local_rows=len(local_ns),
        exch_rows=int(np.count_nonzero(rows["ev"] & np.uint64(EXCH_FLAG))),
        first_local_ns=int(local_ns[0]),
        last_local_ns=int(local_ns[-1]),
        report=item.sink.report,
    )
    (work / made.manifest.name).write_bytes(_manifest(made, stream))
    return made


def _manifest(made: ConvertedFile, stream: dict[str, Any]) -> bytes:
    """Return the manifest: no folders and no time of day, so that the same input gives the same bytes."""
    facts = {
        "schema": MANIFEST_SCHEMA,
        "stream": stream,
        "source": {
            "file": made.source.name,
            "sha256": made.source_sha256,
            "bytes": made.source.stat().st_size,
        },
        "output": {
            "file": made.path.name,
            "sha256": made.sha256,
            "rows": made.rows,
            "local_rows": made.local_rows,
            "exch_rows": made.exch_rows,
            "first_local_ns": made.first_local_ns,
            "last_local_ns": made.last_local_ns,
        },
        "report": asdict(made.report),
    }
    return orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
