"""Binance's streams: holes and resynchronisation, spot without times, best levels from the book ticker."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from trading_platform.data.convert import ConvertResult, Options, convert
from trading_platform.data.convert.json_scan import NO_NUMBER, read_decimal
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.model.errors import ConfigError, DataError

from .builders import BOTH, T0_MS, T0_NS, depth, record, trade
from .test_sources import book_after, rows_of, told

Levels = Sequence[Sequence[str]]
BID, ASK = DEPTH | BUY_FLAG, DEPTH | SELL_FLAG
MS = 1_000_000


def rest(last_id: int, bids: Levels, asks: Levels, **times: int) -> str:
    return json.dumps({"lastUpdateId": last_id, "bids": list(bids), "asks": list(asks)} | times)


def spot_depth(ms: int, ids: tuple[int, int], bids: Levels = (), asks: Levels = ()) -> str:
    data = {
        "e": "depthUpdate",
        "E": T0_MS + ms,
        "s": "BTCUSDT",
        "U": ids[0],
        "u": ids[1],
        "b": bids,
        "a": asks,
    }
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": data})


def spot_trade(ms: int, price: str, qty: str = "1") -> str:
    data = {"e": "trade", "E": T0_MS + ms, "T": T0_MS + ms, "s": "BTCUSDT", "t": 1, "p": price, "q": qty}
    return json.dumps({"stream": "btcusdt@trade", "data": data | {"m": True, "M": True}})


def ticker(last_id: int, bid: str, bid_qty: str, ask: str, ask_qty: str, **times: int) -> str:
    data = {"u": last_id, "s": "BTCUSDT", "b": bid, "B": bid_qty, "a": ask, "A": ask_qty} | times
    return json.dumps({"stream": "btcusdt@bookTicker", "data": data | ({"e": "bookTicker"} if times else {})})


def convert_one(
    tmp_path: Path, source: str, lines: list[tuple[int, str]], options: Options | None = None
) -> ConvertResult:
    return convert(source, [record(tmp_path / "day.gz", lines)], tmp_path / "out", options)


def exch_order(rows: EventArray) -> list[tuple[int, float, float]]:
    """Return what the venue's side holds, in its order."""
    seen = rows[(rows["ev"] & np.uint64(EXCH_FLAG)) != 0]
    return [(int(row["ev"]) & ~BOTH & 0xFFFFFFFF, float(row["px"]), float(row["qty"])) for row in seen]


# --- holes


def test_the_snapshot_after_a_hole_clears_the_book_and_younger_differences_are_set_again(
    tmp_path: Path,
) -> None:
    """Updates 3 to 8 are lost. The snapshot is of 10, and 11 came before it."""
    result = convert_one(
        tmp_path,
        "binance-usdm",
        [
            (1, depth(0, [["99.0", "1"], ["90.0", "1"]], [["101.0", "1"]], ids=(1, 2, 0))),
            (2, depth(1, [["98.0", "1"]], ids=(9, 10, 8))),
            (3, depth(2, [["97.0", "7"]], ids=(11, 11, 10))),
            (4, rest(10, [["99.0", "5"]], [["101.0", "5"]], E=T0_MS + 1, T=T0_MS + 1)),
            (5, depth(5, [["96.0", "2"]], ids=(12, 12, 11))),
        ],
    )

    rows = rows_of(result)
    report = result.files[0].report
    assert [(gap.line, gap.expected, gap.found) for gap in report.gaps] == [(2, 2, 8)]
    assert (report.gap_count, report.resyncs, report.gap_is_open) == (1, 1, False)
    assert [row for row in told(rows) if row[0] & 0xFF in (DEPTH_CLEAR, DEPTH_SNAPSHOT)] == [
        (DEPTH_CLEAR, 0.0, 0.0),
        (DEPTH_SNAPSHOT | BUY_FLAG, 99.0, 5.0),
        (DEPTH_SNAPSHOT | SELL_FLAG, 101.0, 5.0),
    ]
    book = {BUY_FLAG: {99.0: 5.0, 97.0: 7.0, 96.0: 2.0}, SELL_FLAG: {101.0: 5.0}}
    assert book_after(told(rows)) == book
    assert book_after(exch_order(rows)) == book


def test_a_hole_without_a_snapshot_stays_open_and_is_told(tmp_path: Path) -> None:
    files = [
        record(tmp_path / "a.gz", [(1, depth(0, ids=(1, 2, 0))), (2, depth(1, ids=(9, 10, 8)))]),
        record(tmp_path / "b.gz", [(3, depth(2, ids=(11, 11, 10)))]),
        record(tmp_path / "c.gz", [(4, rest(11, [["99.0", "5"]], [["101.0", "5"]], T=T0_MS + 3))]),
    ]

    result = convert("binance-usdm", files, tmp_path / "out")

    assert [report.gap_is_open for report in result.reports] == [True, True, False]
    assert [report.resyncs for report in result.reports] == [0, 0, 1]


