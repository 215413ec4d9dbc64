"""Order latency from feed latency: what a message took to us, an order takes to the venue, times a factor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from ...model.errors import ConfigError, DataError
from ...model.records import Records
from ..events import LOCAL_FLAG, EventArray, IntArray
from ..validate import NS_MAX
from .file import rows_of

FLOOR_NS: Final = 100_000
INTERVAL_NS: Final = 100_000_000
_ROWS: Final = 1 << 20


@dataclass(frozen=True)
class Leg:
    """One way of an order: max(floor, factor * feed latency + offset)."""

    factor: Fraction = Fraction(1)
    offset_ns: int = 0
    floor_ns: int = FLOOR_NS

    def latency_ns(self, feed_ns: IntArray) -> IntArray:
        """Return the latency of this way for feed latencies [ns], exactly, rounded down."""
        longest_ns = int(np.abs(feed_ns).max())
        if longest_ns * self.factor.numerator > NS_MAX:  # int64 would wrap around, and the floor hide it
            raise DataError(
                f"feed latency must be at most an hour after the factor, was {longest_ns} ns before {self.factor}: "
                "leave the silence out of the files, or give a smaller factor"
            )
        scaled: IntArray = feed_ns * self.factor.numerator // self.factor.denominator + self.offset_ns
        return np.maximum(scaled, self.floor_ns)


def latencies_from_feed(
    arrays: Sequence[EventArray],
    *,
    entry: Leg = Leg(),
    response: Leg = Leg(),
    interval_ns: int = INTERVAL_NS,
    progress: Callable[[int, int], None] | None = None,
) -> Records:
    """Return order latencies along the feed latency of consecutive event files.

    In each interval of receipt time the last row received stands for it. An order never overtakes the one before:
    where the latency falls faster than time passes, the venue's time is held.

    Parameters
    ----------
    arrays : event arrays in order of time; rows must be certified: order and latency are taken as they are
    entry, response : the way there and back
    interval_ns : [ns] > 0 between two rows
    progress : called with rows done and rows in all

    Raises
    ------
    ConfigError : a factor < 0, a floor < 1, an interval < 1
    DataError : no row was received, or a latency far above an hour
    """
    for name, leg in (("entry", entry), ("response", response)):
        if leg.factor < 0 or leg.factor.denominator > 10**6 or leg.factor > 10**6:
            raise ConfigError(f"{name} factor must be 0 to 1e6 with six decimals, was {float(leg.factor)}")
        if leg.floor_ns < 1:
            raise ConfigError(f"{name} floor must be >= 1 ns, was {leg.floor_ns}: no order arrives at once")
    if interval_ns < 1:
        raise ConfigError(f"interval must be >= 1 ns, was {interval_ns}")
    req_ns, feed_ns = _sampled(arrays, interval_ns, progress)
    if not len(req_ns):
        raise DataError("files must hold rows with the LOCAL flag, held none: convert the recording again")
    exch_ns = np.maximum.accumulate(req_ns + entry.latency_ns(feed_ns))
    return rows_of(req_ns, exch_ns, exch_ns + response.latency_ns(feed_ns))


def _sampled(
    arrays: Sequence[EventArray], interval_ns: int, progress: Callable[[int, int], None] | None
) -> tuple[IntArray, IntArray]:
    """Return receipt time and feed latency of the last row of each interval [ns]."""
    times, latencies = [], []
    total, done = sum(map(len, arrays)), 0
    for rows in arrays:
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            part = part[(part["ev"] & np.uint64(LOCAL_FLAG)) != 0]
            local_ns = part["local_ts"]
            last = np.flatnonzero(np.diff(local_ns // interval_ns, append=-1))
            times.append(local_ns[last])
            latencies.append(local_ns[last] - part["exch_ts"][last])
            done += min(_ROWS, len(rows) - start)
            if progress is not None:
                progress(done, total)
    local_ns, feed_ns = np.concatenate(times), np.concatenate(latencies)
    last = np.flatnonzero(np.diff(local_ns // interval_ns, append=-1))  # an interval may go over two parts
    return local_ns[last], feed_ns[last]
