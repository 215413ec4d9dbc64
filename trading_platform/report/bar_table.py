"""Bars as a table in human units, and as files."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ..core.bars.records import BAR
from ..data.bars import MadeBars
from ..data.files import write_atomically
from ..model.enums import BarClose, BarKind
from ..model.errors import DataError
from ..model.records import Records
from .columns import null_where, scaled, time_column
from .select import Ints

SUFFIXES: Final = (".parquet", ".npy")


def bars_frame(made: MadeBars) -> pl.DataFrame:
    """Return bars as a table: one row a bar, prices in quote currency, quantities in base (inverse: contracts).

    Null stands where there is nothing: mids and the mean spread without a book, bricks of other kinds than renko.
    ``first_row`` and ``last_row`` are the rows of the first and the last trade, over all files.
    """
    bars, grid = made.bars, made.grid
    tick, lot = Fraction(grid.tick_size), Fraction(grid.lot_size)
    value = lot * Fraction(grid.contract_size)
    notional = (
        _scaled(bars["volume_lots"], value)
        if grid.inverse
        else _scaled(bars["notional_ticklots"], value * tick)
    )
    # a bar has a trade, and the divisions below are of int64: float64, rounded once
    columns: dict[str, pl.Series] = {
        "number": pl.Series(bars["number"]),
        "kind": _names(bars["kind"], BarKind),
        "reason": _names(bars["reason"], BarClose),
        "start": time_column(bars["start_ns"]),
        "end": time_column(bars["end_ns"]),
    }
    for name in ("open", "high", "low", "close"):
        columns[name] = pl.Series(_scaled(bars[f"{name}_ticks"], tick))
    for name in ("volume", "buy", "sell"):
        label = name if name == "volume" else f"{name}_volume"
        columns[label] = pl.Series(_scaled(bars[f"{name}_lots"], lot))
    columns["notional"] = pl.Series(notional)
    columns["vwap"] = pl.Series(_scaled(bars["notional_ticklots"] / np.maximum(bars["volume_lots"], 1), tick))
    columns["trades"], columns["buy_trades"] = pl.Series(bars["trades"]), pl.Series(bars["buy_trades"])
    for name in ("open_mid", "close_mid"):
        halfticks = bars[f"{name}_halfticks"]
        columns[name] = null_where(_scaled(halfticks, tick / 2), halfticks == 0)
    quoted = bars["quoted_trades"]
    spread = _scaled(bars["spread_sum_ticks"] / np.maximum(quoted, 1), tick)
    columns["mean_spread"] = null_where(spread, quoted == 0)
    for name in ("first_trade", "last_trade"):
        columns[name] = pl.Series(bars[name])
    columns["first_row"], columns["last_row"] = pl.Series(made.first_row), pl.Series(made.last_row)
    other = bars["kind"] != BarKind.RENKO
    columns["bricks"] = null_where(bars["bricks"], other)
    columns["brick_edge"] = null_where(_scaled(bars["level_ticks"], tick), other)
    return pl.DataFrame(columns)


def require_bar_suffix(path: Path) -> None:
    """Raise DataError unless a file's name says one of the two formats."""
    if path.suffix not in SUFFIXES:
        raise DataError(
            f"{path}: suffix must be .parquet (a table in human units) or .npy (the records), was {path.suffix!r}"
        )


def save_bars(path: Path, made: MadeBars, *, overwrite: bool = False) -> None:
    """Write bars to ``.parquet`` (`bars_frame`) or ``.npy`` (BAR records), whole or not at all.

    Raises
    ------
    DataError : another suffix, or a file with other content exists and ``overwrite`` is false
    """
    require_bar_suffix(path)
    if path.suffix == ".npy":
        write_atomically(path, partial(_write_records, made.bars), overwrite=overwrite)
    else:
        write_atomically(path, partial(_write_table, bars_frame(made)), overwrite=overwrite)


def load_bars(path: Path) -> Records:
    """Return the records of a ``.npy`` file of bars (BAR, shape (n,)), memory-mapped.

    Raises
    ------
    DataError : no complete ``.npy`` file, or of another dtype
    """
    try:
        bars: Records = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: must be a complete .npy file of bars ({error}): make it again") from error
    if bars.dtype != BAR or bars.ndim != 1:
        raise DataError(
            f"{path}: must be a one-dimensional array of BAR records, was {bars.dtype} of shape {bars.shape}: "
            "make it with `trading-platform data bars`"
        )
    return bars


def _write_records(bars: Records, file: IO[bytes]) -> None:
    np.save(file, bars, allow_pickle=False)


def _write_table(frame: pl.DataFrame, file: IO[bytes]) -> None:
    frame.write_parquet(file, compression="zstd")


def _scaled(counts: Ints | npt.NDArray[np.float64], step: Fraction) -> npt.NDArray[np.float64]:
    return scaled(counts, np.zeros(len(counts), np.int64), [step])


def _names(codes: Ints, enum: type[BarKind] | type[BarClose]) -> pl.Series:
    table = {int(member): member.name for member in enum}
    return pl.Series([table[int(code)] for code in codes], dtype=pl.Enum(list(table.values())))
