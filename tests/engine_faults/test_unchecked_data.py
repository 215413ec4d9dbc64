"""Rows that hftbacktest replays without a word, and what we say; what its own converters lose."""

import gzip
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hftbacktest import _hftbacktest, binding
from hftbacktest.data.utils import binancefutures, bybithistmktdata, mexc
from hftbacktest.order import FILLED, NEW
from hftbacktest.types import (
    BUY_EVENT,
    DEPTH_BBO_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    event_dtype,
)
from market_data.builders import T0_MS, T0_NS, record
from market_data.builders import depth as depth_message
from market_data.builders import trade as trade_message
from oracle.raw_loop import END, FEED, OK
from venues.play import BUY, INSTRUMENT, MS, SELL, START_NS, Events, Play, depth, events_of, trade

from trading_platform._jit import COMPILED
from trading_platform.data.convert import CONVERTERS, convert
from trading_platform.data.files import load_events, save_events
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import DataError, EngineError

from .bare import SENT_MS, TICK, Bare, asset_of, lots_of, market

FLAGS: Final = EXCH_EVENT | LOCAL_EVENT


def refused(
    *files: Events, tick_size: Decimal = INSTRUMENT.tick_size, lot_size: Decimal = INSTRUMENT.lot_size
) -> str:
    """Return what our validation says to files that it must refuse."""
    with pytest.raises(DataError) as caught:
        validate_events(files, [f"file{number}" for number in range(len(files))], tick_size, lot_size)
    return str(caught.value)


def test_hftbacktest_2_4_4_replays_valid_rows_and_we_take_them() -> None:
    rows = events_of(market())
    validate_events([rows], ["file"], INSTRUMENT.tick_size, INSTRUMENT.lot_size)

    assert Bare(rows).finish() == END


# --- form


def test_hftbacktest_2_4_4_takes_other_fields_of_64_bytes_for_its_own_and_we_refuse_the_dtype() -> None:
    """The two times are swapped: the first row arrives 1 ms early."""
    names = list(event_dtype.names)
    names[1], names[2] = names[2], names[1]
    other = np.dtype([(name, event_dtype[name]) for name in names])
    rows = events_of(market())
    swapped = np.zeros(len(rows), other)
    for name in names:
        swapped[name] = rows[name]
    bare = Bare(swapped)
    bare.wait_ms()

    assert other.itemsize == event_dtype.itemsize
    assert bare.at_ms == 0
    assert "array of event_dtype" in refused(swapped)


def test_hftbacktest_2_4_4_reads_the_memory_of_a_strided_array_and_we_refuse_it() -> None:
    """Every second row of a doubled array is the array itself; what is read is its first half, twice."""
    rows = events_of(market())
    strided = np.repeat(rows, 2)[::2]
    bare = Bare(strided)
    bare.finish()

    assert (strided == rows).all()
    assert bare.at_ms < 50
    assert "C-contiguous" in refused(strided)
    with pytest.raises(EngineError, match="C-contiguous"):
        Play(strided)


def test_hftbacktest_2_4_4_ends_at_once_without_rows_and_we_refuse_them() -> None:
    nothing = np.zeros(0, event_dtype)

    assert Bare(nothing).wait_ms() == END
    assert "non-empty" in refused(nothing)


def test_hftbacktest_2_4_4_tells_of_a_bad_file_by_code_100_in_mid_run_and_we_before(tmp_path: Path) -> None:
    """The second file is cut off: the first is replayed, then the wait fails."""
    whole, torn = tmp_path / "whole.npz", tmp_path / "torn.npz"
    save_events(whole, events_of(market()))
    torn.write_bytes(whole.read_bytes()[:-100])
    engine = _hftbacktest.build_hashmap_backtest(
        [asset_of().parallel_load(False).data([str(whole), str(torn)])]
    )
    codes = [OK]
    while codes[-1] in (OK, FEED):
        codes.append(int(binding.hashmapbt_wait_next_feed(engine, True, MS)))
    binding.hashmapbt_close(engine)

    assert (len(codes) > 50, codes[-1]) == (True, 100)
    with pytest.raises(DataError, match=r"torn\.npz: must be a complete \.npz file"):
        load_events(torn)