def test_a_snapshot_that_is_older_than_the_hole_cannot_close_it(tmp_path: Path) -> None:
    result = convert_one(
        tmp_path,
        "binance-usdm",
        [
            (1, depth(0, ids=(1, 2, 0))),
            (2, depth(1, ids=(9, 10, 8))),
            (3, rest(5, [["99.0", "5"]], [["101.0", "5"]], T=T0_MS + 1)),
        ],
    )

    report = result.files[0].report
    assert report.ignored == {"snapshot older than the book": 1}
    assert report.gap_is_open


def test_a_snapshot_received_inside_the_hole_closes_it(tmp_path: Path) -> None:
    """The recorder connected again, asked for a snapshot first, and then listened."""
    result = convert_one(
        tmp_path,
        "binance-usdm",
        [
            (1, depth(0, ids=(1, 2, 0))),
            (2, rest(9, [["99.0", "5"]], [["101.0", "5"]], T=T0_MS + 1)),
            (3, depth(2, ids=(9, 10, 8))),
        ],
    )

    report = result.files[0].report
    assert (report.gap_count, report.resyncs, report.gap_is_open) == (1, 1, False)


def test_the_first_difference_must_reach_back_to_the_snapshot(tmp_path: Path) -> None:
    for name, before, gaps in (("whole", 9, 0), ("hole", 12, 1)):
        (tmp_path / name).mkdir()
        lines = [
            (1, rest(10, [["99.0", "5"]], [["101.0", "5"]], T=T0_MS)),
            (2, depth(2, ids=(before + 1, 14, before))),
        ]
        assert convert_one(tmp_path / name, "binance-usdm", lines).gap_count == gaps


# --- spot


def test_spot_ids_follow_each_other_without_pu(tmp_path: Path) -> None:
    bid = [["99.0", "1"]]
    lines = [
        (1, spot_depth(0, (1, 4), bid)),
        (2, spot_depth(1, (5, 6), bid)),
        (3, spot_depth(2, (9, 9), bid)),
    ]

    result = convert_one(tmp_path, "binance-spot", lines)

    assert [(gap.line, gap.expected, gap.found) for gap in result.gaps] == [(3, 7, 9)]


def test_a_spot_snapshot_takes_the_time_of_the_newest_difference_it_holds(tmp_path: Path) -> None:
    """Received at 9, of update 4: at the venue it stands before update 5, and what we see gets update 5 again."""
    rows = rows_of(
        convert_one(
            tmp_path,
            "binance-spot",
            [
                (1, spot_depth(0, (1, 4), [["99.0", "1"], ["98.0", "1"]], [["101.0", "1"]])),
                (6, spot_depth(5, (5, 5), [["99.0", "7"]])),
                (9, rest(4, [["99.0", "1"], ["98.0", "1"]], [["101.0", "1"]])),
                (10, spot_depth(9, (3, 4), [["98.0", "0"]])),
            ],
        )
    )

    snapshot = rows[(rows["ev"] & np.uint64(0xFF)) == np.uint64(DEPTH_SNAPSHOT)]
    assert set(snapshot["exch_ts"].tolist()) == {T0_NS}
    book = {BUY_FLAG: {99.0: 7.0, 98.0: 1.0}, SELL_FLAG: {101.0: 1.0}}
    assert book_after(told(rows)) == book
    assert book_after(exch_order(rows)) == book


def test_a_ticker_sets_the_best_levels_and_removes_what_is_better(tmp_path: Path) -> None:
    lines = [
        (1, rest(4, [["99.0", "1"], ["98.0", "2"]], [["101.0", "1"], ["102.0", "2"]])),
        (2, spot_depth(0, (5, 5), [["97.0", "1"]])),
        (3, ticker(8, "98.0", "3", "100.0", "1")),
        (4, ticker(8, "98.0", "9", "100.0", "1")),
        (5, spot_depth(3, (6, 7), [["99.0", "4"], ["98.0", "9"], ["96.0", "1"]], [["100.0", "5"]])),
        (6, spot_depth(4, (8, 10), [["98.0", "6"]], [["100.0", "0"]])),
    ]

    result = convert_one(tmp_path, "binance-spot", lines)

    rows = rows_of(result)
    at_ticker = told(rows[rows["local_ts"] == T0_NS + 3 * MS])
    assert at_ticker == [(BID, 99.0, 0.0), (BID, 98.0, 3.0), (ASK, 100.0, 1.0)]
    older = told(rows[rows["local_ts"] == T0_NS + 5 * MS])
    assert older == [(BID, 96.0, 1.0)], "99, 98 and 100 are younger in the ticker"
    assert book_after(told(rows)) == {
        BUY_FLAG: {98.0: 6.0, 97.0: 1.0, 96.0: 1.0},
        SELL_FLAG: {101.0: 1.0, 102.0: 2.0},
    }
    assert book_after(exch_order(rows)) == book_after(told(rows))
    assert result.files[0].report.ignored == {"bookTicker older than the book": 1}


