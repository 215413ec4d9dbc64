"""Binance's streams: differences of depth, trades, book ticker and REST depth snapshots among them.

Documents: https://developers.binance.com/docs (diff. book depth, how to manage a local order book, trade, book ticker).
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ...model.errors import DataError
from .base import BUFFER_ROWS, Converter, Options, ReadBytes, Sink
from .binance_lines import (
    BYTES_PER_LEVEL,
    DONE,
    FAULT,
    FIELDS,
    FILE_COUNTS,
    FULL,
    LISTED,
    SPARE_ROWS,
    Fault,
    new_work,
    parse_lines,
)
from .lines import blocks, broken, no_stamp


class BinanceReader:
    """Lines of combined (``{"stream":..., "data":...}``) or plain streams, over all files of one instrument."""

    def __init__(self, venue: str, given: str, *, is_futures: bool, use_ticker: bool) -> None:
        self.venue, self._given = venue, given
        self._use_ticker = use_ticker
        self._work = new_work(is_futures=is_futures, use_ticker=use_ticker, rows=BUFFER_ROWS)

    @property
    def instrument(self) -> str:
        """The symbol that all messages name; the one given, or "", while none did (REST depth of USD-M and spot)."""
        return self._symbol or self._given

    @property
    def _symbol(self) -> str:
        return bytes(self._work.symbol[: int(self._work.state[0]["symbol_bytes"])]).decode(errors="replace")

    def channel(self, path: Path) -> int:  # noqa: ARG002 (one recording holds all streams)
        """Return 0: a recording holds all streams of the instrument."""
        return 0

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:
        """Turn a recording into rows."""
        state = self._work.state[0]
        for name in ("line", "begun", *FILE_COUNTS):
            state[name] = 0
        state["local_ns"] = max(int(state["local_ns"]), sink.local_ns)
        for text in blocks(sink, read_bytes):
            self._parse(text, sink)
        self._flush(sink)
        if self._given and self._symbol not in ("", self._given):
            raise DataError(
                f"{path}: symbol must be {self._given} as given (--instrument), was {self._symbol}: leave it out"
            )
        sink.local_ns = int(state["local_ns"])
        self._report(sink)

    def _parse(self, text: bytes, sink: Sink) -> None:
        state, at, size = self._work.state[0], 0, len(text)
        numbers = np.frombuffer(text, np.uint8)
        while at < size:
            at = parse_lines(numbers, at, *self._work)
            sink.line, outcome = int(state["line"]), int(state["outcome"])
            if outcome == DONE:
                continue
            if outcome == FULL:
                self._flush(sink)
                self._grow(size)
                continue
            line = text[int(state["line_start"]) : int(state["line_end"])]
            if outcome == FAULT:
                raise self._explain(line, text, sink)
            self._count(line, sink)

    def _grow(self, block_bytes: int) -> None:
        """Make room for a line as long as the block: the buffer was of the usual size."""
        needed = block_bytes // BYTES_PER_LEVEL + SPARE_ROWS
        if len(self._work.rows) < needed:
            self._work.rows.resize(needed, refcheck=False)

    def _flush(self, sink: Sink) -> None:
        state = self._work.state[0]
        rows = self._work.rows[: int(state["rows"])]
        undated = rows[rows["exch_ts"] == 0]
        if len(undated):
            raise DataError(
                f"{sink.path}:{int(undated['ival'][0])}: a message without a time must be followed by one with a time "
                f"(E or T) within {len(rows)} rows, was not: convert depth or trades with it"
            )
        sink.write(rows)
        rows[:] = 0
        state["rows"] = 0

    def _count(self, line: bytes, sink: Sink) -> None:
        """Count a message that makes no rows by its type."""
        body = line.partition(b" ")[2]
        try:
            message = orjson.loads(body)
            data = _data(message)
        except (ValueError, TypeError) as error:
            raise broken(sink, body, str(error)) from error
        kind = data.get("e")
        if kind == "trade":
            sink.ignore(f"trade {data['X']}")
        elif kind is not None:
            if data.get("s", self._symbol) != self._symbol and self._symbol:
                raise broken(sink, body, self._other_symbol(repr(data["s"])))
            sink.ignore(str(kind))
        elif "code" in data:
            sink.ignore(f"error {data['code']}: {data.get('msg', '')}")
        else:
            sink.ignore(f"untyped: {', '.join(sorted(data))}")

    def _other_symbol(self, found: str) -> str:
        return f"symbol must be {self._symbol} in all lines and files, was {found}: separate the streams"

    def _explain(self, line: bytes, text: bytes, sink: Sink) -> DataError:
        """Return the error of the line at which the parser stopped."""
        state = self._work.state[0]
        fault, field = Fault(int(state["fault"])), FIELDS[int(state["fault_field"])]
        stamp, _, body = line.partition(b" ")
        if fault == Fault.STAMP:
            return no_stamp(sink, line)
        if fault == Fault.FILES:
            return DataError(
                f"{sink.path}:{sink.line}: files must be in order of time, was {stamp.decode()} after "
                f"{int(state['local_ns'])}: name the older file first"
            )
        try:
            data = _data(orjson.loads(body))
        except (ValueError, TypeError) as error:
            return broken(sink, body, str(error))
        at = int(state["fault_at"])
        value = repr(data.get(field))
        if isinstance(data.get(field), list):
            value = text[at : min(at + 24, int(state["line_end"]))].decode(errors="replace")
        if fault == Fault.SYMBOL:
            return broken(sink, body, self._other_symbol(value))
        reason = {
            Fault.JSON: "its form must be plain JSON",
            Fault.FIELD: f"no field '{field}'",
            Fault.TIME: f"{field} must be milliseconds (13 digits) or microseconds (16) since 1970, was {value}",
            Fault.INTEGER: f"{field} must be an integer >= 0, was {value}",
            Fault.DECIMAL: f"{field} must be a decimal of at most 15 digits, was {value}",
            Fault.LEVEL: f"{field}: a level must be a pair of price and quantity, was {value}",
            Fault.FLAG: f"{field} must be true or false, was {value}",
            Fault.IDS: f"U must be <= u, was {data.get('U')} > {data.get('u')}",
            Fault.RANGE: f"{field}: price must be > 0 and quantity >= 0, was {value}",
        }[fault]
        return broken(sink, body, reason)

    def _report(self, sink: Sink) -> None:
        state, report = self._work.state[0], sink.report
        report.lines = int(state["line"])
        old, stale = int(state["old_depths"]), int(state["stale_tickers"])
        sink.count("depthUpdate", int(state["depths"]) - old)
        sink.ignore("depthUpdate older than the book", old)
        sink.count("trade", int(state["trades"]))
        sink.count("snapshot", int(state["snapshots"]))
        (sink.count if self._use_ticker else sink.ignore)("bookTicker", int(state["tickers"]) - stale)
        sink.ignore("bookTicker older than the book", stale)
        sink.ignore("snapshot older than the book", int(state["old_snapshots"]))
        for line, expected, found in self._work.gaps[: min(LISTED, int(state["gaps"]))].tolist():
            sink.gap(line, expected, found)
        report.gap_count = int(state["gaps"])
        report.gap_is_open = bool(state["gap_u"] >= 0)
        report.resyncs = int(state["resyncs"])
        report.clock_steps_back = int(state["steps_back"])


def _data(message: object) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise TypeError(f"message must be an object, was {type(message).__name__}")
    data = message.get("data", message)
    if not isinstance(data, dict):
        raise TypeError(f"data must be an object, was {type(data).__name__}")
    return data


def _source(name: str, about: str, *, is_futures: bool, use_ticker: bool) -> Converter:
    def reader(options: Options) -> BinanceReader:
        chosen = use_ticker if options.book_ticker is None else options.book_ticker
        return BinanceReader(
            options.venue or name, options.instrument or "", is_futures=is_futures, use_ticker=chosen
        )

    return Converter(name, 2, about, reader, frozenset({"venue", "instrument", "book_ticker"}))


USDM: Final = _source(
    "binance-usdm",
    "Binance USD-M futures: depth@0ms, trade, bookTicker, REST depth",
    is_futures=True,
    use_ticker=False,
)
COINM: Final = _source(
    "binance-coinm",
    "Binance COIN-M futures: depth@0ms, trade, bookTicker, REST depth",
    is_futures=True,
    use_ticker=False,
)
SPOT: Final = _source(
    "binance-spot",
    "Binance spot: depth@100ms, trade, bookTicker, REST depth",
    is_futures=False,
    use_ticker=True,
)
COMPILED_SOURCES: Final = frozenset({USDM.name, COINM.name, SPOT.name})
