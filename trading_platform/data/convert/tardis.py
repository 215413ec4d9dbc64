"""Tardis' csv datasets: incremental_book_L2, trades and book_snapshot_N, merged by receipt time.

Format: https://docs.tardis.dev/downloadable-csv-files; times are microseconds. "If last update was not a snapshot and
current one is, then existing order book state must be discarded."
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from ...model.errors import DataError
from ..events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_SNAPSHOT,
    EVENT,
    KIND_MASK,
    SELL_FLAG,
    TRADE,
    EventArray,
    IntArray,
)
from .base import Converter, Options, ReadBytes, Sink
from .tables import (
    SIDES,
    TRUTHS,
    FloatArray,
    Table,
    csv_tables,
    event_rows,
    header_of,
    require_columns,
    with_clears,
)

_TRADES, _BOOK = 0, 1  # channels: trades go first
_NAMES: Final = ("exchange", "symbol", "timestamp", "local_timestamp")
_LEVEL: Final = re.compile(r"(asks|bids)\[(\d+)\]\.(price|amount)")
_US: Final = ("us",)


class TardisReader:
    """Files of one instrument, told apart by their columns."""

    def __init__(self, options: Options) -> None:
        self._venue, self._given_venue = options.venue or "", options.venue
        self._symbol, self._given = "", options.instrument or ""
        self._book_kinds: set[str] = set()
        self._last: dict[str, tuple[FloatArray, FloatArray]] = {}  # newest snapshot, per side
        self._has_book = False

    @property
    def venue(self) -> str:
        """Tardis' name of the venue, or the one given."""
        return self._venue

    @property
    def instrument(self) -> str:
        """The name given, for symbols that no directory can have (XBT/USD); else the symbol that all rows name."""
        return self._given or self._symbol

    def channel(self, path: Path) -> int:
        """Return 0 for trades, 1 for the book."""
        names = set(header_of(path))
        if {"id", "side", "price", "amount"} <= names:
            return _TRADES
        kind = "book_snapshot" if "bids[0].price" in names else "incremental_book_L2"
        self._book_kinds.add(kind)
        if len(self._book_kinds) > 1:
            raise DataError(
                f"{path}: book must be told by incremental_book_L2 or by book_snapshot_N, was told by both: "
                "leave the snapshots out"
            )
        return _BOOK

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:
        """Turn a file into rows."""
        was_snapshot = False
        for table in csv_tables(sink, read_bytes):
            require_columns(table, _NAMES)
            if self._given_venue is None:
                self._venue = table.one_text("exchange", self._venue)
            self._symbol = table.one_text("symbol", self._symbol)
            if "is_snapshot" in table.frame.columns:
                rows = self._book(table)
                sink.write(with_clears(rows, was_snapshot))
                was_snapshot = bool((rows["ev"][-1] & np.uint64(KIND_MASK)) == np.uint64(DEPTH_SNAPSHOT))
            elif "bids[0].price" in table.frame.columns:
                sink.write(self._snapshots(table))
            elif "id" in table.frame.columns:
                sink.write(self._trades(table))
            else:
                raise DataError(
                    f"{path}: must be incremental_book_L2, trades or book_snapshot_N, had the columns "
                    f"{', '.join(table.frame.columns)}"
                )

    def _trades(self, table: Table) -> EventArray:
        require_columns(table, ("side", "price", "amount"))
        words = {**SIDES, "unknown": 0}
        sides = table.codes("side", words)
        rows = event_rows(
            table,
            TRADE | sides,
            table.times_ns("timestamp", _US),
            table.times_ns("local_timestamp", _US),
            table.numbers("price"),
            table.numbers("amount"),
        )
        known = sides != 0
        table.sink.count("trade", int(known.sum()))
        table.sink.ignore("trade of unknown side", int((~known).sum()))
        known_rows: EventArray = rows[known]
        return known_rows

    def _book(self, table: Table) -> EventArray:
        require_columns(table, ("side", "price", "amount"))
        is_snapshot = table.codes("is_snapshot", TRUTHS) == 1
        rows = event_rows(
            table,
            np.where(is_snapshot, DEPTH_SNAPSHOT, DEPTH) | table.codes("side", SIDES),
            table.times_ns("timestamp", _US),
            table.times_ns("local_timestamp", _US),
            table.numbers("price"),
            table.numbers("amount"),
        )
        table.sink.count("depth row", int((~is_snapshot).sum()))
        table.sink.count("snapshot row", int(is_snapshot.sum()))
        return rows

    def _snapshots(self, table: Table) -> EventArray:
        """Return the book of each line: the first whole, the others as their differences from the line before.

        A book that is cleared and set anew at each line would tell a queue nothing about what left its level.
        """
        exch_ns = table.times_ns("timestamp", _US)
        local_ns = table.sink.receive_all(table.times_ns("local_timestamp", _US), table.first_line)
        table.sink.count("snapshot", len(table.lines))
        sides = []
        for name, flag in (("bids", BUY_FLAG), ("asks", SELL_FLAG)):
            price, qty = self._side(table, name)
            before = self._last.get(name, (price[:0], qty[:0]))
            sides.append(_differences(flag, price, qty, *before))
            self._last[name] = price[-1:], qty[-1:]
        lines = np.concatenate([line for line, _ in sides])
        rows = np.concatenate([made for _, made in sides])
        order = np.argsort(2 * lines + (rows["qty"] > 0), kind="stable")  # removals first: never crossed
        rows, lines = rows[order], lines[order]
        rows["exch_ts"], rows["local_ts"], rows["ival"] = exch_ns[lines], local_ns[lines], table.lines[lines]
        if not self._has_book:
            self._has_book = True
            rows["ev"][lines == 0] ^= np.uint64(DEPTH ^ DEPTH_SNAPSHOT)
            return with_clears(rows, was_snapshot=False)
        return rows

    def _side(self, table: Table, name: str) -> tuple[FloatArray, FloatArray]:
        """Return prices and quantities of a side, shape (lines, levels); 0 where a level is absent."""
        numbers = sorted(
            int(match[2])
            for match in map(_LEVEL.fullmatch, table.frame.columns)
            if match and match[1] == name and match[3] == "price"
        )
        columns = [(f"{name}[{number}].price", f"{name}[{number}].amount") for number in numbers]
        require_columns(table, [amount for _, amount in columns])
        price = np.column_stack([self._prices(table, field) for field, _ in columns])
        qty = np.column_stack([table.numbers(field, empty=0.0) for _, field in columns])
        return price, qty

    def _prices(self, table: Table, name: str) -> FloatArray:
        """Return a column of prices; 0 where there is none."""
        price = table.numbers(name, empty=0.0)
        wrong = table.is_filled(name) & ~(price > 0)
        if wrong.any():
            raise table.error(int(np.argmax(wrong)), name, "a price > 0, or empty")
        return price


