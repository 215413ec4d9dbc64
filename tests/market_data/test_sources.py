"""Each source becomes the same kind of rows: books and trades as they were told, or an error with file and line."""

import gzip
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from trading_platform.data.convert import ConvertedFile, ConvertResult, Options, convert
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.files import load_events
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import ConfigError, DataError

from .builders import BOTH, T0_MS, T0_NS, record

T0_US = T0_MS * 1000
Row = tuple[int, float, float]


def rows_of(result: ConvertResult) -> EventArray:
    """Return all rows of a conversion; they keep the rules that a run checks."""
    files = [load_events(file.path) for file in result.files]
    facts = result.files[0].facts
    validate_events(files, [str(file.path) for file in result.files], facts.tick_size, facts.lot_size)
    return np.concatenate(files)


def told(rows: EventArray) -> list[Row]:
    """Return (ev without EXCH and LOCAL, price, quantity) of each row that we see."""
    seen = rows[(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]
    return [(int(row["ev"]) & ~BOTH & 0xFFFFFFFF, float(row["px"]), float(row["qty"])) for row in seen]


def book_after(rows: Iterable[Row]) -> dict[int, dict[float, float]]:
    """Return the levels of both sides after rows, worked out one row at a time."""
    book: dict[int, dict[float, float]] = {BUY_FLAG: {}, SELL_FLAG: {}}
    for ev, price, qty in rows:
        kind, side = ev & 0xFF, ev & (BUY_FLAG | SELL_FLAG)
        if kind == TRADE:
            continue
        if kind == DEPTH_CLEAR:
            for each in (side,) if side else tuple(book):
                beyond = [
                    level
                    for level in book[each]
                    if not side or (level >= price if each == BUY_FLAG else level <= price)
                ]
                for level in beyond:
                    del book[each][level]
        elif qty == 0:
            book[side].pop(price, None)
        else:
            book[side][price] = qty
    return book


def csv_gz(path: Path, lines: Sequence[str]) -> Path:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    return path


# --- Tardis

TARDIS_DEPTH = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
TARDIS_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"


def tardis_depth(tmp_path: Path, *rows: tuple[int, bool, str, float, float]) -> Path:
    """Write (ms, is snapshot, side, price, amount), received 2 ms later."""
    lines = [
        f"binance-futures,BTCUSDT,{T0_US + ms * 1000},{T0_US + ms * 1000 + 2000},{str(snap).lower()},{side},{px},{qty}"
        for ms, snap, side, px, qty in rows
    ]
    return csv_gz(tmp_path / "incremental_book_L2.csv.gz", [TARDIS_DEPTH, *lines])


def test_every_snapshot_of_tardis_is_whole_whatever_the_size_of_the_first(tmp_path: Path) -> None:
    """hftbacktest cuts them to the size of the first and drops one at the end of the file."""
    sizes = (1, 3, 2)
    rows = []
    for number, size in enumerate(sizes):
        rows += [(number * 10, True, "bid", 100.0 - level, 1.0) for level in range(size)]
        rows += [(number * 10, True, "ask", 101.0 + level, 2.0) for level in range(size)]
        if number < 2:
            rows.append((number * 10 + 5, False, "bid", 90.0 - number, 1.0))

    made = told(rows_of(convert("tardis", [tardis_depth(tmp_path, *rows)], tmp_path / "out")))

    assert [sum(1 for ev, *_ in made if ev == DEPTH_SNAPSHOT | side) for side in (BUY_FLAG, SELL_FLAG)] == [
        6,
        6,
    ]
    assert [ev for ev, *_ in made if ev & 0xFF == DEPTH_CLEAR] == [DEPTH_CLEAR] * 3
    book = book_after(made)
    assert book == {BUY_FLAG: {100.0: 1.0, 99.0: 1.0}, SELL_FLAG: {101.0: 2.0, 102.0: 2.0}}


def test_trades_of_tardis_come_before_depth_of_the_same_time(tmp_path: Path) -> None:
    depth = tardis_depth(tmp_path, (1, False, "ask", 101.0, 1.0), (2, False, "ask", 101.0, 0.5))
    trades = csv_gz(
        tmp_path / "trades.csv.gz",
        [
            TARDIS_TRADES,
            f"binance-futures,BTCUSDT,{T0_US + 2000},{T0_US + 4000},7,buy,101.0,0.5",
            f"binance-futures,BTCUSDT,{T0_US + 3000},{T0_US + 5000},8,unknown,101.0,0.5",
        ],
    )

    result = convert("tardis", [depth, trades], tmp_path / "out")

    assert told(rows_of(result)) == [
        (DEPTH | SELL_FLAG, 101.0, 1.0),
        (TRADE | BUY_FLAG, 101.0, 0.5),
        (DEPTH | SELL_FLAG, 101.0, 0.5),
    ]
    (file,) = result.files
    assert file.path == tmp_path / "out" / "binance-futures" / "BTCUSDT" / "2024-08-08" / "trades.npy"
    assert [source.file for source in (file.facts.source, *file.facts.merged)] == [depth.name, trades.name]
    assert file.facts.report["ignored"] == {"trade of unknown side": 1}


def test_books_of_tardis_snapshots_are_those_of_each_line(tmp_path: Path) -> None:
    levels = 4
    rng = np.random.default_rng(5)
    fields = [
        f"{side}[{n}].{field}"
        for n in range(levels)
        for side in ("asks", "bids")
        for field in ("price", "amount")
    ]
    lines, books = [",".join(("exchange", "symbol", "timestamp", "local_timestamp", *fields))], []
    for number in range(200):
        mid = 100 + int(rng.integers(0, 4))
        count = int(rng.integers(1, levels + 1))
        book = {
            "bids": {float(mid - level): float(rng.integers(1, 4)) for level in range(count)},
            "asks": {float(mid + 1 + level): float(rng.integers(1, 4)) for level in range(levels)},
        }
        values = []
        for n in range(levels):
            for side in ("asks", "bids"):
                level = list(book[side].items())[n : n + 1]
                values += [f"{level[0][0]}", f"{level[0][1]}"] if level else ["", ""]
        us = T0_US + number * 1000
        lines.append(",".join(("binance-futures", "BTCUSDT", str(us), str(us + 500), *values)))
        books.append({BUY_FLAG: book["bids"], SELL_FLAG: book["asks"]})

    rows = rows_of(convert("tardis", [csv_gz(tmp_path / "book_snapshot_4.csv.gz", lines)], tmp_path / "out"))

    for number, book in enumerate(books):
        until = T0_NS + number * 1_000_000 + 500_000
        assert book_after(told(rows[rows["local_ts"] <= until])) == book, f"line {number + 2}, seed 5"
    assert sum(1 for ev, *_ in told(rows) if ev & 0xFF == DEPTH_CLEAR) == 1


# --- Binance's public archive

PUBLIC = Options(venue="binance-usdm", feed_latency_ns=3_000_000)


def zipped(path: Path, lines: Sequence[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}.csv", "".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("scale", [1, 1000], ids=["ms", "us"])
def test_archive_of_trades_is_read_with_and_without_header_in_ms_and_us(
    tmp_path: Path, header: bool, scale: int
) -> None:
    lines = ["id,price,qty,quote_qty,time,is_buyer_maker"] if header else []
    lines += [f"1,60000.1,0.5,30000,{T0_MS * scale},true", f"2,60000.2,0.1,6000,{(T0_MS + 1) * scale},False"]

    rows = rows_of(
        convert(
            "binance-public",
            [zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", lines)],
            tmp_path / "o",
            PUBLIC,
        )
    )

    assert told(rows) == [(TRADE | SELL_FLAG, 60000.1, 0.5), (TRADE | BUY_FLAG, 60000.2, 0.1)]
    assert rows["exch_ts"].tolist() == [T0_NS, T0_NS + 1_000_000]
    assert (rows["local_ts"] - rows["exch_ts"]).tolist() == [3_000_000] * 2


def test_archive_of_book_tickers_is_a_book_of_the_best_levels(tmp_path: Path) -> None:
    quotes = [
        (100.0, 1.0, 101.0, 2.0),
        (100.0, 3.0, 101.0, 2.0),
        (101.0, 1.0, 102.0, 1.0),
        (99.0, 1.0, 100.0, 5.0),
    ]
    lines = [
        f"{number},{bid},{bq},{ask},{aq},{T0_MS + number},{T0_MS + number}"
        for number, (bid, bq, ask, aq) in enumerate(quotes)
    ]
    trades = [f"{n},100.0,1,1,1,{T0_MS + n},true" for n in (1, 3)]
    paths = [
        zipped(tmp_path / "BTCUSDT-bookTicker-2024-08-08.zip", lines),
        zipped(tmp_path / "BTCUSDT-aggTrades-2024-08-08.zip", trades),
    ]

    result = convert("binance-public", paths, tmp_path / "out", PUBLIC)

    rows = rows_of(result)
    for number, (bid, bq, ask, aq) in enumerate(quotes):
        seen = told(rows[rows["exch_ts"] <= T0_NS + number * 1_000_000])
        assert book_after(seen) == {BUY_FLAG: {bid: bq}, SELL_FLAG: {ask: aq}}
    assert [(gap.line, gap.expected, gap.found) for gap in result.gaps] == [(2, 2, 3)]
    assert result.instrument == "BTCUSDT"


def test_archive_of_book_depth_is_one_level_a_band(tmp_path: Path) -> None:
    """1 % holds 10 for 990 (99 each), 2 % holds 30 for 2930 in sum: 20 more at 97; asks likewise."""
    lines = ["timestamp,percentage,depth,notional"]
    for second in (7, 37):
        for percentage, depth, notional in (
            (-2, 30, 2930.004),
            (-1, 10, 990),
            (1, 10, 1010),
            (2, 30, 3070.004),
        ):
            lines.append(f"2024-08-08 00:00:{second:02},{percentage},{depth},{notional}")
    path = zipped(tmp_path / "BTCUSDT-bookDepth-2024-08-08.zip", lines)
    options = Options(
        venue="binance-usdm", feed_latency_ns=1, tick_size=Decimal("0.1"), lot_size=Decimal("0.001")
    )

    rows = rows_of(convert("binance-public", [path], tmp_path / "out", options))

    assert book_after(told(rows)) == {
        BUY_FLAG: {99.0: 10.0, 97.0: 20.0},
        SELL_FLAG: {101.0: 10.0, 103.1: 20.0},
    }
    assert len(rows) == 2 * (1 + 4)
    with pytest.raises(ConfigError, match=r"bookDepth must be .* with --tick-size"):
        convert("binance-public", [path], tmp_path / "other", PUBLIC)


def test_days_of_the_archive_are_converted_one_after_the_other(tmp_path: Path) -> None:
    """The last rows of a day are received on the next: they are a file of their own beside that day's."""
    midnight_ms = 1_723_161_600_000
    found: list[ConvertedFile] = []
    for day, first_ms in (("2024-08-08", midnight_ms - 1000), ("2024-08-09", midnight_ms)):
        times = (first_ms, first_ms + 999)
        trades = zipped(tmp_path / f"BTCUSDT-trades-{day}.zip", [f"{ms},1,1,1,{ms},true" for ms in times])
        lines = [f"{ms},100.{(ms + int(day[-1])) % 10},1,101,1,{ms},{ms}" for ms in times]
        book = zipped(tmp_path / f"BTCUSDT-bookTicker-{day}.zip", lines)
        found += convert("binance-public", [book, trades], tmp_path / "out", PUBLIC).files

    assert [f"{file.path.parent.name}/{file.path.name}" for file in found] == [
        "2024-08-08/BTCUSDT-trades-2024-08-08.npy",
        "2024-08-09/BTCUSDT-trades-2024-08-08.npy",
        "2024-08-09/BTCUSDT-trades-2024-08-09.npy",
    ]
    times_ns = [(file.facts.output.first_local_ns, file.facts.output.last_local_ns) for file in found]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(times_ns))
    both_days = [row for file in found for row in told(load_events(file.path))]
    assert book_after(both_days) == {BUY_FLAG: {100.8: 1.0}, SELL_FLAG: {101.0: 1.0}}, (
        "nothing of the day before"
    )


def test_archive_needs_a_latency_and_a_venue_and_one_kind_of_trades(tmp_path: Path) -> None:
    path = zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", [f"1,1,1,1,{T0_MS},true"])
    agg = zipped(tmp_path / "BTCUSDT-aggTrades-2024-08-08.zip", [f"1,1,1,1,1,{T0_MS},true"])
    other = zipped(tmp_path / "ETHUSDT-trades-2024-08-08.zip", [f"1,1,1,1,{T0_MS},true"])
    for files, options, rule in (
        ([path], Options(venue="binance-usdm"), "feed_latency_ns must be >= 1"),
        ([path], Options(feed_latency_ns=1), "venue must be given"),
        ([path, agg], PUBLIC, "must be trades like the file before, was aggTrades"),
        ([path, other], PUBLIC, "symbol must be BTCUSDT in all files, was ETHUSDT"),
    ):
        with pytest.raises((ConfigError, DataError), match=rule):
            convert("binance-public", files, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([f"1,1,1,1,{T0_MS}"], "columns must hold is_buyer_maker"),
        (
            ["id,qty,price,quote_qty,time,is_buyer_maker", f"1,1,1,1,{T0_MS},true"],
            "column 2 must be price, was qty",
        ),
        (["id,price,qty,quote_qty,is_buyer_maker,time", f"1,1,1,1,true,{T0_MS}"], "column 5 must be time"),
    ],
    ids=["missing", "swapped", "swapped at the end"],
)
def test_columns_of_an_archive_are_those_that_are_read(tmp_path: Path, lines: list[str], rule: str) -> None:
    with pytest.raises(DataError, match=rf"2024-08-08.zip:?1?: {rule}"):
        convert(
            "binance-public",
            [zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", lines)],
            tmp_path / "out",
            PUBLIC,
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("price", ["-100", "NaN", "0", "x"])
def test_a_price_of_a_tardis_snapshot_that_is_none_is_not_an_empty_level(tmp_path: Path, price: str) -> None:
    head = (
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount"
    )
    path = csv_gz(tmp_path / "book.csv.gz", [head, f"x,A,{T0_US},{T0_US + 9},101,1,{price},1"])

    with pytest.raises(DataError, match=rf"book.csv.gz:2: bids\[0\].price must be .*, was '{price}'"):
        convert("tardis", [path], tmp_path / "out")


# --- Hyperliquid


@pytest.mark.parametrize("source", ["tardis", "hyperliquid"])
def test_a_symbol_that_no_directory_can_have_is_named_by_the_user(tmp_path: Path, source: str) -> None:
    if source == "tardis":
        path = csv_gz(
            tmp_path / "a.gz", [TARDIS_TRADES, f"kraken,XBT/USD,{T0_US},{T0_US + 9},7,buy,101.0,0.5"]
        )
    else:
        path = record(tmp_path / "a.gz", [(1, hl_trades((0, 1, "B"), coin="PURR/USDC"))])

    with pytest.raises(DataError, match=r"instrument must be a name .* name it otherwise with --instrument"):
        convert(source, [path], tmp_path / "out")
    (file,) = convert(source, [path], tmp_path / "out", Options(instrument="A-B")).files
    assert file.path.parts[-3] == file.facts.instrument == "A-B"


def l2book(ms: int, bids: Mapping[str, str], asks: Mapping[str, str], coin: str = "BTC") -> str:
    levels = [[{"px": px, "sz": sz, "n": 1} for px, sz in side.items()] for side in (bids, asks)]
    return json.dumps({"channel": "l2Book", "data": {"coin": coin, "time": T0_MS + ms, "levels": levels}})


def hl_trades(*trades: tuple[int, int, str], coin: str = "BTC") -> str:
    data = [
        {"coin": coin, "side": side, "px": "100.0", "sz": "1.0", "time": T0_MS + ms, "tid": tid}
        for ms, tid, side in trades
    ]
    return json.dumps({"channel": "trades", "data": data})


def test_hyperliquid_books_are_told_as_differences_and_trades_once(tmp_path: Path) -> None:
    lines = [
        (1, json.dumps({"channel": "subscriptionResponse", "data": {}})),
        (2, l2book(1, {"99.0": "1", "98.0": "2"}, {"101.0": "1"})),
        (3, hl_trades((1, 11, "A"), (2, 12, "B"))),
        (4, l2book(3, {"99.0": "1", "97.0": "2"}, {"101.0": "3"})),
        (5, hl_trades((2, 12, "B"), (4, 13, "B"))),
    ]

    result = convert("hyperliquid", [record(tmp_path / "btc.gz", lines)], tmp_path / "out")

    assert told(rows_of(result)) == [
        (DEPTH_CLEAR | BUY_FLAG, 98.0, 0.0),
        (DEPTH_SNAPSHOT | BUY_FLAG, 99.0, 1.0),
        (DEPTH_SNAPSHOT | BUY_FLAG, 98.0, 2.0),
        (DEPTH_CLEAR | SELL_FLAG, 101.0, 0.0),
        (DEPTH_SNAPSHOT | SELL_FLAG, 101.0, 1.0),
        (TRADE | SELL_FLAG, 100.0, 1.0),
        (TRADE | BUY_FLAG, 100.0, 1.0),
        (DEPTH | BUY_FLAG, 97.0, 2.0),
        (DEPTH | SELL_FLAG, 101.0, 3.0),
        (DEPTH | BUY_FLAG, 98.0, 0.0),
        (TRADE | BUY_FLAG, 100.0, 1.0),
    ]
    assert result.files[0].report.ignored == {"subscriptionResponse": 1, "trade told again": 1}
    assert (result.venue, result.instrument) == ("hyperliquid", "BTC")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (l2book(1, {}, {}, coin="ETH"), "coin must be BTC in all lines and files, was 'ETH'"),
        (l2book(-T0_MS + 17, {}, {}), "time must be milliseconds since 1970 .13 digits., was 17"),
        (hl_trades((1, 14, "X")), "side must be A or B, was 'X'"),
        ('{"channel": "l2Book"}', "no field 'data'"),
        (hl_trades((1, 14, "B")).replace("14", "null"), "tid must be an integer, was None"),
    ],
)
def test_broken_lines_of_hyperliquid_are_named(tmp_path: Path, line: str, rule: str) -> None:
    path = record(tmp_path / "btc.gz", [(1, l2book(0, {"99.0": "1"}, {"101.0": "1"})), (2, line)])

    with pytest.raises(DataError, match=rule) as caught:
        convert("hyperliquid", [path], tmp_path / "out")

    assert "btc.gz:2:" in str(caught.value)
    assert not (tmp_path / "out").exists()


# --- any table

MAPPED = {
    "kind": "type",
    "exch_time": "ts",
    "local_time": "recv",
    "side": "side",
    "price": "px",
    "qty": "size",
}
TABLE: list[dict[str, Any]] = [
    {"type": "snapshot", "ts": T0_MS, "recv": T0_MS + 1, "side": "bid", "px": 100.0, "size": 1.0},
    {"type": "snapshot", "ts": T0_MS, "recv": T0_MS + 1, "side": "ask", "px": 101.0, "size": 2.0},
    {"type": "depth", "ts": T0_MS + 2, "recv": T0_MS + 4, "side": "Buy", "px": 100.0, "size": 0.0},
    {"type": "trade", "ts": T0_MS + 3, "recv": T0_MS + 5, "side": "sell", "px": 99.5, "size": 0.25},
]
TOLD = [
    (DEPTH_CLEAR, 0.0, 0.0),
    (DEPTH_SNAPSHOT | BUY_FLAG, 100.0, 1.0),
    (DEPTH_SNAPSHOT | SELL_FLAG, 101.0, 2.0),
    (DEPTH | BUY_FLAG, 100.0, 0.0),
    (TRADE | SELL_FLAG, 99.5, 0.25),
]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_tables_are_read_by_their_mapping(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine.{suffix}"
    frame = pl.DataFrame(TABLE)
    if suffix == "parquet":
        frame.write_parquet(path)
    else:
        text = frame.write_csv().encode()
        path.write_bytes(gzip.compress(text) if suffix == "csv.gz" else text)
    options = Options(venue="mine", instrument="X", columns=MAPPED)

    result = convert("parquet" if suffix == "parquet" else "csv", [path], tmp_path / "out", options)

    assert told(rows_of(result)) == TOLD
    assert result.files[0].path == tmp_path / "out" / "mine" / "X" / "2024-08-08" / "mine.npy"


def test_tables_of_trades_need_neither_kind_nor_receipt_times(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"exch_time,side,price,qty\n{T0_NS},b,1.5,2\n{T0_NS + 7},s,1.25,2\n")
    options = Options(venue="mine", instrument="X", columns={"kind": "=trade"}, feed_latency_ns=1000)

    rows = rows_of(convert("csv", [path], tmp_path / "out", options))

    assert told(rows) == [(TRADE | BUY_FLAG, 1.5, 2.0), (TRADE | SELL_FLAG, 1.25, 2.0)]
    assert (rows["local_ts"] - rows["exch_ts"]).tolist() == [1000, 1000]


BROKEN_TABLES = {
    "another unit": (
        f"trade,{T0_NS},{T0_MS},buy,1,1",
        "exch_time must be a time since 1970 in ms, as before",
    ),
    "no number": (f"trade,{T0_MS},{T0_MS},buy,x,1", "price must be a number, was 'x'"),
    "no side": (f"trade,{T0_MS},{T0_MS},up,1,1", "side must be one of buy"),
    "side of a trade": (f"trade,{T0_MS},{T0_MS},both,1,1", "side must be buy or sell"),
    "unknown kind": (f"quote,{T0_MS},{T0_MS},buy,1,1", "kind must be one of depth, trade"),
    "missing field": (f"trade,{T0_MS},{T0_MS},buy,1", "qty must be a number, was None"),
    "too many fields": (f"trade,{T0_MS},{T0_MS},buy,1,1,1", "line must have 6 columns"),
    "negative": (f"trade,{T0_MS},{T0_MS},buy,1,-1", "quantity >= 0"),
    "open quote": (f'"trade,{T0_MS},{T0_MS},buy,1,1', "line must be UTF-8 with quotes in pairs"),
    "another encoding": (f"tr\xe4de,{T0_MS},{T0_MS},buy,1,1", "line must be UTF-8"),
    "empty time": (f"trade,,{T0_MS},buy,1,1", "exch_time must be an integer"),
}


@pytest.mark.parametrize("fault", BROKEN_TABLES)
def test_broken_lines_of_tables_are_named(tmp_path: Path, fault: str) -> None:
    line, rule = BROKEN_TABLES[fault]
    path = tmp_path / "mine.csv"
    good = f"trade,{T0_MS},{T0_MS + 1},buy,1,1"
    text = f"kind,exch_time,local_time,side,price,qty\n{good}\n{line}\n{good}\n"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(DataError, match=rule) as caught:
        convert("csv", [path], tmp_path / "out", Options(venue="mine", instrument="X"))

    assert "mine.csv:3:" in str(caught.value)
    assert not (tmp_path / "out").exists()


OWN = Options(venue="mine", instrument="X")
A_TRADE: dict[str, Any] = {
    "kind": "trade",
    "exch_time": T0_MS,
    "local_time": T0_MS + 1,
    "side": "buy",
    "price": 1.0,
    "qty": 1.0,
}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"price": [1.0]}, "price must be numbers, times or texts, was List"),
        ({"side": {"is": "buy"}}, "side must be numbers, times or texts, was Struct"),
        ({"exch_time": T0_MS + 0.5}, "mine.parquet:1: exch_time must be an integer"),
        ({"exch_time": float(T0_NS)}, "mine.parquet:1: exch_time must be an integer"),
    ],
    ids=["list", "struct", "part of a ms", "ns that a float64 cannot tell"],
)
def test_columns_of_a_wrong_kind_are_named(tmp_path: Path, change: dict[str, Any], rule: str) -> None:
    pl.DataFrame([A_TRADE | change]).write_parquet(tmp_path / "mine.parquet")

    with pytest.raises(DataError, match=rule):
        convert("parquet", [tmp_path / "mine.parquet"], tmp_path / "out", OWN)


