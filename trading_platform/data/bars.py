"""Bars of event files: the kernels of core/bars over rows, with the touch that was in force at each trade."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .._jit import INT, Array, entry, kernel
from ..core.bars.build import begin_next, close, fits, is_due, set_touch
from ..core.bars.fold import fold_trade, fold_trades
from ..core.bars.records import BAR, BUILDER
from ..core.bars.spec import BarGrid, BarSpec
from ..model.enums import BarClose
from ..model.errors import DataError, StrategyError
from ..model.records import TRADE, Records, int64_record
from .events import BUY_FLAG, KIND_MASK, LOCAL_FLAG, SELL_FLAG, EventArray
from .events import TRADE as TRADE_KIND
from .files import load_events
from .touch import TOUCH, Ints, TouchBook, apply_row, ask_ticks, bid_ticks
from .validate import ROW, validate_events

CHUNK_ROWS: Final = 1 << 16
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the rows done so far and all rows of the files."""
_SIZE: Final = int(BarClose.SIZE)
_FEED: Final = int64_record(
    "now_ns",  # of the block of rows being taken in: our clock
    "touch_changed",  # 1: a row of depth came since the builder was told the touch
    "bar_count",  # written to the output by the last call
)
_GRID: Final = np.dtype(
    [("price_den", "f8"), ("price_num", "f8"), ("qty_den", "f8"), ("qty_num", "f8")]
)  # a price * den / num is in ticks
_INT64: Final = np.dtype(np.int64)


@dataclass(frozen=True)
class MadeBars:
    """Bars, and what is left over.

    Attributes
    ----------
    bars : BAR, shape (n,): closed ones, in the order of their numbers
    first_row, last_row : int64, shape (n,): rows of first_trade and last_trade, counted from 0 over all files
    open_trades : trades of the bar that was still growing when the data ended
    trades, rows : that were read: trades we saw (LOCAL rows), rows of any kind
    grid : of prices and quantities
    """

    bars: Records
    first_row: Ints
    last_row: Ints
    open_trades: int
    trades: int
    rows: int
    grid: BarGrid


