"""Any table with one event a row, csv or parquet: the user says which of its columns is which of ours."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ...model.errors import ConfigError, DataError
from ..events import DEPTH, DEPTH_CLEAR, DEPTH_SNAPSHOT, KIND_MASK, TRADE, EventArray
from .base import Converter, Options, ReadBytes, Sink
from .tables import SIDES, UNITS, Table, csv_tables, event_rows, parquet_tables, require_columns, with_clears

COLUMNS: Final = ("kind", "exch_time", "local_time", "side", "price", "qty", "instrument")
_KINDS: Final[Mapping[str, int]] = {
    "depth": DEPTH,
    "trade": TRADE,
    "snapshot": DEPTH_SNAPSHOT,
    "clear": DEPTH_CLEAR,
}
_SIDES: Final = {**SIDES, "both": 0}
_CONSTANT: Final = "="  # `kind==trade` on the command line: all rows are trades
_OPTIONAL: Final = ("local_time", "instrument")
_UNITS: Final = tuple(UNITS)


class ColumnsReader:
    """Tables of one instrument in order of receipt."""

    def __init__(
        self, options: Options, tables: Callable[[Sink, ReadBytes], Iterator[Table]], name: str
    ) -> None:
        unknown = sorted(options.columns.keys() - set(COLUMNS))
        if unknown:
            raise ConfigError(f"--map must name columns of {', '.join(COLUMNS)}, named {', '.join(unknown)}")
        if options.venue is None:
            raise ConfigError(f"venue must be given (--venue): {name} does not name it")
        if options.instrument is None and "instrument" not in options.columns:
            raise ConfigError(
                f"instrument must be given (--instrument, or --map instrument=COLUMN): {name} does not name it"
            )
        self.venue = options.venue
        self._instrument = options.instrument or ""
        self._latency_ns = options.feed_latency_ns
        self._columns = {ours: options.columns.get(ours, ours) for ours in COLUMNS}
        self._maps_instrument = "instrument" in options.columns
        self._tables = tables

    @property
    def instrument(self) -> str:
        """The instrument given, or the one all rows name."""
        return self._instrument

    def channel(self, path: Path) -> int:  # noqa: ARG002 (trades and depth are in one table)
        """Return 0: trades and depth are in one table."""
        return 0

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:  # noqa: ARG002 (the sink knows it)
        """Turn a table into rows."""
        was_snapshot = False
        for raw in self._tables(sink, read_bytes):
            table = self._ours(raw)
            rows = self._rows(table)
            sink.write(with_clears(rows, was_snapshot))
            was_snapshot = bool((rows["ev"][-1] & np.uint64(KIND_MASK)) == np.uint64(DEPTH_SNAPSHOT))

    def _ours(self, raw: Table) -> Table:
        """Return the table with our names."""
        wanted = {ours: theirs for ours, theirs in self._columns.items() if not theirs.startswith(_CONSTANT)}
        present = set(raw.frame.columns)
        require_columns(
            raw,
            [
                theirs
                for ours, theirs in wanted.items()
                if ours not in _OPTIONAL or (ours == "instrument" and self._maps_instrument)
            ],
        )
        if self._columns["local_time"] not in present and self._latency_ns is None:
            raise DataError(
                f"{raw.sink.path}: must have a column of receipt times (--map local_time=COLUMN), had "
                f"{', '.join(raw.frame.columns)}: or state the latency with --feed-latency-us"
            )
        chosen = [pl.col(theirs).alias(ours) for ours, theirs in wanted.items() if theirs in present]
        fixed = [
            pl.lit(theirs.removeprefix(_CONSTANT)).alias(ours)
            for ours, theirs in self._columns.items()
            if theirs.startswith(_CONSTANT)
        ]
        return Table(raw.sink, raw.frame.select(*chosen, *fixed), raw.first_line)

    def _rows(self, table: Table) -> EventArray:
        if "instrument" in table.frame.columns:
            self._instrument = table.one_text("instrument", self._instrument)
        kinds = table.codes("kind", _KINDS)
        exch_ns = table.times_ns("exch_time", _UNITS)
        if "local_time" in table.frame.columns and self._latency_ns is not None:
            raise ConfigError(
                f"feed_latency_ns must be left out (--feed-latency-us): {table.sink.path} has receipt times"
            )
        if "local_time" in table.frame.columns:
            local_ns = table.times_ns("local_time", _UNITS)
        else:
            local_ns = exch_ns + (self._latency_ns or 0)
        sides = table.codes("side", _SIDES)
        sideless = (sides == 0) & (kinds != DEPTH_CLEAR)
        if sideless.any():
            raise table.error(int(np.argmax(sideless)), "side", "buy or sell (both: a clear only)")
        for kind, code in _KINDS.items():
            table.sink.count(kind, int((kinds == code).sum()))
        return event_rows(
            table,
            kinds | sides,
            exch_ns,
            local_ns,
            table.numbers("price"),
            table.numbers("qty"),
        )


_USES: Final = frozenset({"venue", "instrument", "feed_latency_ns", "columns"})
CSV: Final = Converter(
    "csv",
    1,
    "csv (plain, .gz, .zip) of one event a row, columns by --map",
    lambda options: ColumnsReader(options, csv_tables, "csv"),
    _USES,
)
PARQUET: Final = Converter(
    "parquet",
    1,
    "parquet of one event a row, columns by --map",
    lambda options: ColumnsReader(options, parquet_tables, "parquet"),
    _USES,
)