def test_a_column_that_names_another_instrument_is_refused_whether_mapped_or_not(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pl.DataFrame([A_TRADE | {"instrument": "X"}, A_TRADE | {"instrument": "Y"}]).write_csv(path)

    with pytest.raises(
        DataError, match=r"mine.csv:3: instrument must be X in all lines and files .* was 'Y'"
    ):
        convert("csv", [path], tmp_path / "out", OWN)


@pytest.mark.parametrize(
    ("hours", "rule"),
    [
        (8, "mine.csv: the smallest feed latency of the data set must be at most an hour, was 28,800 s"),
        (-8, "mine.csv:2: exch_ts must be at most an hour after local_ts, were 1723161256000000000 and"),
    ],
)
def test_receipt_times_of_another_time_zone_are_no_slow_clock(tmp_path: Path, hours: int, rule: str) -> None:
    path = tmp_path / "mine.csv"
    pl.DataFrame([A_TRADE | {"local_time": T0_MS + hours * 3_600_000}] * 2).write_csv(path)

    with pytest.raises(DataError, match=rule):
        convert("csv", [path], tmp_path / "out", OWN)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pl.DataFrame([A_TRADE]).write_csv(path, include_bom=True)

    assert told(rows_of(convert("csv", [path], tmp_path / "out", OWN))) == [(TRADE | BUY_FLAG, 1.0, 1.0)]


@pytest.mark.parametrize("place", ["a password", "another method"])
def test_a_zip_file_that_cannot_be_unpacked_is_an_error_with_its_name(tmp_path: Path, place: str) -> None:
    path = zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", [f"1,1,1,1,{T0_MS},true"])
    raw = bytearray(path.read_bytes())
    for at, sign in ((0, b"PK\3\4"), (2, b"PK\1\2")):  # local header and directory
        entry = raw.find(sign) + 6 + at
        raw[entry + (0 if place == "a password" else 2)] = 1 if place == "a password" else 99
    path.write_bytes(bytes(raw))

    with pytest.raises(DataError, match=r"2024-08-08.zip: must be a zip file that can be unpacked"):
        convert("binance-public", [path], tmp_path / "out", PUBLIC)


def test_a_grid_that_the_data_is_not_on_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"exch_time,side,price,qty\n{T0_NS},b,1.5,2\n{T0_NS + 7},s,1.25,2\n")
    options = Options(
        venue="mine",
        instrument="X",
        columns={"kind": "=trade"},
        feed_latency_ns=1000,
        tick_size=Decimal("0.5"),
        lot_size=Decimal(1),
    )

    with pytest.raises(DataError, match=r"trades.csv:3: .* grid of --tick-size 0.5 .* were 1.25 and 2.0"):
        convert("csv", [path], tmp_path / "out", options)


@pytest.mark.parametrize(
    ("source", "options", "rule"),
    [
        (
            "binance-usdm",
            Options(feed_latency_ns=5),
            "option feed_latency_ns must be one that binance-usdm uses",
        ),
        ("csv", Options(book_ticker=True), "option book_ticker must be one that csv uses"),
        ("csv", Options(instrument="X"), "venue must be given"),
        ("csv", Options(venue="v"), "instrument must be given"),
        ("csv", Options(venue="v", instrument="X", columns={"bid": "b"}), "--map must name columns of kind"),
        (
            "csv",
            Options(venue="../v", instrument="X", columns={"kind": "=trade"}),
            "venue must be a name that",
        ),
        ("csv", Options(venue="v", instrument="X", tick_size=Decimal(0)), "tick_size must be > 0, was 0"),
    ],
)
def test_options_that_say_nothing_here_are_refused(
    tmp_path: Path, source: str, options: Options, rule: str
) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"exch_time,local_time,side,price,qty\n{T0_NS},{T0_NS + 5},b,1.5,2\n")

    with pytest.raises((ConfigError, DataError), match=rule):
        convert(source, [path], tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