def _differences(
    flag: int, price: FloatArray, qty: FloatArray, last_price: FloatArray, last_qty: FloatArray
) -> tuple[IntArray, EventArray]:
    """Return the index of the line and the row of each level that a line removes or changes.

    Arrays are of shape (lines, levels); ``last_*`` is the line before the first, (0, levels) if there is none.
    """
    if not len(last_price):
        last_price, last_qty = np.zeros((1, price.shape[1])), np.zeros((1, price.shape[1]))
    old_price = np.concatenate([last_price, price[:-1]])
    old_qty = np.concatenate([last_qty, qty[:-1]])
    same = price[:, :, None] == old_price[:, None, :]  # levels now, levels before
    changed = ~(same & (qty[:, :, None] == old_qty[:, None, :])).any(axis=2) & (price > 0)
    removed = ~same.any(axis=1) & (old_price > 0)
    parts = []
    for chosen, prices, quantities in ((removed, old_price, None), (changed, price, qty)):
        lines, levels = np.nonzero(chosen)
        rows = np.zeros(len(lines), EVENT)
        rows["ev"] = DEPTH | flag
        rows["px"] = prices[lines, levels]
        if quantities is not None:
            rows["qty"] = quantities[lines, levels]
        parts.append((lines, rows))
    return np.concatenate([parts[0][0], parts[1][0]]), np.concatenate([parts[0][1], parts[1][1]])


TARDIS: Final = Converter(
    "tardis",
    1,
    "Tardis csv: incremental_book_L2 or book_snapshot_N, trades",
    TardisReader,
    frozenset({"venue", "instrument"}),
)
