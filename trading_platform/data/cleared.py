"""Offers that a ROI book of hftbacktest brings back: a DEPTH_CLEAR of the ask side does not empty their levels.

They stay behind, unseen, until the better ones go. Most are set anew by a later row before that. Whether all are is
found here, by following both books: the one the data tells, and the engine's.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from .._jit import INT, Array, entry, kernel
from .events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    KIND_MASK,
    LOCAL_FLAG,
    SELL_FLAG,
    EventArray,
    rows_of_kind,
)
from .validate import ROW

_OFFERED: Final = 1  # the data says so
_LEFT: Final = 2  # cleared, but the engine still has it


def returning_offer(
    files: Sequence[EventArray], tick_size: Decimal, range_ticks: tuple[int, int]
) -> tuple[int, int] | None:
    """Return (file, row) at which a cleared offer would be the best of a ROI book again, or None.

    Parameters
    ----------
    files : validated event arrays in the order of time; not changed
    tick_size : [quote]
    range_ticks : inclusive range of the ROI book
    """
    if not any(_clears_offers(rows) for rows in files):
        return None
    low, high = range_ticks
    numerator, denominator = tick_size.as_integer_ratio()
    for flag in (LOCAL_FLAG, EXCH_FLAG):  # two books: what we see, and what the venue has
        levels, best = np.zeros(high - low + 2, np.uint8), np.array([high + 1, high + 1], np.int64)
        for place, rows in enumerate(files):
            at = _follow(rows.view(ROW), levels, best, flag, low, high, numerator, denominator)
            if at >= 0:
                return place, at
    return None


def _clears_offers(rows: EventArray) -> bool:
    flags = rows["ev"][rows_of_kind(rows, DEPTH_CLEAR)]
    return bool(((flags & np.uint64(BUY_FLAG)) == 0).any())


@kernel
def _next(levels: npt.NDArray[np.uint8], above: int, mask: int) -> int:
    """Return the first level above one that has a bit of ``mask``; the number of levels less one if there is none."""
    at = max(above + 1, 0)
    while at < len(levels) - 1 and levels[at] & mask == 0:
        at += 1
    return min(at, len(levels) - 1)


@kernel
def _clear(levels: npt.NDArray[np.uint8], up_to: int) -> None:
    for at in range(min(up_to + 1, len(levels) - 1)):
        if levels[at] & _OFFERED:
            levels[at] = _LEFT


@entry(Array(ROW), Array(np.dtype(np.uint8)), Array(np.dtype(np.int64)), INT, INT, INT, INT, INT)
def _follow(
    rows: EventArray,
    levels: npt.NDArray[np.uint8],
    bests: npt.NDArray[np.int64],
    flag: int,
    low: int,
    high: int,
    numerator: int,
    denominator: int,
) -> int:
    """Follow one book over the rows of a file; return the row at which a cleared offer comes back, or -1.

    ``bests`` are the best offers [ticks] of the data and of the engine, ``high + 1`` for none; both are kept.
    """
    told, kept = bests[0], bests[1]
    for index in range(len(rows)):
        row = rows[index]
        event = row["ev"]
        kind = event & KIND_MASK
        if event & flag == 0 or (kind != DEPTH and kind != DEPTH_SNAPSHOT and kind != DEPTH_CLEAR):
            continue
        ticks = int(np.rint(row["price"] * denominator / numerator))
        at = ticks - low
        if kind == DEPTH_CLEAR:
            if event & BUY_FLAG == 0:
                up_to = at if event & SELL_FLAG else high - low
                _clear(levels, up_to)
                if told <= low + up_to:
                    told = low + _next(levels, up_to, _OFFERED)
                if kept <= low + up_to:
                    kept = low + _next(levels, up_to, _OFFERED | _LEFT)
        elif event & SELL_FLAG:
            if 0 <= at <= high - low:
                levels[at] = _OFFERED if row["qty"] > 0 else 0
                if row["qty"] > 0:
                    told, kept = min(told, ticks), min(kept, ticks)
                else:
                    told = low + _next(levels, at, _OFFERED) if ticks == told else told
                    kept = low + _next(levels, at, _OFFERED | _LEFT) if ticks == kept else kept
        elif row["qty"] > 0 and at < high - low:  # a bid removes the offers it crosses
            told = low + _next(levels, at, _OFFERED) if ticks >= told else told
            kept = low + _next(levels, at, _OFFERED | _LEFT) if ticks >= kept else kept
        if kept < told and levels[kept - low] == _LEFT:
            return index
    bests[0], bests[1] = told, kept
    return -1
