"""The tables of a run as Parquet files, made once at its end."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from ..eventlog.schema import EventArray
from ..model.enums import DenyCode
from ..model.errors import EventLogError
from ..model.instrument import Instrument
from ..model.records import AUDIT
from .columns import time_column
from .orders import order_pieces
from .tables import equity_frame, events_frame, fills_frame

EVENTS_PER_FRAME: Final = 1 << 16
PIECE_EVENTS: Final = 1 << 18  # only some of them become rows: fills, samples
COMPRESSION: Final = "snappy"  # less time than lz4 and zstd; zstd would be half the size
Frames = Callable[[], Iterator[pl.DataFrame]]


def write_parquet(
    events: EventArray,
    instruments: Sequence[Instrument],
    directory: Path,
    *further: Callable[[], object],
) -> dict[str, int]:
    """Write ``events, orders, fills, equity`` as ``.parquet`` files and return the rows of each.

    Two threads take them in this order: the events take as long as all others together, and polars leaves Python's lock
    while it encodes. More threads would only need the memory of more tables at a time.

    Parameters
    ----------
    events : EVENT, a whole log; the table of events is made from it in pieces
    instruments : the list that the field ``instrument`` indexes
    directory : exists, and holds none of the four files
    further : what else is made of the log, after the tables, by the first thread that is free

    Raises
    ------
    EventLogError : one of the files exists (nothing is written), or an event is of an unknown instrument
    """
    frames: dict[str, Frames] = {
        "events": partial(_by_events, events_frame, events, instruments, EVENTS_PER_FRAME),
        "orders": partial(order_pieces, events, instruments),
        "fills": partial(_by_events, fills_frame, events, instruments, PIECE_EVENTS),
        "equity": partial(_by_events, equity_frame, events, instruments, PIECE_EVENTS),
    }
    paths = {name: directory / f"{name}.parquet" for name in frames}
    for path in paths.values():
        if path.exists():
            raise EventLogError(
                f"{path}: must not exist: tables are never overwritten; name another directory"
            )
    with ThreadPoolExecutor(2) as pool:
        written = {name: pool.submit(_write_frames, paths[name], made) for name, made in frames.items()}
        done = [pool.submit(make) for make in further]
    try:
        for one in done:
            one.result()
        return {name: rows.result() for name, rows in written.items()}
    except BaseException:
        for (
            path
        ) in paths.values():  # all or none; and on a full disk the record of the failure needs the room
            path.unlink(missing_ok=True)
        raise


def _by_events(
    table: Callable[[EventArray, Sequence[Instrument]], pl.DataFrame],
    events: EventArray,
    instruments: Sequence[Instrument],
    size: int,
) -> Iterator[pl.DataFrame]:
    """Yield a table of events in pieces, each of ``size`` events of the log. At least one."""
    for start in range(0, max(1, len(events)), size):
        yield table(events[start : start + size], instruments)


def _write_frames(path: Path, frames: Frames) -> int:
    """Write the pieces of a table to one file, one after the other; return its rows."""
    made = frames()
    first = next(made)
    second = next(made, None)
    if second is None:
        _write(path, partial(first.write_parquet, compression=COMPRESSION, statistics=False))
        return len(first)
    rows = 0

    def counted(*_asked: object) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for frame in chain((first, second), made):
            rows += len(frame)
            yield frame

    # without minima and maxima: a sixth of the time, and a run's tables are read whole; row groups of a frame, or
    # polars keeps some of them
    sink = register_io_source(counted, schema=first.schema).sink_parquet
    _write(path, partial(sink, compression=COMPRESSION, statistics=False, row_group_size=EVENTS_PER_FRAME))
    return rows


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write under another name first: half a table is never found under the right one."""
    part = path.with_suffix(".parquet.part")
    try:
        write(part)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def write_audit_parquet(path: Path, instruments: Sequence[Instrument]) -> int:
    """Write ``audit.parquet`` beside an audit stream (AUDIT records in a file) and return its rows."""
    records = np.fromfile(path, AUDIT)
    index = records["instrument"].astype(np.int64)
    frame = pl.DataFrame(
        {
            "seq": records["seq"],
            "time": time_column(records["now_ns"]),
            "instrument": [instruments[place].name for place in index],
            "rule": [DenyCode(rule).name for rule in records["rule"]],
            "observed": records["observed"],
            "limit": records["limit"],
            "headroom": records["headroom"],
        }
    )
    _write(path.with_suffix(".parquet"), partial(frame.write_parquet, compression=COMPRESSION))
    return len(frame)
