"""Bars of event files: lineage, the touch in force, files and rows cut anywhere, and what is refused."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from market_data.builders import BOTH, T0_NS, rows_of

from trading_platform.core.bars.read import mean_spread_ticks, vwap_ticks
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.data.bars import BarStream, make_bars
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    KIND_MASK,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.files import load_events, save_events
from trading_platform.data.touch import TouchBook, apply_row, ask_ticks, bid_ticks
from trading_platform.model.enums import BarClose
from trading_platform.model.errors import DataError
from trading_platform.report.bar_table import bars_frame, load_bars, save_bars

from .builders import SPECS, fields

GRID = BarGrid(Decimal("0.1"), Decimal("0.001"))
BID, ASK = DEPTH | BUY_FLAG | BOTH, DEPTH | SELL_FLAG | BOTH
BOUGHT, SOLD = TRADE | BUY_FLAG | BOTH, TRADE | SELL_FLAG | BOTH


def rows_at(*rows: tuple[int, int, float, float]) -> EventArray:
    """Return rows of (ms, ev, price, quantity)."""
    return rows_of(*((ev, T0_NS + ms * 10**6, T0_NS + ms * 10**6 + 1, px, qty) for ms, ev, px, qty in rows))


MARKET = rows_at(
    (0, BID, 100.0, 1),
    (0, ASK, 100.2, 1),
    (0, SOLD, 100.0, 0.5),  # in the block that brings the book: nothing was in force yet
    (1, BOUGHT, 100.2, 0.25),
    (2, BID, 100.1, 1),
    (2, BOUGHT, 100.2, 1),  # the touch of this block counts from the next one on
    (3, SOLD, 100.1, 2),
)


def test_a_trade_meets_the_touch_of_the_block_before() -> None:
    stream = BarStream(BarSpec("tick", 1), GRID)
    bars = stream.add_rows(MARKET)
    assert fields(bars, "open_mid_halfticks", "close_mid_halfticks", "spread_sum_ticks", "quoted_trades") == [
        (0, 0, 0, 0),
        (2002, 2002, 2, 1),
        (2002, 2002, 2, 1),
        (2003, 2003, 1, 1),
    ]


def test_mean_spread_and_vwap_are_quotients_of_the_sums() -> None:
    (bar,) = BarStream(BarSpec("tick", 4), GRID).add_rows(MARKET)
    assert mean_spread_ticks(bar) == (2 + 2 + 1) / 3
    assert vwap_ticks(bar) == (1000 * 500 + 1002 * 250 + 1002 * 1000 + 1001 * 2000) / 3750
    (first,) = BarStream(BarSpec("tick", 1), GRID).add_rows(MARKET[:3])
    assert np.isnan(mean_spread_ticks(first))


def test_rows_that_we_did_not_see_are_no_trades() -> None:
    rows = MARKET.copy()
    rows["ev"][3] &= np.uint64(~LOCAL_FLAG & 0xFFFFFFFF)
    bars = BarStream(BarSpec("tick", 1), GRID).add_rows(rows)
    assert fields(bars, "first_trade", "volume_lots") == [(0, 500), (1, 1000), (2, 2000)]


@pytest.mark.parametrize(
    "spec", [SPECS["time"], BarSpec("volume", 2), SPECS["tick-run"]], ids=["time", "volume", "tick-run"]
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 3_000), max_size=6))
def test_rows_cut_anywhere_give_the_bars_of_the_whole(
    slice_file: Path, spec: BarSpec, cuts: list[int]
) -> None:
    """Within a block of one timestamp too: the touch counts when the block is over."""
    rows = load_events(slice_file)[:3_000]
    whole = BarStream(spec, GRID).add_rows(rows)
    stream, edges = BarStream(spec, GRID), sorted([0, *cuts, len(rows)])
    pieces = [stream.add_rows(rows[first:last]) for first, last in pairwise(edges)]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert len(whole) > 0


def test_files_of_a_stream_give_the_bars_of_one_file_and_their_rows(slice_file: Path, tmp_path: Path) -> None:
    rows, spec = load_events(slice_file), BarSpec("volume", "0.5")
    whole = make_bars(spec, GRID, [slice_file])
    parts = [tmp_path / f"{number}.npy" for number in range(3)]
    for path, part in zip(parts, np.array_split(rows, 3), strict=True):
        save_events(path, np.ascontiguousarray(part))
    seen = list[tuple[int, int]]()
    pieces = make_bars(spec, GRID, parts, progress=lambda done, total: seen.append((done, total)))

    assert pieces.bars.tobytes() == whole.bars.tobytes()
    assert pieces.first_row.tolist() == whole.first_row.tolist()
    assert seen == [(4000, 12_000), (8000, 12_000), (12_000, 12_000)]
    firsts = rows[whole.first_row]
    assert ((firsts["ev"] & KIND_MASK) == TRADE).all()
    assert (np.round(firsts["px"] * 10) == whole.bars["open_ticks"]).all()
    assert (firsts["local_ts"] == whole.bars["start_ns"]).all()
    assert (rows["local_ts"][whole.last_row] == whole.bars["end_ns"]).all()


def test_the_clock_of_the_last_row_closes_a_time_bar_and_an_open_one_is_told(tmp_path: Path) -> None:
    late = rows_at((1500, BID, 100.0, 2))
    save_events(tmp_path / "a.npy", MARKET)
    save_events(tmp_path / "b.npy", np.concatenate([MARKET, late]))
    first = make_bars(BarSpec("time", 1), GRID, [tmp_path / "a.npy"])
    second = make_bars(BarSpec("time", 1), GRID, [tmp_path / "b.npy"])
    assert (len(first.bars), first.open_trades, first.trades, first.rows) == (0, 4, 4, 7)
    assert (len(second.bars), second.open_trades, second.rows) == (1, 0, 8)
    assert second.bars["reason"].tolist() == [BarClose.SIZE]


def test_files_out_of_order_are_refused_by_name_and_row(tmp_path: Path) -> None:
    save_events(tmp_path / "late.npy", rows_at((9, BOUGHT, 100.0, 1)))
    save_events(tmp_path / "early.npy", rows_at((5, BOUGHT, 100.0, 1)))
    with pytest.raises(
        DataError, match=r"early.npy: from row 1 of all files on: row 0: local_ts must not fall"
    ):
        make_bars(BarSpec("tick", 9), GRID, [tmp_path / "late.npy", tmp_path / "early.npy"])


def test_a_trade_of_nothing_is_refused_and_a_row_off_the_grid_too(tmp_path: Path) -> None:
    save_events(tmp_path / "nothing.npy", rows_at((1, BOUGHT, 100.0, 1), (2, SOLD, 100.0, 0)))
    with pytest.raises(DataError, match=r"nothing.npy: .* row 1: a trade must have a quantity > 0"):
        make_bars(BarSpec("tick", 9), GRID, [tmp_path / "nothing.npy"])
    save_events(tmp_path / "off.npy", rows_at((1, BOUGHT, 100.05, 1)))
    with pytest.raises(DataError, match=r"off.npy: row 0: price must be a multiple of 0.1, was 100.05"):
        make_bars(BarSpec("tick", 9), GRID, [tmp_path / "off.npy"])


def test_a_trade_row_without_a_side_is_no_sale() -> None:
    rows = rows_at((0, BOUGHT, 100.2, 0.5), (1, TRADE | BOTH, 100.2, 0.5))
    stream = BarStream(BarSpec("tick", 2), GRID)
    with pytest.raises(DataError, match="row 1: a trade must have the side of its taker, had neither flag"):
        stream.add_rows(rows)
    assert stream.trade_count == 1


def test_the_table_says_bars_in_human_units(tmp_path: Path) -> None:
    save_events(tmp_path / "market.npy", MARKET)
    made = make_bars(BarSpec("tick", 2), GRID, [tmp_path / "market.npy"])
    first = bars_frame(made).row(0, named=True)
    assert first["kind"] == "TICK"
    assert first["reason"] == "SIZE"
    assert [first[name] for name in ("open", "high", "low", "close")] == [100.0, 100.2, 100.0, 100.2]
    assert [first[name] for name in ("volume", "buy_volume", "sell_volume")] == [0.75, 0.25, 0.5]
    assert first["notional"] == pytest.approx(100.0 * 0.5 + 100.2 * 0.25, abs=1e-12)
    assert first["vwap"] == pytest.approx(first["notional"] / 0.75, abs=1e-10)
    assert (first["open_mid"], first["close_mid"], first["mean_spread"]) == (None, 100.1, 0.2)
    assert (first["first_row"], first["last_row"], first["bricks"]) == (2, 3, None)
    assert first["start"].isoformat() == "2024-08-08T23:54:16+00:00"


def test_records_and_tables_are_written_whole_and_read_back(slice_file: Path, tmp_path: Path) -> None:
    made = make_bars(BarSpec("volume", 1), GRID, [slice_file])
    for name in ("bars.npy", "bars.parquet"):
        save_bars(tmp_path / name, made)
        before = (tmp_path / name).read_bytes()
        save_bars(tmp_path / name, made)  # the same content is no conflict
        assert (tmp_path / name).read_bytes() == before
        with pytest.raises(DataError, match="exists with other content and was kept"):
            save_bars(tmp_path / name, make_bars(BarSpec("volume", 2), GRID, [slice_file]))
    assert load_bars(tmp_path / "bars.npy").tobytes() == made.bars.tobytes()
    assert pl.read_parquet(tmp_path / "bars.parquet").equals(bars_frame(made))
    with pytest.raises(DataError, match=r"must be a one-dimensional array of BAR records"):
        load_bars(slice_file)
    with pytest.raises(DataError, match=r"must be a complete .npy file of bars"):
        load_bars(tmp_path / "bars.parquet")


def test_an_inverse_contract_has_its_notional_in_contracts(tmp_path: Path) -> None:
    save_events(tmp_path / "market.npy", MARKET)
    grid = BarGrid(Decimal("0.1"), Decimal("0.001"), contract_size=Decimal(100), inverse=True)
    frame = bars_frame(make_bars(BarSpec("notional", 75), grid, [tmp_path / "market.npy"]))
    assert frame["notional"].to_list() == [75.0, 100.0, 200.0]


# --- the touch


def touch_after(*rows: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return best bid and ask after rows of (kind, side, ticks, lots)."""
    book = TouchBook()
    for row in rows:
        book.reserve(1)
        apply_row(book.record[0], book.keys, book.lots, *row)
    return bid_ticks(book.record[0]), ask_ticks(book.record[0])


