"""Clock drift: does the smallest feed latency grow or fall over time?"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..events import IntArray

NS_PER_S: Final = 1_000_000_000
STRETCHES_LEAST: Final = 32  # with rows: fewer say nothing
STRETCHES_MOST: Final = 1024  # of all files together: pairs grow with the square
SPAN_LEAST_S: Final = 60
DRIFTED_LEAST_NS: Final = 1_000_000  # over the file: less does not matter to a backtest
NOISE_TIMES: Final = 3  # the drift must be this many times what the minima scatter by
Floats = npt.NDArray[np.float64]


def drift_of(mins_ns: IntArray, span_ns: int) -> tuple[float, bool] | None:
    """Return the slope of the smallest latency [ns/s], and whether it is a drift; None if it cannot be told.

    Parameters
    ----------
    mins_ns : array of shape (stretches,), the smallest latency of each equal stretch, int64 maximum where no row is
    span_ns : [ns] all stretches together
    """
    there = np.flatnonzero(mins_ns != np.iinfo(np.int64).max)
    if len(there) < STRETCHES_LEAST or span_ns < SPAN_LEAST_S * NS_PER_S:
        return None
    at_s = (there * (span_ns / (len(mins_ns) - 1))) / NS_PER_S
    values = mins_ns[there].astype(np.float64)
    slope = slope_of((at_s, values))
    rest = values - slope * at_s
    scatter = float(np.median(np.abs(rest - np.median(rest))))
    drifted_ns = abs(slope) * span_ns / NS_PER_S
    return slope, drifted_ns > max(DRIFTED_LEAST_NS, NOISE_TIMES * scatter)


def slope_of(points: tuple[Floats, Floats]) -> float:
    """Return the slope of points (times [s], values [ns]) to a thousandth; 0 for fewer than two.

    It is the median of the slopes of all pairs (Theil 1950, Sen 1968): outages and bursts do not move it. Of more
    than STRETCHES_MOST points every n-th is taken.
    """
    at_s, values = points
    step = -(-len(at_s) // STRETCHES_MOST)
    at_s, values = at_s[:: max(1, step)], values[:: max(1, step)]
    if len(at_s) < 2:
        return 0.0
    first, second = np.triu_indices(len(at_s), 1)
    return round(float(np.median((values[second] - values[first]) / (at_s[second] - at_s[first]))), 3)