def test_a_ticker_without_time_is_as_late_as_the_least_latency_allows(tmp_path: Path) -> None:
    lines = [
        (10, ticker(1, "99.0", "1", "101.0", "1")),
        (20, spot_trade(14, "99.0")),
        (30, spot_trade(28, "99.0")),
        (40, ticker(2, "99.0", "2", "101.0", "1")),
    ]

    rows = rows_of(convert_one(tmp_path, "binance-spot", lines))

    of_book = rows[(rows["ev"] & np.uint64(0xFF)) == np.uint64(DEPTH)]
    assert ((of_book["exch_ts"] - T0_NS) // MS).tolist() == [4, 4, 38]


def test_a_ticker_stands_behind_the_trades_of_its_millisecond(tmp_path: Path) -> None:
    """Else the fall of the level and the trade that made it would both move the queue."""
    lines = [
        (5, depth(0, [["60000.1", "1"]], [["60000.2", "1"]], ids=(1, 1, 0))),
        (6, ticker(2, "60000.1", "0.4", "60000.2", "1", E=T0_MS + 1, T=T0_MS + 1)),
        (7, trade(1, "60000.1", "0.6")),
    ]

    rows = rows_of(convert_one(tmp_path, "binance-usdm", lines, Options(book_ticker=True)))

    assert [ev & 0xFF for ev, *_ in exch_order(rows)] == [DEPTH, DEPTH, TRADE, DEPTH]


def test_tickers_of_futures_are_left_out_unless_wanted(tmp_path: Path) -> None:
    lines = [
        (5, depth(0, [["60000.1", "1"]], ids=(1, 1, 0))),
        (6, ticker(2, "60000.1", "0.4", "60000.2", "1", E=T0_MS + 1, T=T0_MS + 1)),
    ]

    result = convert_one(tmp_path, "binance-usdm", lines)

    assert result.files[0].report.ignored == {"bookTicker": 1}
    assert result.files[0].rows == 1


def test_messages_without_any_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"day.gz:1: a message without a time must be followed by one with a time"
    ):
        convert_one(tmp_path, "binance-spot", [(1, ticker(1, "99.0", "1", "101.0", "1"))])


def test_snapshots_alone_name_no_instrument_and_another_one_than_given_is_refused(tmp_path: Path) -> None:
    lines = [(1, rest(4, [["99.0", "1"]], [["101.0", "1"]], T=T0_MS))]
    with pytest.raises(ConfigError, match=r"instrument must be given .--instrument."):
        convert_one(tmp_path, "binance-usdm", lines)
    given = Options(instrument="ETHUSDT")
    assert convert_one(tmp_path, "binance-usdm", lines, given).instrument == "ETHUSDT"
    with pytest.raises(DataError, match=r"symbol must be ETHUSDT as given .--instrument., was BTCUSDT"):
        convert_one(tmp_path, "binance-usdm", [*lines, (2, trade(1))], given)


# --- numbers


@pytest.mark.parametrize("seed", range(5))
def test_decimals_are_the_nearest_float64(seed: int) -> None:
    """All that fit into 53 bits, against Python's own reading."""
    rng = np.random.default_rng(seed)
    for _ in range(300):
        digits = int(rng.integers(1, 16))
        places = int(rng.integers(0, 12))
        number = Decimal(int(rng.integers(0, min(10**digits, 1 << 53)))).scaleb(-places)
        for text in (f"{number:f}", f'"{number:f}"', f'"{number:f}0000"' if places else f'"{number:f}.0000"'):
            encoded = text.encode()
            assert read_decimal(encoded, 0, len(encoded)) == (float(number), len(encoded)), (
                text,
                f"seed {seed}",
            )


@pytest.mark.parametrize(
    "text",
    ["", '"', '""', '"1', "abc", '"1e5"', '"."', '".5"', '"5."', '"1.2.3"', "9007199254740993", '"--1"'],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    assert read_decimal(text.encode(), 0, len(text))[1] == NO_NUMBER


@pytest.mark.parametrize(
    ("message", "rows"),
    [
        ('{ "e" : "trade" , "T":%d, "s":"B", "p":1.50, "q":"2", "X":"MARKET", "m" : false }',
         [(TRADE | BUY_FLAG, 1.5, 2)]),
        ('{"data":{"m":true,"X":"MARKET","q":"2","p":"1.5","s":"B","T":%d,"e":"trade","z":[{"a":"]}"}]},"stream":"x"}',
         [(TRADE | SELL_FLAG, 1.5, 2)]),
        ('{"e":"depthUpdate","a":[ ["2","1"] , ["3" , 4] ],"b":[],"s":"B","U":1,"u":1,"pu":0,"T":%d}',
         [(ASK, 2, 1), (ASK, 3, 4)]),
    ],
    ids=["blanks and bare numbers", "another order of keys, unknown ones", "blanks between levels"],
)  # fmt: skip
def test_messages_are_json_not_text_of_one_form(
    tmp_path: Path, message: str, rows: list[tuple[int, float, float]]
) -> None:
    result = convert_one(tmp_path, "binance-usdm", [(1, message % T0_MS)])

    assert told(rows_of(result)) == rows
