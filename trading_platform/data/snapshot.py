"""The book at a row of a stream: what was said about each level last, without what later rows made impossible.

Both sides of the engine have a book of their own. Ours is behind: it knows the rows that we received, in the order of
their receipt. The venue's knows what happened there. A replay that starts in the middle needs both.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from .._jit import cache_root
from ..model.errors import DataError
from .events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EVENT,
    EXCH_FLAG,
    KIND_MASK,
    LOCAL_FLAG,
    SELL_FLAG,
    SIDE_FLAGS,
    TRADE,
    EventArray,
    IntArray,
    Mask,
)
from .files import load_events, save_events

SNAPSHOT_VERSION: Final = 1  # grows with every change of what is built: part of the cache's key
CHUNK_ROWS: Final = 1 << 19  # bounds memory: about 100 bytes a row while a chunk is folded
_NO_LEVELS: Final = np.zeros(0, np.int64)
_BOTH: Final = EXCH_FLAG | LOCAL_FLAG
DENSE_TICKS: Final = 1 << 21  # a range of ticks that fits an array of 16 MiB
Progress = Callable[[int, int], None]  # rows done, rows in all


class Levels(NamedTuple):
    """One side of a book: ticks in rising order, and the lots at each (> 0)."""

    ticks: IntArray
    lots: IntArray


class _Updates(NamedTuple):
    """Rows of one kind in one chunk: place in the stream, tick, lots."""

    places: IntArray
    ticks: IntArray
    lots: IntArray


@dataclass(frozen=True)
class Grid:
    """Tick and lot as exact fractions, for whole columns at once."""

    tick: Fraction
    lot: Fraction

    @classmethod
    def of(cls, tick_size: Decimal, lot_size: Decimal) -> "Grid":
        """Return the grid of an instrument."""
        return cls(Fraction(tick_size), Fraction(lot_size))


class Book:
    """A book of price levels, fed with the rows of one side of the engine (``flag``: EXCH or LOCAL).

    A level is gone when its quantity became 0, when a clear reached it, or when the other side was quoted at or
    beyond its price afterwards: it must have been traded away, and whoever shows it shows a crossed book. The engine
    hides such a level until the touch comes back to it; here it is removed for good.
    """

    def __init__(self, grid: Grid, flag: int) -> None:
        self.bids = Levels(_NO_LEVELS, _NO_LEVELS)
        self.asks = Levels(_NO_LEVELS, _NO_LEVELS)
        self.last_exch_ns = 0  # times of the last row, 0 before the first
        self.last_local_ns = 0
        self._grid = grid
        self._flag = np.uint64(flag)

    def fold(self, rows: EventArray) -> None:
        """Take rows that follow those before; shape (rows,), event dtype. Works in chunks of constant memory."""
        for start in range(0, len(rows), CHUNK_ROWS):
            self._fold_chunk(rows[start : start + CHUNK_ROWS])

    def _fold_chunk(self, rows: EventArray) -> None:
        event = np.ascontiguousarray(rows["ev"])  # columns, not rows: a row has 64 bytes
        seen = (event & self._flag) != 0
        if not seen.any():
            return
        newest = len(rows) - 1 - int(np.argmax(seen[::-1]))
        self.last_exch_ns, self.last_local_ns = (
            int(rows["exch_ts"][newest]),
            int(rows["local_ts"][newest]),
        )
        kind = event & KIND_MASK
        clears = seen & (kind == DEPTH_CLEAR)
        depth = seen & (kind != DEPTH_CLEAR) & (kind != TRADE)
        bid, ask = (event & BUY_FLAG) != 0, (event & SELL_FLAG) != 0
        whole = np.flatnonzero(clears & ~bid & ~ask)
        bids, asks = self._updates(rows, depth & bid), self._updates(rows, depth & ask)
        bid_clears, ask_clears = self._updates(rows, clears & bid), self._updates(rows, clears & ask)
        self.bids = _survivors(self.bids, bids, (asks, bid_clears), whole)
        mirrored = Levels(-self.asks.ticks[::-1], self.asks.lots[::-1])
        left = _survivors(mirrored, _mirror(asks), (_mirror(bids), _mirror(ask_clears)), whole)
        self.asks = Levels(-left.ticks[::-1], left.lots[::-1])

    def _updates(self, rows: EventArray, wanted: Mask) -> _Updates:
        places = np.flatnonzero(wanted)
        ticks = steps_of(rows["px"][places], self._grid.tick)
        return _Updates(places, ticks, steps_of(rows["qty"][places], self._grid.lot))


def steps_of(values: npt.NDArray[np.float64], step: Fraction) -> IntArray:
    """Return values on a grid as whole steps, as validate_events and the engine count them."""
    counted: IntArray = np.rint(values * step.denominator / step.numerator).astype(np.int64)
    return counted


def _mirror(updates: _Updates) -> _Updates:
    """Return asks as bids of negative prices: one rule for both sides."""
    return updates._replace(ticks=-updates.ticks)


def _survivors(
    before: Levels, updates: _Updates, killers: tuple[_Updates, _Updates], whole: IntArray
) -> Levels:
    """Return the bids after a chunk.

    Parameters
    ----------
    before : bids before the chunk
    updates : rows that set a bid level
    killers : rows after which no bid at their price or above can be: quoted asks (lots > 0), and clears of bids
    whole : places of rows that clear everything
    """
    asks, clears = killers
    quoted = asks.lots > 0
    ticks = np.concatenate([before.ticks, updates.ticks])
    lots = np.concatenate([before.lots, updates.lots])
    places = np.concatenate([np.full(len(before.ticks), -1, np.int64), updates.places])
    levels, last = _last_of_each(ticks)
    order = np.argsort(np.concatenate([asks.places[quoted], clears.places]), kind="stable")
    kill_places = np.concatenate([asks.places[quoted], clears.places])[order]
    kill_ticks, last_kill = _last_of_each(np.concatenate([asks.ticks[quoted], clears.ticks])[order])
    # the last killer at each tick or below; in front of all stands what cleared everything, -2 if nothing did
    everything = int(whole[-1]) if len(whole) else -2
    newest = np.maximum.accumulate(np.concatenate([[everything], kill_places[last_kill]]))
    killed_at = newest[np.searchsorted(kill_ticks, levels, side="right")]
    stays = (lots[last] > 0) & (places[last] > killed_at)
    return Levels(levels[stays], lots[last][stays])


def _last_of_each(ticks: IntArray) -> tuple[IntArray, IntArray]:
    """Return the different ticks in rising order, and where each stands last."""
    if not len(ticks):
        return ticks, ticks
    low = int(ticks.min())
    if int(ticks.max()) - low < DENSE_TICKS:  # no sorting: several times faster
        last = np.full(int(ticks.max()) - low + 1, -1, np.int64)
        last[ticks - low] = np.arange(len(ticks))  # of equal indices the last one counts
        found = np.flatnonzero(last >= 0)
        return found + low, last[found]
    levels, last_from_end = np.unique(ticks[::-1], return_index=True)
    return levels, len(ticks) - 1 - last_from_end


@dataclass(frozen=True)
class StartBook:
    """Both books at one place of a stream, as event rows.

    ``snapshot`` is ours: a clear of both sides, then the levels from the touch outwards; usable as a run's initial
    snapshot, which the engine gives to both sides. ``corrections`` are depth changes for the venue's side alone (EXCH)
    that turn ours into the venue's: none unless depth overtook depth on its way to us.
    """

    snapshot: EventArray
    corrections: EventArray

    @property
    def levels(self) -> int:
        """Levels of both sides."""
        return len(self.snapshot) - 1

    @property
    def rows(self) -> EventArray:
        """Both parts in one array."""
        return np.concatenate([self.snapshot, self.corrections])

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes of `rows`."""
        return hashlib.sha256(self.rows.tobytes()).hexdigest()

    @classmethod
    def from_rows(cls, rows: EventArray) -> "StartBook":
        """Take both parts apart again."""
        ours = (rows["ev"] & np.uint64(LOCAL_FLAG)) != 0
        return cls(np.ascontiguousarray(rows[ours]), np.ascontiguousarray(rows[~ours]))