# --- flags


def flagged(at_ms: int, ev: int, price_ticks: int) -> Events:
    """Return the usual market, of which one row at this time has this ``ev`` and price."""
    rows = events_of(market())
    at = int(np.flatnonzero(rows["exch_ts"] == START_NS + at_ms * MS)[0])
    rows["ev"][at], rows["px"][at], rows["qty"][at] = ev, price_ticks * TICK, 1.0
    return rows


@pytest.mark.parametrize(
    ("ev", "words"),
    [
        (DEPTH_EVENT | BUY_EVENT, "flag EXCH"),
        (DEPTH_EVENT | FLAGS, "one of the flags BUY"),
        (DEPTH_BBO_EVENT | BUY_EVENT | FLAGS, "kind (low byte of ev) must be one"),
    ],
    ids=["neither EXCH nor LOCAL", "no side", "a kind that no price-level book acts on"],
)
def test_hftbacktest_2_4_4_skips_rows_it_cannot_use_and_we_name_the_first(ev: int, words: str) -> None:
    """A new best bid of 1001, if it were seen."""
    rows = flagged(40, ev, 1001)
    bare = Bare(rows)
    bare.finish()
    ok = Bare(flagged(40, DEPTH_EVENT | BUY_EVENT | FLAGS, 1001))
    ok.finish()

    assert ok.touch() == (1001, 1002)
    assert bare.touch() == (1000, 1002)
    assert words in refused(rows)


# --- order of time


def clock_of(bare: Bare) -> list[float]:
    """Return the local clock at each wakeup to the end [ms]."""
    clock = []
    while bare.wait_ms() != END:
        clock.append(bare.at_ms)
    return clock


@pytest.mark.parametrize("field", ["exch_ts", "local_ts"])
def test_hftbacktest_2_4_4_goes_back_in_time_with_the_rows_and_we_refuse_them(field: str) -> None:
    """A trade that fills our order is put 20 ms too late into the file."""
    rows = events_of(market(trade(40, SELL, 1001, 10)))
    at = int(np.flatnonzero(rows["exch_ts"] == START_NS + 40 * MS)[0])
    later = int(np.flatnonzero(rows["exch_ts"] == START_NS + 60 * MS)[0])
    moved = np.concatenate([rows[:at], rows[at + 1 : later + 1], rows[at : at + 1], rows[later + 1 :]])
    other = "local_ts" if field == "exch_ts" else "exch_ts"
    moved[other][later] = moved[other][later - 1]
    if field == "local_ts":
        moved["local_ts"][later] = rows["local_ts"][at]
        moved["exch_ts"] = np.maximum.accumulate(moved["exch_ts"])
    bare = Bare(moved)
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1001, 10)
    clock = clock_of(bare)

    assert clock != sorted(clock)
    assert f"row {later}: {field} must not fall" in refused(moved)


def test_hftbacktest_2_4_4_takes_files_in_any_order_and_we_refuse_the_wrong_one() -> None:
    rows = events_of(market())
    first, second = rows[:50].copy(), rows[50:].copy()
    bare = Bare(second, more=[first])
    clock = clock_of(bare)

    assert clock != sorted(clock)
    assert "file1: row 0: exch_ts must not fall" in refused(second, first)


def test_hftbacktest_2_4_4_shows_us_the_future_if_rows_arrive_before_they_happen_and_we_refuse_them() -> None:
    """The ask falls to 1001 at 40 ms; we know at 35 and sell to nobody yet at 1001."""
    rows = events_of(market(depth(40, SELL, 1001, 5)))
    rows["local_ts"] = rows["exch_ts"] - 5 * MS
    bare = Bare(rows)
    bare.until(36)

    assert bare.touch() == (1000, 1001)
    assert "feed latency (local_ts - exch_ts) must be > 0 ns, was -5000000" in refused(rows)