class BarStream:
    """Bars of one series, from pieces of a stream cut anywhere: the pieces give the bars of the whole.

    Feed it either trades alone (`add_trades`) or rows of event files (`add_rows`), which bring the touch along.
    """

    def __init__(self, spec: BarSpec, grid: BarGrid) -> None:
        self._builder = np.zeros(1, BUILDER)
        self._builder[0] = spec.to_record(grid)
        self._rule = spec.rule  # its code must outlive the address in the record
        self._bars = np.zeros(1, BAR)
        self._feed = np.zeros(1, _FEED)
        self._book = TouchBook()
        self._grid = np.zeros(1, _GRID)
        for name, step in (("price", grid.tick_size), ("qty", grid.lot_size)):
            size = Fraction(step)
            self._grid[f"{name}_den"], self._grid[f"{name}_num"] = size.denominator, size.numerator
        self._out = np.zeros(CHUNK_ROWS, BAR)

    @property
    def growing(self) -> Records:
        """The bar that is not complete yet (BAR, shape (1,), a copy); its ``trades`` are 0 if none is open."""
        return self._bars.copy()

    @property
    def trade_count(self) -> int:
        """Trades taken so far."""
        return int(self._builder[0]["trade_count"])

    def add_trades(self, trades: Records) -> Records:
        """Add trades (TRADE, in order of receipt) and return the bars they close (BAR).

        Raises
        ------
        DataError : a price or quantity <= 0, or too large, no side, or a trade older than the one before; the trades
            before it were added
        StrategyError : a custom rule raised
        """
        made = []
        for start in range(0, len(trades), CHUNK_ROWS):
            chunk = np.ascontiguousarray(trades[start : start + CHUNK_ROWS], TRADE)
            before_ns = int(self._feed[0]["now_ns"])
            with self._asking_the_rule():
                count = int(fold_array(self._builder, self._bars, chunk, self._out, before_ns))
            added = len(chunk) if count >= 0 else -1 - count
            if added:
                before_ns = self._feed[0]["now_ns"] = chunk[added - 1]["ts_local_ns"]
            if count < 0:
                raise DataError(_unfit(f"trade {start + added}", chunk[added], before_ns))
            made.append(self._out[:count].copy())
        return _joined(made)

    def add_rows(self, rows: EventArray) -> Records:
        """Add rows of an event file (validated, see data.validate) and return the bars they close (BAR).

        Trades count when they are LOCAL rows, in order of receipt. The touch in force at a trade is that of the
        block before: of all rows with an earlier local_ts.

        Raises
        ------
        DataError : local_ts falls, or a trade has no side, no quantity, or one too large; the rows before it were added
        StrategyError : a custom rule raised
        """
        made = []
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = np.ascontiguousarray(rows[start : start + CHUNK_ROWS]).view(ROW)
            self._book.reserve(len(chunk))
            with self._asking_the_rule():
                fault = int(
                    fold_rows(
                        self._builder,
                        self._bars,
                        self._feed,
                        self._grid,
                        self._book.record,
                        self._book.keys,
                        self._book.lots,
                        chunk,
                        self._out,
                    )
                )
            if fault >= 0:
                raise DataError(_bad_row(f"row {start + fault}", rows[start + fault], self._feed[0]))
            made.append(self._out[: int(self._feed[0]["bar_count"])].copy())
        return _joined(made)

    @contextmanager
    def _asking_the_rule(self) -> Iterator[None]:
        """Say at which trade a custom rule raised: nothing else in the kernels does."""
        try:
            yield
        except Exception as error:
            if self._rule is None:
                raise
            raise StrategyError(
                f"bar rule {self._rule.name} raised {type(error).__name__}: {error} at trade {self.trade_count - 1} of "
                "the stream: with NUMBA_DISABLE_JIT=1 it runs in plain Python, under a debugger"
            ) from error

    def finish(self) -> Records:
        """Return the bar that the clock of the last row completes (BAR, length 0 or 1)."""
        count = int(close_due(self._builder, self._bars, self._out, self._feed))
        return self._out[:count].copy()


def make_bars(
    spec: BarSpec,
    grid: BarGrid,
    paths: Sequence[Path],
    *,
    progress: Progress | None = None,
) -> MadeBars:
    """Make bars of consecutive event files of one instrument, a file in memory at a time.

    Raises
    ------
    ConfigError : see BarSpec.to_record
    DataError : see data.files.load_events and data.validate.validate_events; files not in the order of time
    StrategyError : a custom rule raised
    """
    if not paths:
        raise DataError("paths must be one or more event files, were none")
    stream, made, places = BarStream(spec, grid), list[Records](), list[Ints]()
    total, done = sum(len(load_events(path)) for path in paths), 0
    for path in paths:
        rows = load_events(path)
        validate_events([rows], [str(path)], grid.tick_size, grid.lot_size)
        for chunk in _chunks(rows):
            try:
                made.append(stream.add_rows(chunk))
            except DataError as error:
                raise DataError(f"{path}: from row {done} of all files on: {error}") from None
            places.append(done + np.flatnonzero(_is_trade(chunk)))
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    made.append(stream.finish())
    bars, place = _joined(made), np.concatenate(places)
    return MadeBars(
        bars,
        place[bars["first_trade"]],
        place[bars["last_trade"]],
        int(stream.growing[0]["trades"]),
        stream.trade_count,
        done,
        grid,
    )


def _chunks(rows: EventArray) -> Iterator[EventArray]:
    for start in range(0, len(rows), CHUNK_ROWS):
        yield rows[start : start + CHUNK_ROWS]


def _is_trade(rows: EventArray) -> npt.NDArray[np.bool_]:
    event = rows["ev"]
    found: npt.NDArray[np.bool_] = ((event & KIND_MASK) == TRADE_KIND) & ((event & LOCAL_FLAG) != 0)
    return found


def _joined(made: Iterable[Records]) -> Records:
    return np.concatenate([np.zeros(0, BAR), *made])