@dataclass(frozen=True)
class BookInput:
    """Rows of one file that a book is built from: [first_row, end_row) of a file of that SHA-256."""

    path: Path
    sha256: str
    first_row: int
    end_row: int


def start_book(inputs: Sequence[BookInput], grid: Grid, progress: Progress | None = None) -> StartBook:
    """Return the books after the rows of ``inputs``; built once, then taken from the cache of this user.

    Raises
    ------
    DataError : a file that cannot be read; no rows for our side
    """
    path = _cached_path(inputs, grid)
    if path.is_file():
        return StartBook.from_rows(np.array(load_events(path)))
    book = build_book(inputs, grid, progress)
    save_events(path, book.rows, overwrite=True)  # another process may have been first: the same bytes
    return book


def build_book(inputs: Sequence[BookInput], grid: Grid, progress: Progress | None = None) -> StartBook:
    """Return the books after the rows of ``inputs``, from the rows themselves. See `start_book`."""
    ours, theirs = Book(grid, LOCAL_FLAG), Book(grid, EXCH_FLAG)
    done, total = 0, sum(one.end_row - one.first_row for one in inputs)
    for one in inputs:
        rows = load_events(one.path)[one.first_row : one.end_row]
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = rows[start : start + CHUNK_ROWS]
            ours.fold(chunk)
            theirs.fold(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    if not ours.last_local_ns:
        names = ", ".join(one.path.name for one in inputs) or "no file"
        raise DataError(f"the book needs rows that we received before it, found none in {names}")
    return StartBook(_snapshot_rows(ours, grid), _correction_rows(ours, theirs, grid))


def _cached_path(inputs: Sequence[BookInput], grid: Grid) -> Path:
    """Return the place of a book in the cache: its name is a hash of all that it depends on."""
    key = {
        "version": SNAPSHOT_VERSION,
        "inputs": [(one.sha256, one.first_row, one.end_row) for one in inputs],
        "grid": [str(grid.tick), str(grid.lot)],
    }
    name = hashlib.sha256(orjson.dumps(key, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return cache_root() / "books" / f"{name}.npy"


def _snapshot_rows(book: Book, grid: Grid) -> EventArray:
    """Return a book as a clear and its levels, each side from the touch outwards, at the times of its last row."""
    bids = Levels(book.bids.ticks[::-1], book.bids.lots[::-1])
    rows = np.concatenate(
        [
            np.zeros(1, EVENT),
            _level_rows(DEPTH_SNAPSHOT | BUY_FLAG | _BOTH, bids, grid),
            _level_rows(DEPTH_SNAPSHOT | SELL_FLAG | _BOTH, book.asks, grid),
        ]
    )
    rows["ev"][0] = DEPTH_CLEAR | _BOTH
    rows["exch_ts"], rows["local_ts"] = book.last_exch_ns, book.last_local_ns
    return rows


def _correction_rows(ours: Book, theirs: Book, grid: Grid) -> EventArray:
    """Return the changes that turn our book into the venue's: what is gone first, then what is there."""
    parts = []
    for side, mine, real in ((BUY_FLAG, ours.bids, theirs.bids), (SELL_FLAG, ours.asks, theirs.asks)):
        gone = mine.ticks[~np.isin(mine.ticks, real.ticks)]
        at = np.searchsorted(mine.ticks, real.ticks)
        known = (at < len(mine.ticks)) & (np.append(mine.ticks, 0)[at] == real.ticks)
        differs = ~known | (np.append(mine.lots, 0)[at] != real.lots)
        event = DEPTH | side | EXCH_FLAG
        parts.append((0, _level_rows(event, Levels(gone, np.zeros(len(gone), np.int64)), grid)))
        parts.append((1, _level_rows(event, Levels(real.ticks[differs], real.lots[differs]), grid)))
    rows = np.concatenate([part for _, part in sorted(parts, key=lambda part: part[0])])
    rows["exch_ts"] = max(1, theirs.last_exch_ns)
    rows["local_ts"] = max(theirs.last_local_ns, ours.last_local_ns)
    return rows


def _level_rows(event: int, levels: Levels, grid: Grid) -> EventArray:
    rows = np.zeros(len(levels.ticks), EVENT)
    rows["ev"] = event
    rows["px"] = levels.ticks * grid.tick.numerator / grid.tick.denominator  # the float64 next to the decimal
    rows["qty"] = levels.lots * grid.lot.numerator / grid.lot.denominator
    return rows


def has_full_snapshot(rows: EventArray, end_row: int) -> bool:
    """Tell whether both sides of our book are loaded anew somewhere in the first ``end_row`` rows.

    Both are cleared at one time of receipt, by one row without a side or by one for each.
    """
    cleared_ns: dict[int, set[int]] = {BUY_FLAG: set(), SELL_FLAG: set()}
    for start in range(0, end_row, CHUNK_ROWS):
        chunk = rows[start : min(end_row, start + CHUNK_ROWS)]
        event = chunk["ev"]
        clears = np.flatnonzero(((event & KIND_MASK) == DEPTH_CLEAR) & ((event & LOCAL_FLAG) != 0))
        sides = event[clears] & SIDE_FLAGS
        if (sides == 0).any():
            return True
        for side, times in cleared_ns.items():
            times.update(chunk["local_ts"][clears][sides == side].tolist())
        if cleared_ns[BUY_FLAG] & cleared_ns[SELL_FLAG]:
            return True
    return False