def test_hftbacktest_2_4_4_counts_a_trade_twice_if_the_depth_it_caused_comes_first_and_so_do_we() -> None:
    """Optimism that stays where a recording has that order: 50 stand ahead, 30 trade, and we are filled.

    The depth of 20 shortens the queue to 20, then the trade takes 30 more.
    """
    caused = market(trade(40, SELL, 1000, 30), depth(40, BUY, 1000, 20))
    right = events_of([row for row in caused if row.at_ms != 40 or row.price_ticks == 1000])
    at = np.flatnonzero(right["exch_ts"] == START_NS + 40 * MS)
    wrong = right.copy()
    wrong[at] = right[at[::-1]]
    statuses, filled = [], []
    for rows in (right, wrong):
        bare, play = Bare(rows), Play(rows)
        bare.until(SENT_MS)
        bare.send(BUY, 1, 1000, 10)
        bare.finish()
        statuses.append(int(bare.last[1]["status"]))
        play.until(SENT_MS)
        play.view.new_order(BUY, 0, 1000, 10)
        play.finish()
        filled.append(play.net_lots)

    assert (statuses, filled) == ([NEW, FILLED], [0, 10])


# --- numbers


def test_hftbacktest_2_4_4_merges_levels_of_a_finer_tick_and_we_refuse_them() -> None:
    """With a tick of 0.5 the bid of 100.0 and the ask of 100.2 are one price: the bid is gone, to that of 90.0."""
    rows = events_of(market())
    bare = Bare(rows, asset=asset_of().tick_size(0.5))
    bare.until(SENT_MS)

    assert bare.touch() == (180, 200)
    assert "price must be a multiple of 0.5" in refused(rows, tick_size=Decimal("0.5"))


def test_hftbacktest_2_4_4_drops_levels_of_a_finer_lot_and_we_refuse_them() -> None:
    rows = events_of(market())
    bare = Bare(rows, asset=asset_of().lot_size(1.0))
    bare.until(SENT_MS)

    assert bare.touch() is None, "0.05 and 0.06 are no lots of 1"
    assert "quantity must be a multiple of 1" in refused(rows, lot_size=Decimal(1))


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (float("nan"), "price must be finite, was nan"),
        (-1.0, "price must be >= 0.1, was -1.0"),
        (0.0, "price must be >= 0.1, was 0.0"),
    ],
)
def test_hftbacktest_2_4_4_takes_any_number_for_a_price_and_loses_the_best_bid_and_we_refuse_it(
    price: float, words: str
) -> None:
    """An ask at tick 0 or below crosses every bid: the next that is told, 900, becomes the best."""
    rows = events_of(market(depth(40, SELL, 1002, 5)))
    at = int(np.flatnonzero((rows["exch_ts"] == START_NS + 40 * MS) & (rows["px"] == 1002 * TICK))[0])
    rows["px"][at] = price
    bare = Bare(rows)
    bare.until(45)

    assert bare.touch() == (900, 1002)
    assert f"row {at}: {words}" in refused(rows)


@pytest.mark.parametrize(
    ("qty", "best", "words"),
    [(float("nan"), (1003, 90), "quantity must be finite"), (-1.0, (1002, 0), "quantity must be >= 0")],
)
def test_hftbacktest_2_4_4_takes_any_number_for_a_quantity_and_we_refuse_it(
    qty: float, best: tuple[int, int], words: str
) -> None:
    """NaN removes the level; a negative quantity leaves a best ask of nothing."""
    rows = events_of(market(depth(40, SELL, 1002, 5)))
    at = int(np.flatnonzero((rows["exch_ts"] == START_NS + 40 * MS) & (rows["px"] == 1002 * TICK))[0])
    rows["qty"][at] = qty
    bare = Bare(rows)
    bare.until(45)

    assert (bare.of_book("best_ask_tick"), lots_of(bare.of_book("best_ask_qty"))) == best
    assert f"row {at}: {words}" in refused(rows)


