"""What a source of recorded streams has to provide: one parser of lines that fills a sink."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Final, Protocol

import numpy as np
import numpy.typing as npt

from ...model.errors import DataError
from ..events import EVENT, EventArray, IntArray

BUFFER_ROWS: Final = 1 << 18  # rows held in lists before they go to disk: bounds the memory of a conversion
LISTED_GAPS: Final = 20
_PAIR: Final = {2}


@dataclass(frozen=True)
class Gap:
    """A hole in the venue's chain of sequence ids: updates were lost before this line."""

    file: str
    line: int
    expected: int
    found: int


@dataclass
class FileReport:
    """What was found in one input file."""

    lines: int = 0
    messages: dict[str, int] = field(default_factory=dict)  # by type, those converted and those not
    ignored: dict[str, int] = field(default_factory=dict)  # by type, known or unknown, that made no rows
    gap_count: int = 0
    gaps: list[Gap] = field(default_factory=list)  # the first LISTED_GAPS
    clock_steps_back: int = 0  # lines stamped earlier than the line before, held at its time


class Sink:
    """Takes the rows of one input file in order of receipt, not yet flagged, and writes them to disk."""

    def __init__(self, path: Path, store: IO[bytes]) -> None:
        self.path = path
        self.report = FileReport()
        self.line = 0  # of the message being parsed
        self.local_ns = 0
        self.rows = 0
        self.latency_min_ns = np.iinfo(np.int64).max
        self.exch_min_ns = np.iinfo(np.int64).max
        self._store = store
        self._values: list[float] = []  # price, quantity, price, quantity ...
        self._batches: list[tuple[int, int, int, int, int]] = []  # ev, exch_ns, local_ns, pairs, line

    def pairs(self, ev: int, exch_ns: int, pairs: Sequence[Sequence[str]]) -> None:
        """Add one row per (price, quantity) of decimal strings, all of one kind and time."""
        if not pairs:
            return
        if {*map(len, pairs)} != _PAIR:
            raise ValueError("a level must be a pair of price and quantity")
        self._values.extend(map(float, chain.from_iterable(pairs)))  # no loop in Python: 3x faster
        self._batches.append((ev, exch_ns, self.local_ns, len(pairs), self.line))

    @property
    def buffered_rows(self) -> int:
        """Rows not yet written."""
        return len(self._values) // 2

    def gap(self, expected: int, found: int) -> None:
        """Note that the chain of sequence ids broke at this line."""
        self.report.gap_count += 1
        if len(self.report.gaps) < LISTED_GAPS:
            self.report.gaps.append(Gap(self.path.name, self.line, expected, found))

    def count(self, kind: str) -> None:
        """Count a message."""
        self.report.messages[kind] = self.report.messages.get(kind, 0) + 1

    def ignore(self, kind: str) -> None:
        """Count a message that makes no rows."""
        self.count(kind)
        self.report.ignored[kind] = self.report.ignored.get(kind, 0) + 1

    def flush(self) -> None:
        """Write what is buffered.

        Raises
        ------
        DataError : a number that is not finite, a price <= 0 or a quantity < 0; names file and line
        """
        if not self._batches:
            return
        batches = np.array(self._batches, np.int64)
        counts = batches[:, 3]
        values = np.array(self._values, np.float64).reshape(-1, 2)
        self._check(values, np.repeat(batches[:, 4], counts))
        rows = np.zeros(len(values), EVENT)
        for name, column in (("ev", 0), ("exch_ts", 1), ("local_ts", 2)):
            rows[name] = np.repeat(batches[:, column], counts)
        rows["px"], rows["qty"] = values[:, 0], values[:, 1]
        self._note(rows)
        rows.tofile(self._store)
        self._values.clear()
        self._batches.clear()

    def _check(self, values: npt.NDArray[np.float64], lines: IntArray) -> None:
        good = np.isfinite(values).all(axis=1) & (values[:, 0] > 0) & (values[:, 1] >= 0)
        if not good.all():
            at = int(np.argmin(good))
            raise DataError(
                f"{self.path}:{lines[at]}: price must be > 0 and quantity >= 0, both finite, "
                f"were {values[at, 0]} and {values[at, 1]}"
            )

    def _note(self, rows: EventArray) -> None:
        self.rows += len(rows)
        self.latency_min_ns = min(self.latency_min_ns, int((rows["local_ts"] - rows["exch_ts"]).min()))
        self.exch_min_ns = min(self.exch_min_ns, int(rows["exch_ts"].min()))


class Parser(Protocol):
    """Parses the lines of one stream, over all its files: it remembers symbol and sequence id."""

    symbol: str  # "" until a message named it

    def parse(self, body: bytes, sink: Sink) -> None:
        """Turn one message into rows of ``sink``.

        ValueError, KeyError and TypeError mean a broken line: the caller adds file and line number.
        """


@dataclass(frozen=True)
class Converter:
    """A source of recorded streams. ``version`` grows with every change of what it writes."""

    name: str
    version: int
    about: str
    parser: Callable[[], Parser]
