"""Binance's public archive (data.binance.vision): trades, aggTrades, bookTicker and bookDepth as csv or zip.

Format: https://github.com/binance/binance-public-data. The files name the market's time only: receipt times are that
plus a feed latency which the user states. Times are milliseconds, in spot archives microseconds since 2025.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ...model.errors import ConfigError, DataError
from ..events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_SNAPSHOT,
    EVENT,
    SELL_FLAG,
    TRADE,
    EventArray,
    IntArray,
)
from .base import Converter, Options, ReadBytes, Sink
from .tables import (
    TRUTHS,
    Table,
    clears_at,
    csv_tables,
    event_rows,
    require_columns,
    whole_groups,
    with_clears,
)

_UNITS: Final = ("ms", "us")
_NAME: Final = re.compile(r"(?P<symbol>[^-]+)-(?P<kind>trades|aggTrades|bookTicker|bookDepth)-.+")
_TRADE_COLUMNS: Final = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match")
_AGG_COLUMNS: Final = (
    *("agg_trade_id", "price", "qty", "first_trade_id", "last_trade_id", "time", "is_buyer_maker"),
    "is_best_match",
)
_TICKER_COLUMNS: Final = (
    *("update_id", "bid_price", "bid_qty", "ask_price", "ask_qty", "time", "event_time"),
)
_DEPTH_COLUMNS: Final = ("timestamp", "percentage", "depth", "notional")
_COLUMNS: Final = {
    "trades": _TRADE_COLUMNS,
    "aggTrades": _AGG_COLUMNS,
    "bookTicker": _TICKER_COLUMNS,
    "bookDepth": _DEPTH_COLUMNS,
}
_OPTIONAL: Final = ("is_best_match", "event_time")  # spot only; never read
_TRADES, _BOOK = 0, 1  # channels: trades go first


class BinancePublicReader:
    """Files named as in the archive: ``BTCUSDT-trades-2024-08-08.zip``."""

    def __init__(self, options: Options) -> None:
        if options.venue is None:
            raise ConfigError(
                "venue must be given (--venue binance-spot, binance-usdm or binance-coinm): the files do not name it"
            )
        if options.feed_latency_ns is None or options.feed_latency_ns < 1:
            raise ConfigError(
                "feed_latency_ns must be >= 1 (--feed-latency-us): the archive has no receipt times, "
                "and a latency of zero is no market's"
            )
        self.venue = options.venue
        self._latency_ns = options.feed_latency_ns
        self._tick_size, self._lot_size = options.tick_size, options.lot_size
        self._symbol = ""
        self._kinds: dict[int, str] = {}
        self._best = np.zeros((2, 2))  # price and quantity of the newest best bid and best ask
        self._agg_id = -1

    @property
    def instrument(self) -> str:
        """The symbol that all file names begin with."""
        return self._symbol

    def channel(self, path: Path) -> int:
        """Return 0 for trades, 1 for the book; each is told by one kind of file."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise DataError(
                f"{path}: name must be as in the archive (BTCUSDT-trades-2024-08-08.zip): rename it back"
            )
        if self._symbol and match["symbol"] != self._symbol:
            raise DataError(
                f"{path}: symbol must be {self._symbol} in all files, was {match['symbol']}: separate them"
            )
        self._symbol = match["symbol"]
        channel = _TRADES if match["kind"] in ("trades", "aggTrades") else _BOOK
        if self._kinds.setdefault(channel, match["kind"]) != match["kind"]:
            raise DataError(
                f"{path}: must be {self._kinds[channel]} like the file before, was {match['kind']}: "
                "both tell the same events"
            )
        return channel

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:
        """Turn a file into rows."""
        kind = self._kinds[sink.channel]
        if kind == "bookDepth" and (
            self._tick_size is None or self._lot_size is None or "USD_" in self._symbol
        ):
            raise ConfigError(
                f"{path}: bookDepth must be of a linear instrument and with --tick-size and --lot-size: it holds sums "
                "over bands of prices, not levels"
            )
        rows_of: dict[str, Callable[[Table], EventArray]] = {
            "trades": self._trades,
            "aggTrades": self._trades,
            "bookTicker": self._tickers,
            "bookDepth": self._bands,
        }
        tables = csv_tables(sink, read_bytes, _COLUMNS[kind])
        for table in whole_groups(tables, "timestamp") if kind == "bookDepth" else tables:
            require_columns(table, [name for name in _COLUMNS[kind] if name not in _OPTIONAL])
            sink.count(kind, len(table.lines))
            sink.write(rows_of[kind](table))

    def _trades(self, table: Table) -> EventArray:
        if "agg_trade_id" in table.frame.columns:
            self._chain(table)
        maker_bought = table.codes("is_buyer_maker", TRUTHS) == 1
        exch_ns = table.times_ns("time", _UNITS)
        return event_rows(
            table,
            TRADE | np.where(maker_bought, SELL_FLAG, BUY_FLAG),
            exch_ns,
            exch_ns + self._latency_ns,
            table.numbers("price"),
            table.numbers("qty"),
        )

    def _chain(self, table: Table) -> None:
        """Note holes in the ids of aggregated trades."""
        ids = table.integers("agg_trade_id")
        before = np.concatenate([[self._agg_id if self._agg_id >= 0 else ids[0] - 1], ids[:-1]])
        for at in np.flatnonzero(ids != before + 1).tolist():
            table.sink.gap(table.first_line + at, int(before[at]) + 1, int(ids[at]))
        self._agg_id = int(ids[-1])

    def _tickers(self, table: Table) -> EventArray:
        """Return the changes of a book of one level a side: the level before is removed, the new one set.

        The first line of all is a snapshot: what an archive of the day before left must go.
        """
        is_first = not self._best.any()
        exch_ns = table.times_ns("time", _UNITS)
        local_ns = table.sink.receive_all(exch_ns + self._latency_ns, table.first_line)
        block = np.zeros((len(table.lines), 4), EVENT)  # removed bid and ask first: the book is never crossed
        there = np.zeros(block.shape, np.bool_)
        block["exch_ts"], block["local_ts"], block["ival"] = (
            column[:, None] for column in (exch_ns, local_ns, table.lines)
        )
        for side, (name, flag) in enumerate((("bid", BUY_FLAG), ("ask", SELL_FLAG))):
            price, qty = table.numbers(f"{name}_price"), table.numbers(f"{name}_qty")
            before = np.concatenate([self._best[side, :1], price[:-1]])
            qty_before = np.concatenate([self._best[side, 1:], qty[:-1]])
            block["ev"][:, [side, 2 + side]] = DEPTH | flag
            block["px"][:, side], block["px"][:, 2 + side] = before, price
            block["qty"][:, 2 + side] = qty
            there[:, side] = (before != price) & (before > 0)
            there[:, 2 + side] = ((before != price) | (qty_before != qty)) & (price > 0)
            self._best[side] = price[-1], qty[-1]
        if is_first:
            block["ev"][0] ^= np.uint64(DEPTH ^ DEPTH_SNAPSHOT)
        rows: EventArray = block[there]
        return with_clears(rows, was_snapshot=False) if is_first else rows

    def _bands(self, table: Table) -> EventArray:
        """Return a coarse book for each time: per band of prices one level at its average price.

        A band reaches from one percentage off the mid to the next; depth and notional are sums from the mid.
        """
        exch_ns = self._band_times_ns(table)
        percentage, depth = table.numbers("percentage"), table.numbers("depth")
        notional = table.numbers("notional")
        side = np.where(percentage < 0, BUY_FLAG, SELL_FLAG)
        order = np.lexsort((np.abs(percentage), side, exch_ns))
        first = np.ones(len(order), np.bool_)  # of its time and side
        first[1:] = (np.diff(exch_ns[order]) != 0) | (np.diff(side[order]) != 0)
        qty, value = _differences(depth[order], first), _differences(notional[order], first)
        price = np.divide(value, qty, out=np.zeros(len(qty)), where=qty > 0)
        price = _rounded(price, self._tick_size, up=side[order] == SELL_FLAG)
        qty = _rounded(qty, self._lot_size, up=np.zeros(len(qty), np.bool_))
        kept = (price > 0) & (qty > 0)
        rows: EventArray = np.zeros(len(order), EVENT)
        local_ns = table.sink.receive_all(exch_ns[order] + self._latency_ns, table.first_line)
        rows["ev"], rows["exch_ts"], rows["local_ts"] = DEPTH_SNAPSHOT | side[order], exch_ns[order], local_ns
        rows["px"], rows["qty"], rows["ival"] = price, qty, table.lines[order]
        rows = rows[kept]
        return clears_at(rows, np.flatnonzero(np.diff(rows["exch_ts"], prepend=0) != 0))

    def _band_times_ns(self, table: Table) -> IntArray:
        """Return the times of bookDepth, which are texts like 2024-08-08 00:00:07 (UTC)."""
        texts = table.frame["timestamp"]
        if texts.str.contains(r"^\d+$").all():
            return table.times_ns("timestamp", _UNITS)
        found = texts.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="ns")
        if found.null_count():
            raise table.error(
                int(found.is_null().arg_max() or 0), "timestamp", "a time like 2024-08-08 00:00:07"
            )
        return found.cast(pl.Int64).to_numpy().astype(np.int64)


def _differences(sums: npt.NDArray[np.float64], first: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = np.where(first, sums, np.diff(sums, prepend=0.0))
    return found


def _rounded(
    values: npt.NDArray[np.float64], step: Decimal | None, up: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return values on the grid, rounded up or down, as the float64 nearest to each step."""
    assert step is not None
    steps = values / float(step)
    whole = np.where(up, np.ceil(steps - 1e-9), np.floor(steps + 1e-9))
    numerator, denominator = step.as_integer_ratio()
    found: npt.NDArray[np.float64] = whole * numerator / denominator
    return found


BINANCE_PUBLIC: Final = Converter(
    "binance-public",
    2,
    "Binance's public archive: trades or aggTrades, bookTicker or bookDepth, csv or zip",
    BinancePublicReader,
    frozenset({"venue", "feed_latency_ns"}),
)
