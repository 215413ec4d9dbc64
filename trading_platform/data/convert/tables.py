"""Tables (csv, packed or not, and parquet) read in batches of columns; every error names file and line."""

import io
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from ...model.errors import DataError
from ..events import BUY_FLAG, DEPTH_CLEAR, DEPTH_SNAPSHOT, EVENT, KIND_MASK, SELL_FLAG, EventArray, IntArray
from .base import TIME_MAX_NS, TIME_MIN_NS, ReadBytes, Sink
from .lines import Stream, blocks, opened, whole_lines

FloatArray: TypeAlias = npt.NDArray[np.float64]
BATCH_ROWS: Final = 1 << 17
FLOAT_EXACT: Final = 1 << 53  # from there on a float64 skips integers
UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
SIDES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("buy", "bid", "b", "1"), BUY_FLAG),
    **dict.fromkeys(("sell", "ask", "s", "a", "-1"), SELL_FLAG),
}
TRUTHS: Final[Mapping[str, int]] = {"true": 1, "false": 0, "1": 1, "0": 0}


class Table:
    """A batch of rows of a file: columns by name, as text or typed; the first value that breaks a rule is named."""

    def __init__(self, sink: Sink, frame: pl.DataFrame, first_line: int) -> None:
        self.sink, self.frame, self.first_line = sink, frame, first_line
        self.lines: IntArray = np.arange(first_line, first_line + len(frame), dtype=np.int64)

    def error(self, at: int, name: str, rule: str) -> DataError:
        """Return the error of a column's value in row ``at`` of the batch."""
        value = self.frame[name][at]
        return DataError(
            f"{self.sink.path}:{self.first_line + at}: {name} must be {rule}, was {value!r}: "
            "remove the line, or fetch the file again"
        )

    def numbers(self, name: str, empty: float | None = None) -> FloatArray:
        """Return a column as float64; empty fields are refused, or become ``empty``."""
        found = self._column(name).cast(pl.Float64, strict=False)
        if empty is not None:
            found = pl.select(pl.when(pl.lit(self.is_filled(name))).then(found).otherwise(empty)).to_series()
        self._require(found, name, "a number")
        return found.to_numpy().astype(np.float64)

    def is_filled(self, name: str) -> npt.NDArray[np.bool_]:
        """Return per row whether the field holds something."""
        column = self._column(name)
        filled = column.is_not_null()
        if column.dtype == pl.String:
            filled &= column != ""
        return filled.fill_null(value=False).to_numpy().astype(np.bool_)

    def integers(self, name: str) -> IntArray:
        """Return a column as int64; of float64 only what it can tell exactly: not times in ns."""
        column = self._column(name)
        found = column.cast(pl.Int64, strict=False)
        if column.dtype.is_float():
            exact = (found == column) & (found.abs() < FLOAT_EXACT)
            found = found.set(~exact.fill_null(value=False), None)
        self._require(found, name, "an integer")
        return found.to_numpy().astype(np.int64)

    def codes(self, name: str, codes: Mapping[str, int]) -> IntArray:
        """Return a column of words as their codes; capitals do not count."""
        words = self._column(name).cast(pl.String).str.strip_chars().str.to_lowercase()
        found = words.replace_strict(list(codes), list(codes.values()), default=None, return_dtype=pl.Int64)
        self._require(found, name, f"one of {', '.join(codes)}")
        return found.to_numpy().astype(np.int64)

    def times_ns(self, name: str, units: Sequence[str]) -> IntArray:
        """Return a column of times since 1970 in ns; the first value tells which of ``units`` all are in.

        Raises
        ------
        DataError : no time of 2000 to 2099 in one of the units, or another unit than the first row's
        """
        values = self.integers(name)
        known = [unit for unit in units if _is_time(values[:1], unit).all()]
        if not known:
            raise self.error(0, name, f"a time since 1970 in {' or '.join(units)}")
        good = _is_time(values, known[0])
        if not good.all():
            raise self.error(int(np.argmin(good)), name, f"a time since 1970 in {known[0]}, as before")
        return values * UNITS[known[0]]

    def one_text(self, name: str, before: str) -> str:
        """Return the text that all rows of a column share; ``before`` is that of earlier rows, "" if there are none."""
        words = self._column(name).cast(pl.String)
        wanted = before or str(words[0])
        other = (words != wanted).fill_null(value=True)
        if other.any():
            at = int(other.arg_max() or 0)
            raise self.error(at, name, f"{wanted} in all lines and files (separate the instruments)")
        return wanted

    def _column(self, name: str) -> pl.Series:
        column = self.frame[name]
        if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
            raise DataError(f"{self.sink.path}: {name} must be numbers, times or texts, was {column.dtype}")
        return column.str.strip_chars() if column.dtype == pl.String else column

    def _require(self, found: pl.Series, name: str, rule: str) -> None:
        if found.null_count():
            raise self.error(int(found.is_null().arg_max() or 0), name, rule)


