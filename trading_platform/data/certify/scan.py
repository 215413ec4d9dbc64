"""The pass over the rows that counts everything a certificate tells about them. Copies nothing, remembers the book.

The book is the venue's: EXCH rows in the order of exch_ts, since that is where the engine fills orders. It is judged
at the end of every venue time: within one message bids and asks may cross.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import INT, Array, entry, kernel
from ...model.records import TICKS_MAX, Records, int64_record
from ..events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    KIND_MASK,
    LOCAL_FLAG,
    SIDE_FLAGS,
    TRADE,
    EventArray,
)
from ..validate import LOTS_MAX, NS_MAX, OFF_GRID, ROW, steps_of
from .book import ASK, BID, BOOK, NO_LEVEL, clear_levels, is_crossed, new_book, set_level, take_passed_level
from .codes import Code
from .histogram import BUCKETS, bucket_of
from .survey import Survey

PLACES: Final = 5  # first places told of each code
OUTSIDE_TICKS_LEAST: Final = 10  # a trade may be outside the touch whatever the share of the price
DRIFT_BUCKETS: Final = 256  # stretches of a file whose smallest latency is kept
CHUNK_ROWS: Final = 8192  # looked at by one judge after the other while they are in the processor's cache
TABLE_ROWS: Final = 1 << 13
REMEMBERED_ROWS: Final = TABLE_ROWS // 2  # of one moment, that a duplicate is looked for among
_SKIP: Final = 0
_STAMPED: Final = 1  # kind, flags and times can be read, the numbers cannot
_WHOLE: Final = 2
_NONE: Final = -1
_NUMBERS: Final = int64_record(
    # settings
    "gap_ns",
    "quiet_depth_ns",
    "quiet_trades_ns",
    "outside_ppm",
    "jump_ppm",
    "stale_ns",
    # what goes on from row to row, and from file to file
    "last_exch_ns",
    "last_local_ns",
    "last_depth_local_ns",
    "last_trade_local_ns",
    "last_depth_exch_ns",
    "block_ns",  # venue time that is being applied, 0 none yet
    "block_changed",
    "block_row",
    "chunk_row",  # first row of the chunk that is looked at
    "marked",
    "had_both",  # the book had bids and asks at once
    "crossed_since_ns",
    "mid_halfticks",
    "trade_ticks",
    # of this file
    "span_first_ns",
    "span_ns",
    "stretch",
    "run_row",  # first row of the current moment: equal exch_ts and local_ts
    "run_exch_ns",
    "run_local_ns",
    "run_count",
    "latency_ns",  # of the row before, and its bucket
    "latency_bucket",
    "local_rows",
    "exch_rows",
    "depth_rows",
    "snapshot_rows",
    "trade_count",
    "latency_min_ns",
    "latency_max_ns",
    "book_ns",  # time with a book, of which:
    "crossed_ns",
    "locked_ns",
    "one_sided_ns",
    "block_count",
    "gcd_ticks",
    "gcd_lots",
)
TALLY: Final = np.dtype(
    [
        *_NUMBERS.descr,
        ("counts", "i8", (len(Code),)),
        ("places", "i8", (len(Code), PLACES, 3)),  # row, time [ns], value
        ("latency", "i8", (2, BUCKETS)),  # histogram
        ("latency_mins_ns", "i8", (DRIFT_BUCKETS,)),  # by stretch of the file
        ("marks", "u4", (CHUNK_ROWS,)),  # by row of the chunk: the codes found there, a bit each
    ]
)
assert len(Code) <= 32  # a bit each in ``marks``
_PER_FILE: Final = TALLY.names[TALLY.names.index("span_first_ns") :] if TALLY.names else ()
(
    _UNKNOWN_KIND,
    _BAD_FLAGS,
    _BAD_TIME,
    _BAD_NUMBER,
    _OFF_TICK,
    _OFF_LOT,
    _EXCH_ORDER,
    _LOCAL_ORDER,
    _LATENCY,
    _,
    _TIME_GAP,
    _QUIET_DEPTH,
    _QUIET_TRADES,
    _CROSSED,
    _LOCKED,
    _ONE_SIDED,
    _STALE_LEVEL,
    _TRADE_OUTSIDE,
    _TRADE_AFTER_DEPTH,
    _DUPLICATE,
    _PRICE_JUMP,
) = (int(code) for code in list(Code)[: Code.PRICE_JUMP + 1])  # compiled code takes plain numbers
_DUPLICATE_TRADE: Final = int(Code.DUPLICATE_TRADE)


WORK: Final = np.dtype(
    [
        ("fit", "u1", (CHUNK_ROWS,)),  # of the rows of a chunk: _SKIP, _STAMPED or _WHOLE
        ("ticks", "i8", (CHUNK_ROWS,)),
        ("lots", "i8", (CHUNK_ROWS,)),
        ("seen", "i8", (TABLE_ROWS,)),  # rows of the current moment by hash
    ]
)


class Scan(NamedTuple):
    """Everything the pass writes: one TALLY, one BOOK, and one WORK of what it works with."""

    tally: Records
    book: Records
    work: Records


def new_scan(survey: Survey) -> Scan:
    """Return a pass that has seen nothing."""
    tally = np.zeros(1, TALLY)
    for name, value in vars(survey.settings).items():
        tally[name] = value
    return Scan(tally, new_book(survey.low_ticks), np.zeros(1, WORK))


def begin_file(scan: Scan, rows: EventArray) -> None:
    """Set what is counted by file to nothing; the book and the clocks go on."""
    tally = scan.tally
    for name in _PER_FILE:
        tally[name] = 0
    tally["block_row"] = 0
    tally["latency_mins_ns"] = tally["latency_min_ns"] = np.iinfo(np.int64).max
    tally["latency_max_ns"] = np.iinfo(np.int64).min
    tally["span_first_ns"] = rows["local_ts"][0]
    tally["span_ns"] = max(1, int(rows["local_ts"][-1]) - int(rows["local_ts"][0]))
    scan.work["seen"] = _NONE
    scan.book["far_count"] = 0


def scan_rows(rows: EventArray, grids: npt.NDArray[np.float64], scan: Scan, start: int, stop: int) -> None:
    """Count rows ``start`` to ``stop`` of a file.

    Parameters
    ----------
    rows : event array, shape (rows,)
    grids : array, shape (2, 2): a price, a quantity times the first number by the second is in steps
    scan : Scan, changed in place
    """
    judge_rows(rows.view(ROW), grids, scan.tally, scan.book, scan.work, start, stop)


def finish(scan: Scan, rows: int) -> None:
    """Judge what is open at the end of the last file of ``rows`` rows: its last moment, silence up to its end."""
    judge_end(scan.tally, scan.book, rows)


@kernel
def _begin_chunk(tally: np.void, first: int) -> None:
    tally["chunk_row"] = first
    if tally["marked"]:
        tally["marks"][:] = 0
        tally["marked"] = 0


@kernel
def _note(tally: np.void, code: int, row: int, time_ns: int, value: int) -> None:
    """Count a finding; the first places are kept."""
    count = tally["counts"][code]
    tally["counts"][code] = count + 1
    if count < PLACES:
        places = tally["places"]
        places[code, count, 0] = row
        places[code, count, 1] = time_ns
        places[code, count, 2] = value
    if row >= tally["chunk_row"]:
        tally["marks"][row - tally["chunk_row"]] |= np.uint32(1 << code)
        tally["marked"] = 1


@kernel
def _read(
    rows: EventArray, grids: npt.NDArray[np.float64], tally: np.void, work: np.void, first: int, last: int
) -> None:
    """Judge the form of rows, and work out their prices in ticks and quantities in lots."""
    fit, ticks_column, lots_column = work["fit"], work["ticks"], work["lots"]
    tick_by, tick_of, lot_by, lot_of = grids[0, 0], grids[0, 1], grids[1, 0], grids[1, 1]
    gcd_ticks, gcd_lots = tally["gcd_ticks"], tally["gcd_lots"]
    for at in range(first, last):
        row = rows[at]
        ev, exch_ns, local_ns = row["ev"], row["exch_ns"], row["local_ns"]
        code = _malformed(ev, exch_ns, local_ns)
        if code != _NONE:
            _note(tally, code, at, exch_ns, _shown(code, ev, exch_ns, local_ns))
            fit[at - first] = _SKIP
            continue
        ticks = steps_of(row["price"], tick_by, tick_of, TICKS_MAX)
        lots = steps_of(row["qty"], lot_by, lot_of, LOTS_MAX)
        code = _no_number(ev, ticks, lots)
        if code != _NONE:
            _note(tally, code, at, exch_ns, 0)
            fit[at - first] = _STAMPED
            continue
        fit[at - first], ticks_column[at - first], lots_column[at - first] = _WHOLE, ticks, lots
        if gcd_ticks != 1 and (ev & KIND_MASK) != DEPTH_CLEAR:
            gcd_ticks = math.gcd(gcd_ticks, ticks)
        if gcd_lots != 1:
            gcd_lots = math.gcd(gcd_lots, lots)
    tally["gcd_ticks"], tally["gcd_lots"] = gcd_ticks, gcd_lots


@kernel
def _malformed(ev: int, exch_ns: int, local_ns: int) -> int:
    """Return the code of a row whose kind, flags or times cannot be used, or _NONE."""
    kind, side = ev & KIND_MASK, ev & SIDE_FLAGS
    if kind != DEPTH and kind != TRADE and kind != DEPTH_CLEAR and kind != DEPTH_SNAPSHOT:
        return _UNKNOWN_KIND
    if (ev & (EXCH_FLAG | LOCAL_FLAG)) == 0 or side == SIDE_FLAGS or (side == 0 and kind != DEPTH_CLEAR):
        return _BAD_FLAGS
    if not (1 <= exch_ns <= NS_MAX and 1 <= local_ns <= NS_MAX):
        return _BAD_TIME
    return _NONE


@kernel
def _shown(code: int, ev: int, exch_ns: int, local_ns: int) -> int:
    """Return the value that a malformed row is told with."""
    if code == _UNKNOWN_KIND:
        return ev & KIND_MASK
    if code == _BAD_FLAGS:
        return ev
    return local_ns if 1 <= exch_ns <= NS_MAX else exch_ns


@kernel
def _no_number(ev: int, ticks: int, lots: int) -> int:
    """Return the code of a row whose price or quantity cannot be used, or _NONE."""
    if ticks == OFF_GRID:
        return _OFF_TICK
    if lots == OFF_GRID:
        return _OFF_LOT
    if ticks < 0 or lots < 0:
        return _BAD_NUMBER
    if ticks == 0 and ((ev & KIND_MASK) != DEPTH_CLEAR or (ev & SIDE_FLAGS) != 0):
        return _BAD_NUMBER
    return _NONE


@kernel
def _judge_receipt(rows: EventArray, tally: np.void, work: np.void, first: int, last: int) -> None:
    """Judge what we see of the rows: order of receipt, latency, silence."""
    fit, histogram, latency_mins_ns = work["fit"], tally["latency"], tally["latency_mins_ns"]
    for at in range(first, last):
        row = rows[at]
        ev = row["ev"]
        if fit[at - first] == _SKIP or (ev & LOCAL_FLAG) == 0:
            continue
        local_ns = row["local_ns"]
        latency_ns = local_ns - row["exch_ns"]
        tally["local_rows"] += 1
        if latency_ns <= 0:
            _note(tally, _LATENCY, at, local_ns, latency_ns)
        if latency_ns != tally["latency_ns"]:
            tally["latency_ns"], tally["latency_bucket"] = latency_ns, bucket_of(abs(latency_ns))
            tally["latency_min_ns"] = min(tally["latency_min_ns"], latency_ns)
            tally["latency_max_ns"] = max(tally["latency_max_ns"], latency_ns)
        histogram[0 if latency_ns >= 0 else 1, tally["latency_bucket"]] += 1
        if local_ns < tally["last_local_ns"]:
            _note(tally, _LOCAL_ORDER, at, local_ns, local_ns - tally["last_local_ns"])
            continue
        if local_ns > tally["last_local_ns"]:
            _silence(tally, at, local_ns)
            tally["last_local_ns"] = local_ns
            stretch = (local_ns - tally["span_first_ns"]) * (DRIFT_BUCKETS - 1) // tally["span_ns"]
            tally["stretch"] = min(max(stretch, 0), DRIFT_BUCKETS - 1)
        stretch = tally["stretch"]
        latency_mins_ns[stretch] = min(latency_mins_ns[stretch], latency_ns)
        kind = ev & KIND_MASK
        if kind == TRADE:
            tally["trade_count"] += 1
            tally["last_trade_local_ns"] = local_ns
        else:
            tally["last_depth_local_ns"] = local_ns
            tally["snapshot_rows"] += kind == DEPTH_SNAPSHOT


@kernel
def _judge_repetition(rows: EventArray, tally: np.void, work: np.void, first: int, last: int) -> None:
    """Look for equal rows of one moment in a table by hash; rows before the moment count as empty places."""
    fit, ticks_column, lots_column = work["fit"], work["ticks"], work["lots"]
    seen = work["seen"]
    run_row, run_count = tally["run_row"], tally["run_count"]
    exch_ns, local_ns = tally["run_exch_ns"], tally["run_local_ns"]
    for at in range(first, last):
        if fit[at - first] != _WHOLE:
            continue
        row = rows[at]
        if row["exch_ns"] != exch_ns or row["local_ns"] != local_ns:
            exch_ns, local_ns = row["exch_ns"], row["local_ns"]
            run_row, run_count = at, 0
        if run_count == REMEMBERED_ROWS:
            continue
        ev, price, qty = row["ev"], row["price"], row["qty"]
        mixed = (ticks_column[at - first] * 31 + lots_column[at - first] * 17 + ev) & 0xFFFFFFFFFF
        slot = (mixed * 0x5E3779 >> 20) & (TABLE_ROWS - 1)
        other = seen[slot]
        while other >= run_row and (
            rows[other]["ev"] != ev or rows[other]["price"] != price or rows[other]["qty"] != qty
        ):
            slot = (slot + 1) & (TABLE_ROWS - 1)
            other = seen[slot]
        if other >= run_row:
            code = _DUPLICATE_TRADE if (ev & KIND_MASK) == TRADE else _DUPLICATE
            _note(tally, code, at, exch_ns, other)
        else:
            seen[slot] = at
            run_count += 1
    tally["run_row"], tally["run_count"] = run_row, run_count
    tally["run_exch_ns"], tally["run_local_ns"] = exch_ns, local_ns


@kernel
def _judge_venue(
    rows: EventArray, tally: np.void, book: np.void, work: np.void, first: int, last: int
) -> None:
    """Judge rows as the venue lived them, and bring them into the book."""
    fit, ticks_column, lots_column = work["fit"], work["ticks"], work["lots"]
    for at in range(first, last):
        ev, exch_ns, ticks = rows[at]["ev"], rows[at]["exch_ns"], ticks_column[at - first]
        if fit[at - first] != _WHOLE or (ev & EXCH_FLAG) == 0:
            continue
        tally["exch_rows"] += 1
        if exch_ns < tally["last_exch_ns"]:
            _note(tally, _EXCH_ORDER, at, exch_ns, exch_ns - tally["last_exch_ns"])
        else:
            tally["last_exch_ns"] = exch_ns
            if exch_ns != tally["block_ns"]:
                _close_block(tally, book, exch_ns)
        kind = ev & KIND_MASK
        if kind == TRADE:
            _trade(tally, book, at, exch_ns, ticks)
            continue
        tally["last_depth_exch_ns"] = exch_ns
        tally["block_changed"], tally["block_row"] = 1, at
        if kind == DEPTH_CLEAR:
            clear_levels(book, ev & SIDE_FLAGS, ticks)
        else:
            tally["depth_rows"] += 1
            set_level(book, BID if (ev & BUY_FLAG) != 0 else ASK, ticks, lots_column[at - first] > 0)


@kernel
def _trade(tally: np.void, book: np.void, at: int, exch_ns: int, ticks: int) -> None:
    best = book["best"]
    if tally["last_depth_exch_ns"] == exch_ns:
        _note(tally, _TRADE_AFTER_DEPTH, at, exch_ns, 0)
    last_ticks = tally["trade_ticks"]
    if last_ticks > 0 and abs(ticks - last_ticks) * 1_000_000 > tally["jump_ppm"] * last_ticks:
        _note(tally, _PRICE_JUMP, at, exch_ns, (ticks - last_ticks) * 1_000_000 // last_ticks)
    tally["trade_ticks"] = ticks
    if best[BID] == NO_LEVEL or best[ASK] == NO_LEVEL:
        return
    bid_ticks, ask_ticks = book["low_ticks"] + best[BID], book["low_ticks"] + best[ASK]
    outside_ticks = max(ticks - max(bid_ticks, ask_ticks), min(bid_ticks, ask_ticks) - ticks)
    if outside_ticks > max(OUTSIDE_TICKS_LEAST, tally["outside_ppm"] * ticks // 1_000_000):
        _note(tally, _TRADE_OUTSIDE, at, exch_ns, outside_ticks)


@kernel
def _silence(tally: np.void, at: int, local_ns: int) -> None:
    """Judge the time before a new moment: all silent is a gap, one stream silent while the other speaks is quiet."""
    last_ns = tally["last_local_ns"]
    if last_ns > 0 and local_ns - last_ns > tally["gap_ns"]:
        _note(tally, _TIME_GAP, at, local_ns, local_ns - last_ns)
        tally["last_depth_local_ns"] = 0  # told once
        tally["last_trade_local_ns"] = 0
        return
    depth_ns, trade_ns = tally["last_depth_local_ns"], tally["last_trade_local_ns"]
    if depth_ns > 0 and local_ns - depth_ns > tally["quiet_depth_ns"]:
        _note(tally, _QUIET_DEPTH, at, local_ns, local_ns - depth_ns)
        tally["last_depth_local_ns"] = 0
    if trade_ns > 0 and local_ns - trade_ns > tally["quiet_trades_ns"]:
        _note(tally, _QUIET_TRADES, at, local_ns, local_ns - trade_ns)
        tally["last_trade_local_ns"] = 0


@kernel
def _close_block(tally: np.void, book: np.void, now_ns: int) -> None:
    """Judge the book at the end of a venue time, and begin the next."""
    best = book["best"]
    lasted_ns = max(0, now_ns - tally["block_ns"])
    both = best[BID] != NO_LEVEL and best[ASK] != NO_LEVEL
    if both:
        tally["had_both"] = 1
    if tally["had_both"]:
        tally["book_ns"] += lasted_ns
        tally["block_count"] += tally["block_changed"]
        if not both:
            tally["one_sided_ns"] += lasted_ns
            if tally["block_changed"]:
                _note(tally, _ONE_SIDED, tally["block_row"], tally["block_ns"], 0)
        elif is_crossed(book):
            _crossed(tally, book, now_ns, lasted_ns)
        else:
            tally["crossed_since_ns"] = 0
            if tally["block_changed"]:
                _mid(tally, book)
    tally["block_ns"] = now_ns
    tally["block_changed"] = 0


@kernel
def _crossed(tally: np.void, book: np.void, now_ns: int, lasted_ns: int) -> None:
    """Count a crossed or locked moment; levels that stood passed for too long are taken out."""
    best = book["best"]
    over_ticks = best[BID] - best[ASK]
    if over_ticks > 0:
        tally["crossed_ns"] += lasted_ns
    else:
        tally["locked_ns"] += lasted_ns
    if tally["block_changed"]:
        code = _CROSSED if over_ticks > 0 else _LOCKED
        _note(tally, code, tally["block_row"], tally["block_ns"], over_ticks)
    if tally["crossed_since_ns"] == 0:
        tally["crossed_since_ns"] = tally["block_ns"]
    stood_ns = now_ns - tally["crossed_since_ns"]
    if stood_ns > tally["stale_ns"]:
        while take_passed_level(book) != NO_LEVEL:
            _note(tally, _STALE_LEVEL, tally["block_row"], tally["crossed_since_ns"], stood_ns)
        tally["crossed_since_ns"] = 0


@kernel
def _mid(tally: np.void, book: np.void) -> None:
    best = book["best"]
    mid, last = 2 * book["low_ticks"] + best[BID] + best[ASK], tally["mid_halfticks"]
    if last > 0 and abs(mid - last) * 1_000_000 > tally["jump_ppm"] * last:
        _note(tally, _PRICE_JUMP, tally["block_row"], tally["block_ns"], (mid - last) * 1_000_000 // last)
    tally["mid_halfticks"] = mid


@entry(Array(ROW), Array(np.dtype(np.float64), 2), Array(TALLY), Array(BOOK), Array(WORK), INT, INT)
def judge_rows(
    rows: EventArray,
    grids: npt.NDArray[np.float64],
    tallies: Records,
    books: Records,
    works: Records,
    start: int,
    stop: int,
) -> None:
    """Judge rows ``start`` to ``stop``, chunk by chunk: see `scan_rows`."""
    tally, book, work = tallies[0], books[0], works[0]
    for first in range(start, stop, CHUNK_ROWS):
        last = min(stop, first + CHUNK_ROWS)
        _begin_chunk(tally, first)
        _read(rows, grids, tally, work, first, last)
        _judge_receipt(rows, tally, work, first, last)
        _judge_repetition(rows, tally, work, first, last)
        _judge_venue(rows, tally, book, work, first, last)


@entry(Array(TALLY), Array(BOOK), INT)
def judge_end(tallies: Records, books: Records, rows: int) -> None:
    """Judge what is open at the end: see `finish`."""
    tally = tallies[0]
    _close_block(tally, books[0], tally["block_ns"])
    end_ns, depth_ns, trade_ns = (
        tally["last_local_ns"],
        tally["last_depth_local_ns"],
        tally["last_trade_local_ns"],
    )
    if depth_ns > 0 and end_ns - depth_ns > tally["quiet_depth_ns"]:
        _note(tally, _QUIET_DEPTH, rows - 1, end_ns, end_ns - depth_ns)
    if trade_ns > 0 and end_ns - trade_ns > tally["quiet_trades_ns"]:
        _note(tally, _QUIET_TRADES, rows - 1, end_ns, end_ns - trade_ns)
