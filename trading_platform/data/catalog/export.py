"""Event rows as a Parquet file for analysis: decoded, one row a row, made piece by piece."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from polars.exceptions import PolarsError
from polars.io.plugins import register_io_source

from ...model.errors import DataError
from ..events import BUY_FLAG, EXCH_FLAG, KIND_MASK, KINDS, LOCAL_FLAG, SELL_FLAG, EventArray
from ..files import publish_all
from ..snapshot import Grid, steps_of

EXPORT_ROWS: Final = 1 << 18  # rows decoded at a time: bounds memory
COMPRESSION: Final = "zstd"
_TIME: Final = pl.Datetime("ns", "UTC")
_KIND_NAMES: Final = pl.Enum(list(KINDS))
_SIDES: Final = pl.Enum(["buy", "sell", "both"])


def export_parquet(
    rows: EventArray,
    path: Path,
    grid: Grid,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write rows to a Parquet file, whole or not at all, and return their number.

    Columns: ``kind`` (DEPTH, TRADE, DEPTH_CLEAR, DEPTH_SNAPSHOT), ``side`` (buy, sell; both: a clear of both),
    ``exch`` and ``local`` (whether the row is an event of that side), ``exch_ts`` and ``local_ts`` (UTC, ns),
    ``price_ticks``, ``lots``, ``price``, ``qty``.

    Parameters
    ----------
    rows : shape (rows,), event dtype; mapped ones are read piece by piece
    grid : tick and lot
    progress : called with rows done and rows in all

    Raises
    ------
    DataError : the suffix is not .parquet, a file with other content is there, the disk is full
    """
    if path.suffix != ".parquet":
        raise DataError(f"{path}: suffix must be .parquet, was {path.suffix!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        _lazy(rows, grid, progress).sink_parquet(part, compression=COMPRESSION, maintain_order=True)
        publish_all([(part, path)], overwrite=overwrite)
    except PolarsError as error:
        raise DataError(f"{path}: cannot be written ({error}): free space on the disk") from error
    finally:
        part.unlink(missing_ok=True)
    return len(rows)


def decoded(rows: EventArray, grid: Grid) -> pl.DataFrame:
    """Return rows as a table; see `export_parquet`."""
    event = rows["ev"]
    kinds = np.full(256, len(KINDS), np.uint32)
    kinds[list(KINDS.values())] = np.arange(len(KINDS))
    codes = kinds[(event & KIND_MASK).astype(np.int64)]
    if (codes == len(KINDS)).any():
        at = int(np.argmax(codes))
        raise DataError(
            f"kind (low byte of ev) must be one of {', '.join(KINDS)}, was {int(event[at]) & KIND_MASK}: convert again"
        )
    buy, sell = (event & BUY_FLAG) != 0, (event & SELL_FLAG) != 0
    sides = np.where(buy & ~sell, 0, np.where(sell & ~buy, 1, 2)).astype(np.uint32)
    return pl.DataFrame(
        {
            "kind": pl.Series(list(KINDS), dtype=_KIND_NAMES).gather(codes),
            "side": pl.Series(["buy", "sell", "both"], dtype=_SIDES).gather(sides),
            "exch": (event & EXCH_FLAG) != 0,
            "local": (event & LOCAL_FLAG) != 0,
            "exch_ts": pl.Series(np.ascontiguousarray(rows["exch_ts"])).cast(_TIME),
            "local_ts": pl.Series(np.ascontiguousarray(rows["local_ts"])).cast(_TIME),
            "price_ticks": steps_of(rows["px"], grid.tick),
            "lots": steps_of(rows["qty"], grid.lot),
            "price": np.ascontiguousarray(rows["px"]),
            "qty": np.ascontiguousarray(rows["qty"]),
        }
    )


def _lazy(rows: EventArray, grid: Grid, progress: Callable[[int, int], None] | None) -> pl.LazyFrame:
    """Return the table of rows, of which only a piece is in memory at a time."""

    def pieces(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        count = len(rows) if limit is None else min(limit, len(rows))
        for start in range(0, count, EXPORT_ROWS):
            piece = decoded(rows[start : min(start + EXPORT_ROWS, count)], grid)
            piece = piece if columns is None else piece.select(columns)
            yield piece if predicate is None else piece.filter(predicate)
            if progress is not None:
                progress(min(start + EXPORT_ROWS, count), count)

    return register_io_source(pieces, schema=decoded(rows[:0], grid).schema)