def _is_time(values: IntArray, unit: str) -> npt.NDArray[np.bool_]:
    scale = UNITS[unit]
    good: npt.NDArray[np.bool_] = (values >= TIME_MIN_NS // scale) & (values < TIME_MAX_NS // scale)
    return good


def csv_tables(sink: Sink, read_bytes: ReadBytes, header: Sequence[str] | None = None) -> Iterator[Table]:
    """Yield the rows of a csv file (plain, ``.gz``, or the only member of a ``.zip``), all columns as text.

    ``header`` names the columns by position for files that may lack a header line (a first field that is a number);
    without it the first line names them.
    """
    names: list[str] = []
    texts = _zip_blocks(sink, read_bytes) if sink.path.suffix == ".zip" else blocks(sink, read_bytes)
    for block in texts:
        text = block
        if not names:
            text = text.removeprefix(BOM_UTF8)
            first, _, rest = text.partition(b"\n")
            fields = _fields_of(first)
            has_header = header is None or not _is_number(fields[0])
            names = list(header[: len(fields)]) if header is not None else fields
            _check_names(sink, names, fields)
            if has_header:
                _check_places(sink, names, fields)
                text = rest
                sink.line += 1
        if not text.strip():
            continue
        frame = _frame(sink, text, names)
        yield Table(sink, frame, sink.line + 1)
        sink.line += len(frame)
    sink.report.lines = sink.line


def whole_groups(tables: Iterator[Table], name: str) -> Iterator[Table]:
    """Yield the same rows so that no run of equal values of a column is in two batches."""
    rest: Table | None = None
    for table in tables:
        if rest is not None:
            table = Table(table.sink, pl.concat([rest.frame, table.frame]), rest.first_line)  # noqa: PLW2901
        values = table.frame[name]
        other = (values != values[-1]).to_numpy()
        cut = int(np.flatnonzero(other)[-1]) + 1 if other.any() else 0
        if cut:
            yield Table(table.sink, table.frame[:cut], table.first_line)
        rest = Table(table.sink, table.frame[cut:], table.first_line + cut)
    if rest is not None:
        yield rest


def _check_names(sink: Sink, names: list[str], fields: list[str]) -> None:
    if len(names) != len(fields) or len(set(names)) != len(names) or not all(names):
        raise DataError(
            f"{sink.path}:1: columns must have a name each ({', '.join(names)}), were {', '.join(fields)}: "
            "is it another kind of file?"
        )


def _check_places(sink: Sink, names: Sequence[str], fields: Sequence[str]) -> None:
    """Refuse a header that has one of our columns at another place than the one it is read from."""
    for at, field in enumerate(fields):
        known = field.lower().replace("quantity", "qty").removeprefix("best_")
        if known in names and names.index(known) != at:
            raise DataError(
                f"{sink.path}:1: column {at + 1} must be {names[at]}, was {field}: is it another kind of file?"
            )


def _frame(sink: Sink, text: bytes, names: list[str]) -> pl.DataFrame:
    wanted = len(names) - 1
    try:
        frame = pl.read_csv(
            io.BytesIO(text), has_header=False, schema=dict.fromkeys(names, pl.String), quote_char='"'
        )
    except pl.exceptions.PolarsError as error:
        for at, line in enumerate(text.splitlines(), 1):
            if b'"' not in line and line.count(b",") != wanted:
                raise DataError(
                    f"{sink.path}:{sink.line + at}: line must have {len(names)} columns, was {line[:80]!r}: "
                    "remove the line, or fetch the file again"
                ) from error
            if line.count(b'"') % 2 or not _is_utf8(line):
                raise DataError(
                    f"{sink.path}:{sink.line + at}: line must be UTF-8 with quotes in pairs, was {line[:80]!r}: "
                    "remove the line, or fetch the file again"
                ) from error
        reason = str(error).partition("\n")[0]
        raise DataError(f"{sink.path}:{sink.line + 1}: must be csv from there on ({reason})") from error
    return frame


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _zip_blocks(sink: Sink, read_bytes: ReadBytes) -> Iterator[bytes]:
    """Yield blocks of whole lines of the only member of an archive."""
    try:
        with sink.path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
            members = archive.namelist()
            if len(members) != 1:
                raise DataError(f"{sink.path}: must hold one file, holds {members}: unpack it")
            with archive.open(members[0]) as plain:
                yield from whole_lines(cast(Stream, plain), raw, sink, read_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{sink.path}: must be a complete zip file, was broken after line {sink.line} ({error}): fetch it again"
        ) from error
    except RuntimeError as error:  # a password, or a method that is not implemented
        raise DataError(
            f"{sink.path}: must be a zip file that can be unpacked ({error}): unpack it"
        ) from error
    except OSError as error:
        raise DataError(f"{sink.path}: must be a readable file ({error.strerror})") from error


def parquet_tables(sink: Sink, read_bytes: ReadBytes) -> Iterator[Table]:
    """Yield the rows of a parquet file; lines are rows, the first is 1."""
    try:
        scan = pl.scan_parquet(sink.path)
        total = int(scan.select(pl.len()).collect().item())
        size = sink.path.stat().st_size
        for start in range(0, total, BATCH_ROWS):
            frame = scan.slice(start, BATCH_ROWS).collect()
            yield Table(sink, frame, start + 1)
            sink.line = start + len(frame)
            read_bytes(size * sink.line // total)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{sink.path}: must be a complete parquet file, was not after row {sink.line} ({error})"
        ) from error
    sink.report.lines = sink.line


def header_of(path: Path) -> list[str]:
    """Return the fields of the first line of a csv file, [] if it cannot be read: reading it says why."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as plain:
                first = plain.readline()
        else:
            with opened(path) as (stream, _raw):
                first = stream.read1(1 << 16).partition(b"\n")[0]
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, IndexError, RuntimeError):
        return []
    return _fields_of(first.removeprefix(BOM_UTF8))


def _fields_of(line: bytes) -> list[str]:
    return [word.strip().strip('"') for word in line.decode(errors="replace").strip().split(",")]


def require_columns(table: Table, names: Iterable[str]) -> None:
    """Raise DataError unless the file has all of these columns."""
    missing = [name for name in names if name not in table.frame.columns]
    if missing:
        raise DataError(
            f"{table.sink.path}: columns must hold {', '.join(missing)}, were {', '.join(table.frame.columns)}: "
            "is it another kind of file?"
        )


def event_rows(
    table: Table,
    ev: IntArray | int,
    exch_ns: IntArray,
    local_ns: IntArray,
    price: FloatArray,
    qty: FloatArray,
) -> EventArray:
    """Return one row per row of a table, received at ``local_ns`` (a clock that steps back is held and counted)."""
    rows = np.zeros(len(table.lines), EVENT)
    rows["ev"], rows["exch_ts"], rows["px"], rows["qty"] = ev, exch_ns, price, qty
    rows["local_ts"], rows["ival"] = table.sink.receive_all(local_ns, table.first_line), table.lines
    return rows


def with_clears(rows: EventArray, was_snapshot: bool) -> EventArray:
    """Return rows with a DEPTH_CLEAR of both sides before every snapshot that follows other rows."""
    is_snapshot = (rows["ev"] & np.uint64(KIND_MASK)) == np.uint64(DEPTH_SNAPSHOT)
    before = np.concatenate([[was_snapshot], is_snapshot[:-1]])
    starts = np.flatnonzero(is_snapshot & ~before)
    return clears_at(rows, starts)


def clears_at(rows: EventArray, starts: npt.NDArray[np.intp]) -> EventArray:
    """Return rows with a DEPTH_CLEAR of both sides before each of some."""
    clears = rows[starts].copy()
    clears["ev"], clears["px"], clears["qty"] = DEPTH_CLEAR, 0.0, 0.0
    return np.insert(rows, starts, clears)