# --- its converters


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the converters do after parsing (and would compile): shifting and ordering rows."""
    for module in (binancefutures, bybithistmktdata, mexc):
        monkeypatch.setattr(module, "correct_local_timestamp", lambda rows, _base: rows)
        monkeypatch.setattr(module, "correct_event_order", lambda rows, *_: rows)
        monkeypatch.setattr(module, "validate_event_order", lambda rows: None)


@pytest.mark.usefixtures("plain")
def test_hftbacktest_2_4_4_converts_a_stream_with_a_hole_without_a_word_and_we_name_the_line(
    tmp_path: Path,
) -> None:
    path = record(
        tmp_path / "day.gz", [(1, depth_message(0, ids=(10, 12, 9))), (2, depth_message(1, ids=(20, 22, 19)))]
    )

    assert len(binancefutures.convert(str(path), buffer_size=10)) == 2
    (gap,) = convert("binance-usdm", [path], tmp_path / "out").gaps
    assert (gap.file, gap.line, gap.expected, gap.found) == ("day.gz", 2, 12, 19)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "data",
    [
        {
            "e": "depthUpdate",
            "E": T0_MS,
            "s": "BTCUSDT",
            "U": 10,
            "u": 12,
            "b": [["60000.1", "0.5"]],
            "a": [],
        },
        {"u": 400900217, "s": "BTCUSDT", "b": "25.35", "B": "31.2", "a": "25.36", "A": "40.6"},
    ],
    ids=["depth without T", "book ticker without e and T"],
)
def test_hftbacktest_2_4_4_fails_on_spot_streams_with_a_bare_key_and_we_say_where(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    path = record(
        tmp_path / "spot.gz", [(1, trade_message(0)), (2, json.dumps({"stream": "btcusdt@x", "data": data}))]
    )

    with pytest.raises(KeyError):
        binancefutures.convert(str(path), buffer_size=10)
    if "e" in data:
        with pytest.raises(
            DataError, match=r"spot\.gz:2: must be a complete message of the venue \(no field 'pu'\)"
        ):
            convert("binance-usdm", [path], tmp_path / "out")
    (made,) = convert("binance-spot", [path], tmp_path / "spot").files
    assert made.report.ignored == {}
    assert made.rows == (2 if "e" in data else 3), "a trade and a level, or a trade and both best levels"


@pytest.mark.usefixtures("plain")
def test_hftbacktest_2_4_4_rounds_receipt_times_of_mexc_to_256_ns_and_ours_are_exact(tmp_path: Path) -> None:
    deal = {
        "c": "spot@public.deals.v3.api@BTCUSDT",
        "t": T0_MS,
        "d": {"deals": [{"t": T0_MS, "p": "1", "v": "1"}]},
    }
    path = tmp_path / "mexc.gz"
    path.write_bytes(gzip.compress(f"{T0_NS + 1_000_001} {json.dumps(deal)}\n".encode()))
    (row,) = mexc.convert(str(path), buffer_size=10)
    ours = record(tmp_path / "ours.gz", [])
    ours.write_bytes(gzip.compress(f"{T0_NS + 1_000_001} {trade_message(0)}\n".encode()))
    (made,) = convert("binance-usdm", [ours], tmp_path / "out").files

    assert row["local_ts"] != T0_NS + 1_000_001
    assert row["local_ts"] % 256 == 0
    assert load_events(made.path)[0]["local_ts"] == T0_NS + 1_000_001
    assert not any("mexc" in name for name in CONVERTERS)


@pytest.mark.usefixtures("plain")
def test_hftbacktest_2_4_4_rounds_times_and_loses_the_snapshot_of_bybit_histories_and_we_refuse_its_rows(
    tmp_path: Path,
) -> None:
    """Levels of a snapshot get no side: the engine skips them."""
    snapshot = {"type": "snapshot", "ts": T0_MS, "data": {"b": [["60000.0", "1"]], "a": [["60000.1", "1"]]}}
    depth_file, trades_file = tmp_path / "depth.zip", tmp_path / "trades.csv.gz"
    with zipfile.ZipFile(depth_file, "w") as archive:
        archive.writestr("depth.data", json.dumps(snapshot))
    columns = (
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    )
    trades_file.write_bytes(
        gzip.compress(f"{columns}\n1723161256.123457,BTCUSDT,Buy,1,60000.1,,,,,\n".encode())
    )
    rows = bybithistmktdata.convert(str(depth_file), str(trades_file), buffer_size=10, feed_latency=1)
    levels = rows[rows["ev"] & np.uint64(0xFF) == DEPTH_SNAPSHOT_EVENT]
    wrong_ns = int(rows["exch_ts"][-1]) - 1_723_161_256_123_457_000
    rows["ev"] |= np.uint64(FLAGS)

    assert len(levels) == 2
    assert not (levels["ev"] & np.uint64(BUY_EVENT | SELL_EVENT)).any()
    assert 0 < abs(wrong_ns) < 256
    assert "row 1: ev must have one of the flags BUY" in refused(rows.copy())


TARDIS_ROW: Final = np.dtype(
    [
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("side", "i1"),
        ("is_snapshot", "i1"),
    ]
)


@pytest.mark.skipif(
    not COMPILED, reason="hftbacktest's tardis module cannot be imported with NUMBA_DISABLE_JIT=1"
)
def test_hftbacktest_2_4_4_cuts_snapshots_of_tardis_to_the_first_and_drops_the_last_and_ours_are_whole(
    tmp_path: Path,
) -> None:
    """Numbers of levels a side. Compiled, the arrays of 1 level take 3 unchecked, and 1 is written."""
    path = tmp_path / "binance-futures_incremental_book_L2_2024-08-08_BTCUSDT.csv.gz"
    path.write_bytes(gzip.compress(_tardis_book(1, 3, 2).encode()))
    (made,) = convert("tardis", [path], tmp_path / "out").files

    assert _tardis(2, 2) == [4], "the last one is lost"
    with pytest.raises(IndexError, match="index 1 is out of bounds for axis 0 with size 1"):
        _tardis(1, 3)
    assert _levels_of_snapshots(load_events(made.path)) == [2, 6, 4]


def _tardis_book(*snapshots: int) -> str:
    """Return a file of Tardis: snapshots of so many levels a side, each but the last followed by a change."""
    lines = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    for number, levels in enumerate(snapshots):
        at_us = T0_NS // 1_000 + 20 * number
        for side, sign in (("bid", -1), ("ask", 1)):
            prices = (60_000 + sign * (1 + level) for level in range(levels))
            lines += [
                f"binance-futures,BTCUSDT,{at_us},{at_us + 5},true,{side},{price},1" for price in prices
            ]
        if number < len(snapshots) - 1:
            lines.append(f"binance-futures,BTCUSDT,{at_us + 10},{at_us + 15},false,bid,59999,2")
    return "\n".join(lines) + "\n"


def _tardis(*snapshots: int) -> list[int]:
    """Run the converter's own loop as plain Python; a change of the book follows each snapshot but the last."""
    from hftbacktest.data.utils.tardis import _convert_depth

    found: list[tuple[int, int, float, float, int, int]] = []
    for at_ns, levels in zip(range(0, 100, 20), snapshots, strict=False):
        sides = [(side, level) for side in (1, -1) for level in range(levels)]
        found += [(at_ns, at_ns + 1, 60_000.0 - side * (1 + level), 1.0, side, 1) for side, level in sides]
        found.append((at_ns + 10, at_ns + 11, 59_999.0, 2.0, 1, 0))
    out, bids, asks = (np.zeros(50, event_dtype).view(np.recarray) for _ in range(3))
    count = _convert_depth.py_func(out, np.array(found[:-1], TARDIS_ROW), 0, bids, asks, 0)
    return _levels_of_snapshots(out[:count])


def _levels_of_snapshots(rows: Events) -> list[int]:
    """Return how many levels each snapshot has, one after another."""
    times = rows["exch_ts"][rows["ev"] & np.uint64(0xFF) == DEPTH_SNAPSHOT_EVENT]
    return [int(count) for count in np.unique(times, return_counts=True)[1]]
