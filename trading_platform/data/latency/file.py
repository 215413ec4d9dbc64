"""Files of order latencies in hftbacktest's format: when a request was sent, when the venue had it, when we heard.

The engine interpolates linearly between rows: the way there over ``req_ts``, the way back over ``exch_ts``. Before the
first row and after the last it holds their latencies. What it does not check is checked here: rows out of order make
it skip to the last row for good, a negative latency ends the process, and a row with ``exch_ts`` 0 (a technical
reject) gives every response around it a latency of decades.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...model.errors import DataError
from ...model.records import Records
from ..events import IntArray, Mask
from ..files import read_rows, require_event_suffix, write_atomically, write_npz
from ..validate import NS_MAX

LATENCY: Final = np.dtype([("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")])
"""hftbacktest's order latency row [ns]: 32 bytes, the last 8 unused."""
LATENCY_MAX_NS: Final = 3_600_000_000_000  # an hour: more is another unit


@dataclass(frozen=True)
class LatencyFacts:
    """What a latency file holds: rows, the times it is for, and its latencies [ns]."""

    rows: int
    first_ns: int
    last_ns: int
    entry_ns: tuple[int, int, int, int]  # smallest, median, 99 %, largest
    response_ns: tuple[int, int, int, int]

    @property
    def round_trip_max_ns(self) -> int:
        """No round trip can take longer [ns]."""
        return self.entry_ns[-1] + self.response_ns[-1]


def rows_of(req_ns: IntArray, exch_ns: IntArray, resp_ns: IntArray) -> Records:
    """Return latency rows from their three times [ns], each of shape (rows,)."""
    rows = np.zeros(len(req_ns), LATENCY)
    rows["req_ts"], rows["exch_ts"], rows["resp_ts"] = req_ns, exch_ns, resp_ns
    return rows


def check_latencies(rows: Records, name: str) -> LatencyFacts:
    """Return what latency rows hold.

    Raises
    ------
    DataError : another dtype or shape, no row, times that fall, a latency that is not positive or above an hour;
        names the first such row
    """
    if rows.dtype != LATENCY or rows.ndim != 1 or not len(rows):
        raise DataError(
            f"{name}: must be one or more rows of hftbacktest's order latency {LATENCY.descr}, was {rows.dtype} of "
            f"shape {rows.shape}: make it with `trading-platform data latency`"
        )
    req_ns, exch_ns, resp_ns = rows["req_ts"], rows["exch_ts"], rows["resp_ts"]
    bad: Mask = (req_ns < 1) | (req_ns > NS_MAX)
    _refuse(bad, req_ns, name, "req_ts must be 1 to 2^62 ns", "are its units nanoseconds?")
    _refuse(exch_ns == 0, exch_ns, name, "exch_ts must not be 0 (a reject)", "leave rejected requests out")
    for what, later, earlier in (("entry", exch_ns, req_ns), ("response", resp_ns, exch_ns)):
        latency = later - earlier
        _refuse(latency <= 0, latency, name, f"{what} latency must be > 0 ns", "shift the venue's clock")
        _refuse(
            latency > LATENCY_MAX_NS,
            latency,
            name,
            f"{what} latency must be at most an hour",
            "are all three times in ns?",
        )
    for field, values in (("req_ts", req_ns), ("exch_ts", exch_ns)):
        falls: Mask = np.concatenate([np.zeros(1, np.bool_), values[1:] < values[:-1]])
        _refuse(falls, values, name, f"{field} must not fall", "sort the rows: the engine's lines are FIFO")
    return LatencyFacts(
        rows=len(rows),
        first_ns=int(req_ns[0]),
        last_ns=int(req_ns[-1]),
        entry_ns=_spread(exch_ns - req_ns),
        response_ns=_spread(resp_ns - exch_ns),
    )


def _refuse(bad: Mask, values: IntArray, name: str, rule: str, cure: str) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(f"{name}: row {at}: {rule}, was {int(values[at])}: {cure}")


def _spread(latency_ns: IntArray) -> tuple[int, int, int, int]:
    ordered = np.sort(latency_ns)
    last = len(ordered) - 1
    return int(ordered[0]), int(ordered[last // 2]), int(ordered[last * 99 // 100]), int(ordered[-1])


def load_latencies(path: str | os.PathLike[str]) -> Records:
    """Return the rows of a latency file (.npz with key "data", or .npy), checked, in memory: shape (rows,), LATENCY.

    Raises
    ------
    DataError : missing, damaged, or see `check_latencies`
    """
    path = Path(path)
    rows = np.array(read_rows(path))
    check_latencies(rows, str(path))
    return rows


def save_latencies(path: str | os.PathLike[str], rows: Records, *, overwrite: bool = False) -> LatencyFacts:
    """Write checked latency rows to ``.npz`` or ``.npy``, whole or not at all; equal rows give equal bytes.

    Raises
    ------
    DataError : see `check_latencies`; another suffix; a file with other content is there and ``overwrite`` is false
    """
    path = Path(path)
    require_event_suffix(path)
    facts = check_latencies(rows, str(path))
    if path.suffix == ".npz":
        write_atomically(path, lambda file: write_npz(file, rows), overwrite=overwrite)
    else:
        write_atomically(path, lambda file: np.save(file, rows, allow_pickle=False), overwrite=overwrite)
    return facts


def latency_at(rows: Records, now_ns: int) -> tuple[int, int]:
    """Return the latency of a request that is sent, and of a response that leaves the venue, at ``now_ns`` [ns].

    This is the engine's interpolation: linear in float64, cut to whole ns, constant before the first and after the
    last row.
    """
    req_ns, exch_ns = rows["req_ts"], rows["exch_ts"]
    return _interpolated(req_ns, exch_ns - req_ns, now_ns), _interpolated(
        exch_ns, rows["resp_ts"] - exch_ns, now_ns
    )


def _interpolated(times_ns: IntArray, latency_ns: IntArray, now_ns: int) -> int:
    at = int(np.searchsorted(times_ns, now_ns, side="right")) - 1
    if at < 0 or at == len(times_ns) - 1:
        return int(latency_ns[max(at, 0)])
    slope = float(latency_ns[at + 1] - latency_ns[at]) / float(times_ns[at + 1] - times_ns[at])
    return int(slope * float(now_ns - times_ns[at])) + int(latency_ns[at])
