"""Levels that the other side passed: rows that remove them, for the venue's side and for ours."""

from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._jit import INT, Array, entry, kernel
from ...model.errors import DataError
from ...model.records import TICKS_MAX, Records, int64_record
from ..certify.book import ASK, BID, BOOK, clear_levels, is_crossed, set_level, take_passed_level
from ..events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EVENT,
    EXCH_FLAG,
    KIND_MASK,
    SELL_FLAG,
    SIDE_FLAGS,
    EventArray,
)
from ..validate import ROW, steps_of

PASSED_MAX: Final = 1 << 18  # levels taken out of one file; more is no book
PASSED: Final = int64_record("row", "side", "price_ticks")
_BLOCK: Final = int64_record("time_ns", "row", "count")


class SideBook(NamedTuple):
    """The book of one side of the engine, and the block that is being applied; goes on from file to file."""

    flag: int
    book: Records
    block: Records


def new_side_book(flag: int, book: Records) -> SideBook:
    """Return an empty book of one side: EXCH_FLAG the venue's, LOCAL_FLAG ours."""
    return SideBook(flag, book, np.zeros(1, _BLOCK))


def remove_passed_levels(
    rows: EventArray,
    name: str,
    sides: tuple[SideBook, SideBook],
    tick_size: Decimal,
    ratio: npt.NDArray[np.float64],
) -> tuple[EventArray, int]:
    """Return rows with removals of every level that the other side has passed, and how many levels were removed.

    A removal stands right after the moment that passed the level, with its times. Where both sides of the engine
    see it after the same row it is one row, else one for each.
    """
    found: dict[tuple[int, int, int], int] = {}
    for side in sides:
        passed = np.zeros(PASSED_MAX, PASSED)
        side.block["count"] = 0
        side.block["row"] = 0
        count = int(find_passed(rows.view(ROW), ratio, side.book, side.block, passed, side.flag))
        if count > PASSED_MAX:
            raise DataError(
                f"{name}: at most {PASSED_MAX} passed levels can be removed, were more: this is no book; look at "
                "the first places of CROSSED in the certificate"
            )
        for key in passed[:count].tolist():
            found[key] = found.get(key, 0) | side.flag
    levels = {(side, ticks, rows["exch_ts"][row]) for row, side, ticks in found}
    return _insert(rows, found, tick_size), len(levels)


def _insert(rows: EventArray, found: dict[tuple[int, int, int], int], tick_size: Decimal) -> EventArray:
    removals = np.zeros(len(found), EVENT)
    after = np.zeros(len(found), np.int64)
    for index, ((row, side, ticks), flags) in enumerate(sorted(found.items())):
        removal = removals[index]
        removal["ev"] = DEPTH | (BUY_FLAG if side == BID else SELL_FLAG) | flags
        removal["exch_ts"], removal["local_ts"] = rows[row]["exch_ts"], rows[row]["local_ts"]
        removal["px"] = float(ticks * tick_size)
        after[index] = row + 1
    return np.insert(rows, after, removals)


@kernel
def _take(book: np.void, block: np.void, passed: Records) -> None:
    while is_crossed(book) and block["count"] <= len(passed):
        side = 1 - book["newer_side"]
        ticks = take_passed_level(book)
        if block["count"] < len(passed):
            entry = passed[block["count"]]
            entry["row"] = block["row"]
            entry["side"] = side
            entry["price_ticks"] = ticks
        block["count"] += 1


@entry(Array(ROW), Array(np.dtype(np.float64)), Array(BOOK), Array(_BLOCK), Array(PASSED), INT)
def find_passed(
    rows: EventArray,
    ratio: npt.NDArray[np.float64],
    books: Records,
    blocks: Records,
    passed: Records,
    flag: int,
) -> int:
    """Apply the rows of one side; at the end of each moment take passed levels out and write them down.

    Returns how many; more than ``passed`` holds means that it stopped there.
    """
    book, block, limit = books[0], blocks[0], len(passed)
    for at in range(len(rows)):
        row = rows[at]
        ev = row["ev"]
        kind = ev & KIND_MASK
        is_level = kind == DEPTH or kind == DEPTH_SNAPSHOT
        if (ev & flag) == 0 or not (is_level or kind == DEPTH_CLEAR):
            continue
        time_ns = row["exch_ns"] if flag == EXCH_FLAG else row["local_ns"]
        if time_ns != block["time_ns"] and is_crossed(book):
            _take(book, block, passed)
        block["time_ns"], block["row"] = time_ns, at
        ticks = steps_of(row["price"], ratio[0], ratio[1], TICKS_MAX)
        if ticks < 0 or block["count"] > limit:
            continue
        if is_level:
            set_level(book, BID if (ev & BUY_FLAG) != 0 else ASK, ticks, row["qty"] > 0)
        else:
            clear_levels(book, ev & SIDE_FLAGS, ticks)
    if is_crossed(book):
        _take(book, block, passed)  # the last moment of a file is whole
    return int(block["count"])
