"""First look at a data set: the range of prices, and how long it usually takes from one row to the next.

What counts as a gap depends on the market: thresholds are derived from the data, told in the certificate, and can be
given instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ...model.records import TICKS_MAX, int64_record
from ..events import (
    DEPTH,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    KIND_MASK,
    LOCAL_FLAG,
    TRADE,
    EventArray,
    IntArray,
    read_only_view,
)
from ..validate import steps_of
from .book import WINDOW_TICKS
from .histogram import count_value, new_histogram, percentile

NS_PER_S: Final = 1_000_000_000
TIMES_USUAL: Final = 50  # a gap is this many times what nine in ten intervals are shorter than
GAP_LEAST_NS: Final = 1 * NS_PER_S
QUIET_DEPTH_LEAST_NS: Final = 5 * NS_PER_S
QUIET_TRADES_LEAST_NS: Final = 60 * NS_PER_S
OUTSIDE_PPM: Final = (
    5_000  # of the price: trades come at once, depth every 50 or 100 ms, and a market moves between
)
JUMP_PPM: Final = 10_000
STALE_NS: Final = 1 * NS_PER_S
_RANGE: Final = int64_record(
    "depth_min_ticks", "depth_max_ticks", "traded_min_ticks", "traded_max_ticks", "any_ns", "depth_ns", "trade_ns"
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The thresholds of a certificate.

    Attributes
    ----------
    gap_ns : [ns] of silence of all rows that makes a TIME_GAP
    quiet_depth_ns, quiet_trades_ns : [ns] without a change of the book, without a trade
    outside_ppm : [1e-6 of the price] that a trade may be beyond the touch; 10 ticks are always allowed
    jump_ppm : [1e-6 of the price] that mid or trades may move at once
    stale_ns : [ns] that a level may stand where the other side passed it
    """

    gap_ns: int
    quiet_depth_ns: int
    quiet_trades_ns: int
    outside_ppm: int = OUTSIDE_PPM
    jump_ppm: int = JUMP_PPM
    stale_ns: int = STALE_NS


@dataclass(frozen=True)
class Survey:
    """What the first look found: the thresholds, and where the window of the book's prices begins [ticks]."""

    settings: Settings
    low_ticks: int


def survey(files: Sequence[EventArray], tick_ratio: tuple[float, float]) -> Survey:
    """Look at all files once.

    Parameters
    ----------
    files : sequence of event arrays, shape (rows,) each
    tick_ratio : a price times the first by the second is in ticks
    """
    found = np.zeros(1, _RANGE)
    found["depth_min_ticks"] = found["traded_min_ticks"] = TICKS_MAX
    intervals = np.stack([new_histogram() for _ in range(3)])
    ratio = np.array(tick_ratio, np.float64)
    for rows in files:
        held = read_only_view(rows)
        _look(held["ev"].view(np.int64), held["local_ts"], held["px"], ratio, intervals, found)
    first = found[0]
    any_ns, depth_ns, trade_ns = (percentile(histogram, 900) or 0 for histogram in intervals)
    settings = Settings(
        gap_ns=max(GAP_LEAST_NS, TIMES_USUAL * any_ns),
        quiet_depth_ns=max(QUIET_DEPTH_LEAST_NS, TIMES_USUAL * depth_ns),
        quiet_trades_ns=max(QUIET_TRADES_LEAST_NS, TIMES_USUAL * trade_ns),
    )
    return Survey(settings, _low_ticks(first))


def _low_ticks(found: np.void) -> int:
    """Return where the book begins: at its lowest level, or so that the traded prices are in the middle."""
    low, high = int(found["depth_min_ticks"]), int(found["depth_max_ticks"])
    if high - low < WINDOW_TICKS or not found["traded_max_ticks"]:
        return low
    middle = (int(found["traded_min_ticks"]) + int(found["traded_max_ticks"])) // 2
    return max(low, min(middle - WINDOW_TICKS // 2, high - WINDOW_TICKS + 1))


@kernel
def _look(
    ev_column: IntArray,
    local_column: IntArray,
    price_column: npt.NDArray[np.float64],
    ratio: npt.NDArray[np.float64],
    intervals: IntArray,
    found: npt.NDArray[np.void],
) -> None:
    tally = found[0]
    for at in range(len(ev_column)):
        ev = ev_column[at]
        kind, local_ns = ev & KIND_MASK, local_column[at]
        is_depth = kind == DEPTH or kind == DEPTH_SNAPSHOT
        if (ev & LOCAL_FLAG) != 0:
            _interval(intervals[0], local_ns, tally["any_ns"])
            tally["any_ns"] = local_ns
            if is_depth:
                _interval(intervals[1], local_ns, tally["depth_ns"])
                tally["depth_ns"] = local_ns
            elif kind == TRADE:
                _interval(intervals[2], local_ns, tally["trade_ns"])
                tally["trade_ns"] = local_ns
        if (ev & EXCH_FLAG) != 0:
            ticks = steps_of(price_column[at], ratio[0], ratio[1], TICKS_MAX)
            if ticks > 0 and is_depth:
                tally["depth_min_ticks"] = min(tally["depth_min_ticks"], ticks)
                tally["depth_max_ticks"] = max(tally["depth_max_ticks"], ticks)
            elif ticks > 0 and kind == TRADE:
                tally["traded_min_ticks"] = min(tally["traded_min_ticks"], ticks)
                tally["traded_max_ticks"] = max(tally["traded_max_ticks"], ticks)


@kernel
def _interval(histogram: IntArray, now_ns: int, last_ns: int) -> None:
    """Count the time since the last row of another moment; rows of one moment are one message."""
    if last_ns > 0 and now_ns > last_ns:
        count_value(histogram, now_ns - last_ns)