BOOK = ((DEPTH, 1, 100, 1), (DEPTH, 1, 98, 1), (DEPTH, -1, 103, 1), (DEPTH, -1, 105, 1))


@pytest.mark.parametrize(
    ("rows", "touch"),
    [
        ((), (0, 0)),
        (BOOK, (100, 103)),
        ((*BOOK, (DEPTH, 1, 100, 0)), (98, 103)),
        ((*BOOK, (DEPTH, 1, 98, 0)), (100, 103)),
        ((*BOOK, (DEPTH, 1, 99, 0)), (100, 103)),
        ((*BOOK, (DEPTH, 1, 100, 0), (DEPTH, 1, 98, 0)), (0, 103)),
        ((*BOOK, (DEPTH, 1, 100, 0), (DEPTH, 1, 98, 0), (DEPTH, 1, 97, 5)), (97, 103)),
        ((*BOOK, (DEPTH_SNAPSHOT, -1, 101, 2)), (100, 101)),
        ((*BOOK, (DEPTH, 1, 104, 1)), (104, 105)),  # crosses: 103 gives way, though nobody said it is gone
        ((*BOOK, (DEPTH, -1, 99, 1)), (98, 99)),
        ((*BOOK, (DEPTH, 1, 106, 1)), (106, 0)),
        ((*BOOK, (DEPTH_CLEAR, 1, 99, 0)), (98, 103)),
        ((*BOOK, (DEPTH_CLEAR, 1, 98, 0)), (0, 103)),
        ((*BOOK, (DEPTH_CLEAR, -1, 104, 0)), (100, 105)),
        ((*BOOK, (DEPTH_CLEAR, 0, 0, 0)), (0, 0)),
        ((*BOOK, (DEPTH_CLEAR, 0, 0, 0), (DEPTH, -1, 200, 1)), (0, 200)),
    ],
)
def test_touch_by_hand(rows: tuple[tuple[int, int, int, int], ...], touch: tuple[int, int]) -> None:
    assert touch_after(*rows) == touch


def test_the_table_of_levels_grows_and_lets_empty_ones_go() -> None:
    book = TouchBook()
    for start in range(0, 12_000, 1_000):
        book.reserve(2_000)
        for ticks in range(start + 1, start + 1_001):
            apply_row(book.record[0], book.keys, book.lots, DEPTH, 1, ticks, 1)
            apply_row(book.record[0], book.keys, book.lots, DEPTH, 1, ticks, 0 if ticks % 100 else 2)
    assert bid_ticks(book.record[0]) == 12_000
    assert 2 * book.record[0]["used"] <= len(book.keys) <= 1 << 14  # all 12,000 need twice as many
    assert (book.lots > 0).sum() == 120
