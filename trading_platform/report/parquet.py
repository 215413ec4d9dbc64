"""The tables of a run as Parquet files, made once at its end."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
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
from .orders import orders_frame
from .tables import equity_frame, events_frame, fills_frame

CHUNK_EVENTS: Final = 65_536
COMPRESSION: Final = "lz4"  # a third less time than zstd for the events, 1.7 times the size
_TABLES: Final[dict[str, Callable[[EventArray, Sequence[Instrument]], pl.DataFrame]]] = {
    "orders": orders_frame,
    "fills": fills_frame,
    "equity": equity_frame,
}


def write_parquet(events: EventArray, instruments: Sequence[Instrument], directory: Path) -> dict[str, int]:
    """Write ``events, orders, fills, equity`` as ``.parquet`` files and return the rows of each.

    Parameters
    ----------
    events : EVENT, a whole log; the table of events is made from it in pieces
    instruments : the list that the field ``instrument`` indexes
    directory : exists, and holds none of the four files

    Raises
    ------
    EventLogError : one of the files exists (nothing is written), or an event is of an unknown instrument
    """
    paths = {name: directory / f"{name}.parquet" for name in ("events", *_TABLES)}
    for path in paths.values():
        if path.exists():
            raise EventLogError(
                f"{path}: must not exist: tables are never overwritten; name another directory"
            )
    rows = {"events": len(events)}
    sink = _lazy_events(events, instruments).sink_parquet
    # without minima and maxima: a sixth of the time, and a run's events are read whole
    _write(paths["events"], partial(sink, compression=COMPRESSION, statistics=False))
    for name, table in _TABLES.items():
        frame = table(events, instruments)
        _write(paths[name], partial(frame.write_parquet, compression=COMPRESSION))
        rows[name] = len(frame)
    return rows


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write under another name first: half a table is never found under the right one."""
    part = path.with_suffix(".parquet.part")
    try:
        write(part)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _lazy_events(events: EventArray, instruments: Sequence[Instrument]) -> pl.LazyFrame:
    """Return the table of events, of which only a piece is in memory at a time."""

    def pieces(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        count = len(events) if rows is None else min(rows, len(events))
        for start in range(0, count, CHUNK_EVENTS):
            piece = events_frame(events[start : min(start + CHUNK_EVENTS, count)], instruments)
            piece = piece if columns is None else piece.select(columns)
            yield piece if predicate is None else piece.filter(predicate)

    return register_io_source(pieces, schema=events_frame(events[:0], instruments).schema)


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
