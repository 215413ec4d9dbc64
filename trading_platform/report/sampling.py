"""Equity on a regular grid of time, taken from the PNL events of one instrument."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ..model.errors import EventLogError

GRID_MAX: Final = 50_000_000  # samples: 1.5 years of seconds

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EquitySamples:
    """Arrays of one length, int64.

    Attributes
    ----------
    now_ns : [ns] time of the sample
    seq : of the PNL event that it shows
    equity_money : [money] fees included
    mark_halfticks : [halfticks] > 0
    net_lots : [lots] position
    """

    now_ns: Int64s
    seq: Int64s
    equity_money: Int64s
    mark_halfticks: Int64s
    net_lots: Int64s

    def __len__(self) -> int:
        return len(self.now_ns)

    def take(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_], now_ns: Int64s) -> "EquitySamples":
        """Return the chosen samples, shown at other times."""
        return EquitySamples(
            now_ns,
            self.seq[index],
            self.equity_money[index],
            self.mark_halfticks[index],
            self.net_lots[index],
        )


def on_grid(samples: EquitySamples, interval_ns: int) -> EquitySamples:
    """Return samples at multiples of an interval: at each the last one known then, never a later one.

    The first is at or after the first sample, the last at or after the last one, so the end is always shown.

    Raises
    ------
    EventLogError : the interval is not positive, or so fine that more than GRID_MAX samples would result
    """
    if interval_ns <= 0:
        raise EventLogError(f"sampling interval must be > 0 ns, was {interval_ns}")
    if not len(samples):
        return samples
    first = -(-int(samples.now_ns[0]) // interval_ns)
    last = -(-int(samples.now_ns[-1]) // interval_ns)
    count = last - first + 1
    if count > GRID_MAX:
        raise EventLogError(
            f"sampling interval must give at most {GRID_MAX} samples, was {interval_ns} ns ({count}): "
            "choose a longer one"
        )
    grid = np.arange(first, last + 1, dtype=np.int64) * interval_ns
    index = np.searchsorted(samples.now_ns, grid, side="right") - 1
    return samples.take(index, grid)
