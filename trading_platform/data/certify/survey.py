"""First look at a data set: the range of prices, and how long it usually takes from one row to the next.

What counts as a gap depends on the market: thresholds are derived from the data, told in the certificate, and can be
given instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ..._jit import Array, entry, kernel
from ...model.records import TICKS_MAX
from ..events import DEPTH, DEPTH_SNAPSHOT, KIND_MASK, LOCAL_FLAG, TRADE, EventArray, IntArray
from ..files import let_go
from ..validate import ROW
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
PIECE_ROWS: Final = 1 << 20
SAMPLE_ROWS: Final = 1 << 16  # looked at for the usual price where levels lie too far apart for the book
_RANGE: Final = np.dtype(
    [("low", "f8"), ("high", "f8"), ("any_ns", "i8"), ("depth_ns", "i8"), ("trade_ns", "i8")]
)  # prices of levels; last times


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
    """What the first look found: the thresholds, where the window of the book's prices begins [ticks], any trade."""

    settings: Settings
    low_ticks: int
    has_trades: bool


def survey(files: Sequence[EventArray], tick_ratio: tuple[float, float]) -> Survey:
    """Look at all files once.

    Parameters
    ----------
    files : sequence of event arrays, shape (rows,) each
    tick_ratio : a price times the first by the second is in ticks
    """
    found = np.zeros(1, _RANGE)
    found["low"], found["high"] = np.inf, 0
    intervals = np.stack([new_histogram() for _ in range(3)])
    for rows in files:
        for start in range(0, len(rows), PIECE_ROWS):
            look_at_rows(rows[start : start + PIECE_ROWS].view(ROW), intervals, found)
            let_go(rows)
    any_ns, depth_ns, trade_ns = (percentile(histogram, 900) or 0 for histogram in intervals)
    settings = Settings(
        gap_ns=max(GAP_LEAST_NS, TIMES_USUAL * any_ns),
        quiet_depth_ns=max(QUIET_DEPTH_LEAST_NS, TIMES_USUAL * depth_ns),
        quiet_trades_ns=max(QUIET_TRADES_LEAST_NS, TIMES_USUAL * trade_ns),
    )
    low_ticks = _low_ticks(files, tick_ratio, float(found[0]["low"]), float(found[0]["high"]))
    return Survey(settings, low_ticks, has_trades=bool(found[0]["trade_ns"] > 0))


def _low_ticks(files: Sequence[EventArray], ratio: tuple[float, float], low: float, high: float) -> int:
    """Return where the book begins: at its lowest level, or so that the usual price is in the middle."""
    by, of = ratio
    if low > high:
        return 0  # no level at all
    if (high - low) * by / of < WINDOW_TICKS - 1:
        return int(low * by / of)
    step = max(1, sum(map(len, files)) // SAMPLE_ROWS)
    prices = np.concatenate([rows["px"][::step] for rows in files])
    usual = float(np.median(prices[np.isfinite(prices) & (prices > 0)]))
    return max(0, int(min(usual * by / of, float(TICKS_MAX))) - WINDOW_TICKS // 2)


@kernel
def _interval(histogram: IntArray, now_ns: int, last_ns: int) -> None:
    """Count the time since the last row of another moment; rows of one moment are one message."""
    if last_ns > 0 and now_ns > last_ns:
        count_value(histogram, now_ns - last_ns)


@entry(Array(ROW), Array(np.dtype(np.int64), 3), Array(_RANGE))
def look_at_rows(rows: EventArray, intervals: IntArray, found: npt.NDArray[np.void]) -> None:
    """Note the range of the levels' prices, and the times between rows received."""
    tally = found[0]
    for at in range(len(rows)):
        row = rows[at]
        ev, local_ns, price = row["ev"], row["local_ns"], row["price"]
        kind = ev & KIND_MASK
        is_depth = kind == DEPTH or kind == DEPTH_SNAPSHOT
        if is_depth and 0 < price < np.inf:
            tally["low"] = min(tally["low"], price)
            tally["high"] = max(tally["high"], price)
        if (ev & LOCAL_FLAG) == 0:
            continue
        _interval(intervals[0], local_ns, tally["any_ns"])
        tally["any_ns"] = local_ns
        if is_depth:
            _interval(intervals[1], local_ns, tally["depth_ns"])
            tally["depth_ns"] = local_ns
        elif kind == TRADE:
            _interval(intervals[2], local_ns, tally["trade_ns"])
            tally["trade_ns"] = local_ns
