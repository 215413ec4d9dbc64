"""What a source of recorded data has to provide: a reader of files that fills a sink with rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ...model.errors import DataError
from ..events import DEPTH_CLEAR, EVENT, KIND_MASK, SIDE_FLAGS, EventArray, IntArray, Mask

BUFFER_ROWS: Final = 1 << 17  # rows that go to disk together: bounds the memory of a conversion
LISTED_GAPS: Final = 20
DECIMALS_MAX: Final = 12
NS_MAX: Final = np.iinfo(np.int64).max
TIME_MIN_NS: Final = 946_684_800 * 10**9  # 2000-01-01
TIME_MAX_NS: Final = 4_102_444_800 * 10**9  # 2100-01-01
CLOCK_OFF_MAX_NS: Final = (
    3_600 * 10**9
)  # clocks of recorder and venue differ by seconds; by hours, one is no UTC
GRID_TOLERANCE: Final = 1e-6  # of a step
_PAIR: Final = {2}

ReadBytes: TypeAlias = Callable[[int], None]
"""Called with the bytes of the input file read so far."""


@dataclass(frozen=True)
class Gap:
    """A hole in the venue's chain of sequence ids: updates were lost before this line."""

    file: str
    line: int
    expected: int
    found: int
    local_ns: int = (
        0  # of the first row from that line on, on the corrected clock; 0 until all files are read
    )


@dataclass
class FileReport:
    """What was found in one input file."""

    lines: int = 0
    messages: dict[str, int] = field(default_factory=dict)  # by type, those converted and those not
    ignored: dict[str, int] = field(default_factory=dict)  # by type, known or unknown, that made no rows
    gap_count: int = 0
    gaps: list[Gap] = field(default_factory=list)  # the first LISTED_GAPS
    gap_is_open: bool = False  # at the end of the file: no snapshot after the last gap
    resyncs: int = 0  # snapshots that closed a gap: book cleared and set anew
    clock_steps_back: int = 0  # lines stamped earlier than the line before, held at its time


@dataclass(frozen=True)
class Options:
    """What a user can say about the data; a source that has no use for an option refuses it."""

    venue: str | None = None
    instrument: str | None = None
    tick_size: Decimal | None = None  # [quote]
    lot_size: Decimal | None = None  # [base, or contracts]
    feed_latency_ns: int | None = None  # of data without receipt times
    book_ticker: bool | None = None  # whether best levels are taken from the book ticker where it is fresher
    columns: Mapping[str, str] = field(default_factory=dict)  # our column -> theirs


@dataclass(frozen=True)
class Chunk:
    """Rows of a sink that lie together on disk, in order of receipt."""

    store: Path
    start: int
    rows: int
    exch_min_ns: int
    first_local_ns: int
    last_local_ns: int

    def read(self) -> EventArray:
        """Return the rows, without EXCH and LOCAL flags; ``ival`` is the line each came from."""
        return np.fromfile(self.store, EVENT, self.rows, offset=self.start * EVENT.itemsize)


class Grid:
    """The steps of price and quantity: given and checked, or the decimals of the data."""

    def __init__(self, tick_size: Decimal | None, lot_size: Decimal | None) -> None:
        self._steps = {"px": tick_size, "qty": lot_size}
        self._decimals = {"px": 0, "qty": 0}

    @property
    def is_given(self) -> bool:
        """Whether the user gave both steps."""
        return None not in self._steps.values()

    def step(self, name: str) -> Decimal:
        """Return the step of prices ("px") or of quantities ("qty")."""
        given = self._steps[name]
        return Decimal(1).scaleb(-self._decimals[name]) if given is None else given

    def note(self, rows: EventArray) -> int:
        """Take the decimals of rows into account; return the index of a row that is off a given grid, or -1."""
        for name, given in self._steps.items():
            values = rows[name]
            if given is None:
                while self._decimals[name] < DECIMALS_MAX and not _has(values, self._decimals[name]):
                    self._decimals[name] += 1
                continue
            steps = values / float(given)
            off = np.abs(steps - np.rint(steps)) > GRID_TOLERANCE + 1e-15 * steps
            if off.any():
                return int(np.argmax(off))
        return -1


def _has(values: npt.NDArray[np.float64], decimals: int) -> bool:
    """Tell whether all values are decimals of at most that many places."""
    scale = 10.0**decimals
    return bool((np.rint(values * scale) / scale == values).all())