def _unfit(place: str, trade: np.void, before_ns: int) -> str:
    if abs(trade["side"]) != 1:
        return f"{place}: side must be +1 or -1, was {trade['side']}: the taker's is wanted"
    if trade["ts_local_ns"] < before_ns:
        return f"{place}: ts_local_ns must not fall, was {trade['ts_local_ns']} after {before_ns}: sort them"
    return (
        f"{place}: price and quantity must be > 0 and their product below 2^61 tick-lots, were {trade['price_ticks']} "
        f"ticks and {trade['qty_lots']} lots: leave such a trade out, or coarsen the lot size"
    )


def _bad_row(place: str, row: np.void, feed: np.void) -> str:
    if row["local_ts"] < feed["now_ns"]:
        return f"{place}: local_ts must not fall, was {row['local_ts']} after {feed['now_ns']}: order the files by time"
    if not int(row["ev"]) & (BUY_FLAG | SELL_FLAG):
        return (
            f"{place}: a trade must have the side of its taker, had neither flag: convert the recording again"
        )
    return (
        f"{place}: a trade must have a quantity > 0, and price * quantity below 2^61 tick-lots, were price "
        f"{row['px']} and quantity {row['qty']}: convert the recording again, or coarsen the lot size"
    )


# --- compiled


@kernel
def _commit(builder: np.void, feed: np.void, touch: np.void, local_ns: int) -> None:
    """End the block of rows before: its touch is in force from now on."""
    if feed["touch_changed"]:
        set_touch(builder, bid_ticks(touch), ask_ticks(touch))
        feed["touch_changed"] = 0
    feed["now_ns"] = local_ns


@entry(Array(BUILDER), Array(BAR), Array(TRADE), Array(BAR), INT)
def fold_array(builders: Records, bars: Records, trades: Records, out: Records, now_ns: int) -> int:
    """See `core.bars.fold.fold_trades`."""
    return fold_trades(builders, bars, trades, out, now_ns)


@entry(Array(BUILDER), Array(BAR), Array(BAR), Array(_FEED))
def close_due(builders: Records, bars: Records, out: Records, feeds: Records) -> int:
    """Close the growing bar into ``out`` if the clock of the feed says so; return how many that are: 0 or 1."""
    if not is_due(builders[0], bars[0], feeds[0]["now_ns"]):
        return 0
    close(builders[0], bars[0], _SIZE)
    out[0] = bars[0]
    begin_next(bars[0])
    return 1


@entry(
    Array(BUILDER),
    Array(BAR),
    Array(_FEED),
    Array(_GRID),
    Array(TOUCH),
    Array(_INT64),
    Array(_INT64),
    Array(ROW),
    Array(BAR),
)
def fold_rows(
    builders: Records,
    bars: Records,
    feeds: Records,
    grids: Records,
    touches: Records,
    keys: Ints,
    lots: Ints,
    rows: EventArray,
    out: Records,
) -> int:
    """Take in rows; return the index of one that must not be there, or -1."""
    feed, grid, touch = feeds[0], grids[0], touches[0]
    count = 0
    feed["bar_count"] = 0
    for index in range(len(rows)):
        row = rows[index]
        event = row["ev"]
        if (event & LOCAL_FLAG) == 0:
            continue
        local_ns = row["local_ns"]
        if local_ns != feed["now_ns"]:
            if local_ns < feed["now_ns"]:
                return index
            _commit(builders[0], feed, touch, local_ns)
        side = 1 if event & BUY_FLAG else -1 if event & SELL_FLAG else 0
        ticks = int(row["price"] * grid["price_den"] / grid["price_num"] + 0.5)
        qty_lots = int(row["qty"] * grid["qty_den"] / grid["qty_num"] + 0.5)
        if (event & KIND_MASK) != TRADE_KIND:
            apply_row(touch, keys, lots, event & KIND_MASK, side, ticks, qty_lots)
            feed["touch_changed"] = 1
            continue
        if side == 0 or not fits(ticks, qty_lots):
            return index
        count = fold_trade(builders, bars, out, count, ticks, qty_lots, side, local_ns)
        feed["bar_count"] = count
    return -1