class Sink:
    """Takes the rows of one input file in order of receipt, not yet flagged, and writes them to disk."""

    def __init__(
        self, path: Path, store: Path, file: IO[bytes], grid: Grid, channel: int = 0, last_local_ns: int = 0
    ) -> None:
        self.path = path
        self.channel = channel
        self.report = FileReport()
        self.line = 0  # of the message being parsed
        self.local_ns = last_local_ns  # at first that of the file before: this one must not begin earlier
        self._begun = False
        self.rows = 0
        self.latency_min_ns = NS_MAX
        self.chunks: list[Chunk] = []
        self._store, self._file, self._grid = store, file, grid
        self._values: list[float] = []  # price, quantity, price, quantity ...
        self._batches: list[tuple[int, int, int, int, int]] = []  # ev, exch_ns, local_ns, pairs, line

    def receive(self, local_ns: int, line: int) -> None:
        """Set the receipt time of the rows of a line: a clock that steps back is held and counted.

        Raises
        ------
        DataError : the file begins before the file before it ended
        """
        if local_ns < self.local_ns and not self._begun:
            raise DataError(
                f"{self.path}:{line}: files must be in order of time, was {local_ns} after {self.local_ns}: "
                "name the older file first"
            )
        self._begun = True
        self.report.clock_steps_back += local_ns < self.local_ns
        self.local_ns = max(self.local_ns, local_ns)

    def receive_all(self, local_ns: IntArray, first_line: int) -> IntArray:
        """Return the receipt times of consecutive lines (at least one), held where the clock steps back."""
        self.receive(int(local_ns[0]), first_line)
        held: IntArray = np.maximum.accumulate(np.maximum(local_ns, self.local_ns))
        self.report.clock_steps_back += int((local_ns[1:] < held[:-1]).sum())
        self.local_ns = int(held[-1])
        return held

    def pairs(self, ev: int, exch_ns: int, pairs: Sequence[Sequence[str]]) -> None:
        """Add one row per (price, quantity) of decimal strings, all of one kind and time."""
        if not pairs:
            return
        if {*map(len, pairs)} != _PAIR:
            raise ValueError("a level must be a pair of price and quantity")
        self._values.extend(map(float, chain.from_iterable(pairs)))
        self._batches.append((ev, exch_ns, self.local_ns, len(pairs), self.line))
        if len(self._values) >= 2 * BUFFER_ROWS:
            self.flush()

    def gap(self, line: int, expected: int, found: int) -> None:
        """Note that the chain of sequence ids broke at a line."""
        self.report.gap_count += 1
        self.report.gap_is_open = True
        if len(self.report.gaps) < LISTED_GAPS:
            self.report.gaps.append(Gap(self.path.name, line, expected, found))

    def count(self, kind: str, messages: int = 1) -> None:
        """Count messages."""
        if messages:
            self.report.messages[kind] = self.report.messages.get(kind, 0) + messages

    def ignore(self, kind: str, messages: int = 1) -> None:
        """Count messages that make no rows."""
        self.count(kind, messages)
        if messages:
            self.report.ignored[kind] = self.report.ignored.get(kind, 0) + messages

    def flush(self) -> None:
        """Write what `pairs` took."""
        if not self._batches:
            return
        batches = np.array(self._batches, np.int64)
        counts = batches[:, 3]
        values = np.array(self._values, np.float64).reshape(-1, 2)
        rows = np.zeros(len(values), EVENT)
        for name, column in (("ev", 0), ("exch_ts", 1), ("local_ts", 2), ("ival", 4)):
            rows[name] = np.repeat(batches[:, column], counts)
        rows["px"], rows["qty"] = values[:, 0], values[:, 1]
        self._values.clear()
        self._batches.clear()
        self.write(rows)

    def write(self, rows: EventArray) -> None:
        """Write rows whose ``ival`` is the line they came from; local_ts must not fall.

        Raises
        ------
        DataError : a number that is not finite, a price <= 0, a quantity < 0, a time that is none, one that is
            hours in the future, or a value off the grid the user gave; names file and line
        """
        if not len(rows):
            return
        self._check(rows)
        chunk = Chunk(
            store=self._store,
            start=self.rows,
            rows=len(rows),
            exch_min_ns=int(rows["exch_ts"].min()),
            first_local_ns=int(rows["local_ts"][0]),
            last_local_ns=int(rows["local_ts"][-1]),
        )
        rows.tofile(self._file)
        self.chunks.append(chunk)
        self.rows += len(rows)
        self.latency_min_ns = min(self.latency_min_ns, int((rows["local_ts"] - rows["exch_ts"]).min()))

    def _check(self, rows: EventArray) -> None:
        clear_all = (rows["ev"] & np.uint64(KIND_MASK | SIDE_FLAGS)) == np.uint64(DEPTH_CLEAR)
        px, qty = rows["px"], rows["qty"]
        good = np.isfinite(px) & np.isfinite(qty) & ((px > 0) | clear_all) & (qty >= 0)
        self._require(rows, good, "price must be > 0 and quantity >= 0, both finite, were {px} and {qty}")
        for name in ("exch_ts", "local_ts"):
            good = (rows[name] >= TIME_MIN_NS) & (rows[name] < TIME_MAX_NS)
            self._require(
                rows,
                good,
                f"{name} must be a time of 2000 to 2099 in ns, was {{{name}}}: are its units as expected?",
            )
        self._require(
            rows,
            rows["exch_ts"] - rows["local_ts"] <= CLOCK_OFF_MAX_NS,
            "exch_ts must be at most an hour after local_ts, were {exch_ts} and {local_ts}: are both UTC?",
        )
        off = self._grid.note(rows)
        if off >= 0:
            raise DataError(
                f"{self.path}:{rows['ival'][off]}: price and quantity must be on the grid of "
                f"--tick-size {self._grid.step('px')} and --lot-size {self._grid.step('qty')}, "
                f"were {rows['px'][off]} and {rows['qty'][off]}: give the grid of that date"
            )

    def _require(self, rows: EventArray, good: Mask, rule: str) -> None:
        if not good.all():
            row = rows[int(np.argmin(good))]
            told = rule.format(px=row["px"], qty=row["qty"], exch_ts=row["exch_ts"], local_ts=row["local_ts"])
            raise DataError(f"{self.path}:{row['ival']}: {told}")


class Reader(Protocol):
    """Reads the files of one stream in order: it remembers venue, instrument and sequence ids."""

    @property
    def venue(self) -> str:
        """The name of the venue, "" if neither the user nor the data named it."""

    @property
    def instrument(self) -> str:
        """The venue's symbol, "" until the data named it."""

    def channel(self, path: Path) -> int:
        """Return which of several streams recorded at the same time a file belongs to; merged, the lower goes first."""

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:
        """Turn a file into rows of ``sink``; a DataError names file and line."""


@dataclass(frozen=True)
class Converter:
    """A source of recorded data. ``version`` grows with every change of what it writes; ``uses`` names its options."""

    name: str
    version: int
    about: str
    reader: Callable[[Options], Reader]
    uses: frozenset[str] = frozenset()
