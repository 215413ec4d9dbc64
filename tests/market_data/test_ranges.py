"""Data by range: cut exactly, with the book that the whole stream had at the start."""

import shutil
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_platform.config.times import parse_time_ns, time_text
from trading_platform.data.catalog import RangeData, find_files, read_range
from trading_platform.data.catalog.describe import picture
from trading_platform.data.catalog.ranges import cut_row
from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH_FLAG,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)
from trading_platform.data.files import load_events
from trading_platform.data.snapshot import Book, Grid
from trading_platform.data.synth import synthesize
from trading_platform.model.errors import DataError

from .builders import BOTH, rows_of, small_market
from .catalogue import INSTRUMENT, VENUE, PlainBook, put, replay

DAY: Final = "2024-08-08"
MIDNIGHT_NS: Final = parse_time_ns("2024-08-09", "midnight")
S: Final = 10**9
GRID: Final = Grid.of(Decimal("0.1"), Decimal(1))


def read(root: Path, start_ns: int, end_ns: int) -> RangeData:
    return read_range(root, VENUE, INSTRUMENT, start_ns, end_ns)


def local_ns(rows: EventArray) -> np.ndarray:
    return rows["local_ts"][(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]


def market(start_ns: int, count: int = 40, *, snapshot: bool = False) -> EventArray:
    """Return depth of both sides and trades, 1 ms apart; with a snapshot of both sides first."""
    rows = []
    if snapshot:
        rows += [(DEPTH_CLEAR | BOTH, start_ns, start_ns + 1, 0.0, 0.0)]
        rows += [(DEPTH_SNAPSHOT | BUY_FLAG | BOTH, start_ns, start_ns + 1, 90.0, 1.0)]
        rows += [(DEPTH_SNAPSHOT | SELL_FLAG | BOTH, start_ns, start_ns + 1, 110.0, 1.0)]
    kinds = (DEPTH | BUY_FLAG, DEPTH | SELL_FLAG, TRADE | BUY_FLAG)
    for number in range(1, count):
        price = (99.0, 101.0, 100.0)[number % 3] + (number % 5) / 10
        at_ns = start_ns + number * 10**6
        rows.append((kinds[number % 3] | BOTH, at_ns, at_ns + 10**5, price, 1.0 + number % 4))
    return rows_of(*rows)


# --- the border ---


@given(
    flags=st.lists(st.sampled_from((LOCAL_FLAG, EXCH_FLAG, BOTH)), max_size=40),
    steps=st.lists(st.integers(0, 2), min_size=40, max_size=40),
    at=st.integers(0, 90),
)
def test_a_file_is_cut_in_front_of_the_first_row_received_then(
    flags: list[int], steps: list[int], at: int
) -> None:
    times = np.cumsum(steps[: len(flags)]) + 1
    # the local time of an EXCH half is that of a row still to come: it must not be looked at
    rows = rows_of(
        *(
            (DEPTH | BUY_FLAG | flag, 1, int(ns) if flag & LOCAL_FLAG else 1_000, 100.0, 1.0)
            for flag, ns in zip(flags, times, strict=True)
        )
    )
    due = [n for n, flag in enumerate(flags) if flag & LOCAL_FLAG and times[n] >= at]
    first = [n for n, flag in enumerate(flags) if flag & LOCAL_FLAG][:1]
    expected = len(rows) if not due else 0 if due[:1] == first else due[0]

    assert cut_row(rows, at) == expected


def test_consecutive_ranges_hold_each_row_once_and_copy_none(coinm_catalogue: Path) -> None:
    files = find_files(coinm_catalogue)
    rows = [load_events(file.path) for file in files]
    first, last = int(local_ns(rows[0])[0]), int(local_ns(rows[1])[-1])
    borders = [first, *(first + (last - first) * part // 7 for part in range(1, 7)), last + 1]
    ranges = [read(coinm_catalogue, a, b) for a, b in pairwise(borders)]

    days = [day for cut in ranges for day in cut.days]
    assert b"".join(day.rows.tobytes() for day in days) == b"".join(part.tobytes() for part in rows)
    for cut, start_ns, end_ns in zip(ranges, borders, borders[1:], strict=False):
        seen = np.concatenate([local_ns(day.rows) for day in cut.days])
        assert start_ns <= seen.min() <= seen.max() < end_ns
        assert all(isinstance(day.rows.base, np.memmap) for day in cut.days)
        assert sum(len(array) for _, array in cut.arrays()) == sum(len(day.rows) for day in cut.days) + (
            len(cut.book.corrections) if cut.book is not None else 0
        )


# --- the book at the start ---


def test_a_range_cut_at_the_border_of_two_files_starts_from_the_equal_book(coinm_catalogue: Path) -> None:
    """The second file has no snapshot: level by level the book is that of the whole stream then, on both sides."""
    first, second = (load_events(file.path) for file in find_files(coinm_catalogue))
    cut = read(coinm_catalogue, int(local_ns(second)[0]), int(local_ns(second)[-1]) + 1)

    assert cut.book is not None
    assert [day.file.day for day in cut.days] == ["2024-08-09"]
    for flag, rows in (
        (LOCAL_FLAG, [cut.book.snapshot]),
        (EXCH_FLAG, [cut.book.snapshot, cut.book.corrections]),
    ):
        whole, plain = Book(GRID, flag), PlainBook()
        whole.fold(first)
        for part in rows:
            plain.add_rows(part, flag)
        assert len(plain.bids) > 900
        for side, found in ((whole.bids, plain.bids), (whole.asks, plain.asks)):
            assert dict(zip(side.ticks.tolist(), side.lots.tolist(), strict=True)) == found


@pytest.mark.parametrize("offset_s", [-60, 0, 55])
def test_the_book_of_a_range_is_that_of_the_whole_run_at_each_wakeup(
    coinm_catalogue: Path, offset_s: int
) -> None:
    """Through the engine: all levels within 100 ticks of the touch, at every wakeup of 9 seconds."""
    files = find_files(coinm_catalogue)
    border_ns = files[1].output.first_local_ns
    start_ns = border_ns + offset_s * S
    cut = read(coinm_catalogue, start_ns, start_ns + 9 * S)
    assert cut.book is not None
    near = cut.book.snapshot["px"][1]
    ticks = range(round(near * 10) - 100, round(near * 10) + 100)
    whole = read(coinm_catalogue, files[0].output.first_local_ns, start_ns + 9 * S)
    assert whole.book is None

    expected = list(replay([rows for _, rows in whole.arrays()], None, ticks, from_ns=start_ns))
    found = list(replay([rows for _, rows in cut.arrays()], cut.book.snapshot, ticks))

    assert len(found) > 200
    assert found == expected


def test_a_file_that_starts_with_its_snapshot_needs_no_book(tmp_path: Path) -> None:
    put(tmp_path, market(MIDNIGHT_NS - S))
    put(tmp_path, market(MIDNIGHT_NS + S, snapshot=True))
    assert read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + 2 * S).book is None

    within = read(tmp_path, MIDNIGHT_NS + S + 2 * 10**7, MIDNIGHT_NS + 2 * S)
    assert [(part.file.day, part.end_row) for part in within.history] == [
        ("2024-08-09", within.days[0].first_row)
    ]


def test_the_book_reaches_back_to_the_last_file_with_a_snapshot_and_over_no_missing_day(
    tmp_path: Path,
) -> None:
    day_ns = 86_400 * S
    for number, with_snapshot in ((-4, True), (-3, True), (-2, False), (-1, False)):
        put(tmp_path, market(MIDNIGHT_NS + number * day_ns, snapshot=with_snapshot))
    days = [f"2024-08-0{number}" for number in (5, 6, 7, 8)]
    last = read(tmp_path, MIDNIGHT_NS - day_ns, MIDNIGHT_NS)
    assert [part.file.day for part in last.history] == days[1:3]

    shutil.rmtree(tmp_path / VENUE / INSTRUMENT / days[2])
    assert read(tmp_path, MIDNIGHT_NS - day_ns, MIDNIGHT_NS).book is None


def test_what_overtook_on_its_way_to_us_is_in_the_venues_book_alone(tmp_path: Path) -> None:
    """The array for the engine starts with the correction, and has rows for both sides."""
    t = MIDNIGHT_NS
    rows = rows_of(
        (DEPTH | BUY_FLAG | BOTH, t, t + 10, 100.0, 1.0),
        (DEPTH | SELL_FLAG | BOTH, t, t + 10, 100.2, 1.0),
        (DEPTH | BUY_FLAG | EXCH_FLAG, t + 1, t + 30, 99.9, 7.0),
        (DEPTH | BUY_FLAG | BOTH, t + 2, t + 20, 99.8, 9.0),
        (DEPTH | BUY_FLAG | LOCAL_FLAG, t + 1, t + 30, 99.9, 7.0),
        (DEPTH | BUY_FLAG | BOTH, t + 40, t + 50, 99.7, 2.0),
        (DEPTH | BUY_FLAG | BOTH, t + 60, t + 70, 99.6, 2.0),
    )
    put(tmp_path, rows)
    cut = read(tmp_path, t + 25, t + 100)

    assert cut.book is not None
    assert [(row["px"], row["qty"]) for row in cut.book.corrections] == [(99.9, 7.0)]
    arrays = [array for _, array in cut.arrays()]
    assert [len(array) for array in arrays] == [3, 1]
    assert [(row["px"], int(row["ev"]) & BOTH) for row in arrays[0]] == [
        (99.9, EXCH_FLAG),
        (99.9, LOCAL_FLAG),
        (99.7, BOTH),
    ]
    seen = [bids for _, bids, _ in replay(arrays, cut.book.snapshot, range(990, 1010))]
    assert seen[0] == [(1000, 1), (999, 7), (998, 9)]


def test_a_range_of_the_synthetic_market_equals_the_whole_run(tmp_path: Path) -> None:
    """With trades and depth that overtake each other, cut at times that nothing else depends on."""
    start_ns = MIDNIGHT_NS + S
    put(tmp_path, synthesize(11, start_ns, 20 * S), lot="0.001")
    whole = read(tmp_path, MIDNIGHT_NS, start_ns + 100 * S)
    ticks = range(599_900, 600_100)
    expected = list(replay([rows for _, rows in whole.arrays()], None, ticks, 0.001))
    for after_ns in (7 * S + 123_456_789, 13 * S):
        cut = read(tmp_path, start_ns + after_ns, start_ns + 100 * S)
        assert cut.book is not None
        found = list(replay([rows for _, rows in cut.arrays()], cut.book.snapshot, ticks, 0.001))
        assert len(found) > 100
        assert found == [seen for seen in expected if seen[0] >= start_ns + after_ns], f"seed 11, {after_ns}"


# --- refusals ---


def test_missing_days_are_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    for number in (0, 1, 4):
        put(tmp_path, market(MIDNIGHT_NS + number * 86_400 * S))
    with pytest.raises(DataError) as caught:
        read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + 6 * 86_400 * S)
    assert "has none of 2024-08-11 to 2024-08-12, 2024-08-14" in str(caught.value)
    assert "there is 2024-08-09 to 2024-08-10, 2024-08-13" in str(caught.value)


def test_a_range_without_rows_tells_the_times_there_are(tmp_path: Path) -> None:
    rows = market(MIDNIGHT_NS)
    put(tmp_path, rows)
    with pytest.raises(DataError) as caught:
        read(tmp_path, MIDNIGHT_NS + S, MIDNIGHT_NS + 2 * S)
    first, last = (time_text(int(ns)) for ns in local_ns(rows)[[0, -1]])
    assert f"has none: it has {first} to {last}" in str(caught.value)


def test_an_unknown_instrument_lists_the_known_ones(tmp_path: Path) -> None:
    put(tmp_path, market(MIDNIGHT_NS))
    with pytest.raises(DataError, match=f"there is: {VENUE}/{INSTRUMENT}"):
        read_range(tmp_path, VENUE, "ETHUSD_PERP", MIDNIGHT_NS, MIDNIGHT_NS + S)
    with pytest.raises(DataError, match="must be the directory of a catalogue, was absent"):
        read_range(tmp_path / "none", VENUE, INSTRUMENT, MIDNIGHT_NS, MIDNIGHT_NS + S)


def test_a_file_that_changed_since_its_manifest_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, market(MIDNIGHT_NS))
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"sha256 must be .* as in its manifest, was"):
        read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + S)


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    put(tmp_path, market(MIDNIGHT_NS))
    put(tmp_path, market(MIDNIGHT_NS + 10**7), stem="other")
    with pytest.raises(DataError, match=r"must start when .*rows\.npy ends .*keep one of the two"):
        read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + S)


def test_files_that_overlap_elsewhere_do_no_harm(tmp_path: Path) -> None:
    """A recording that is twice on one day does not take the other days away."""
    put(tmp_path, market(MIDNIGHT_NS - 10 * S, snapshot=True), stem="a")
    put(tmp_path, market(MIDNIGHT_NS - 10 * S + 5_000_000), stem="b")
    put(tmp_path, market(MIDNIGHT_NS + S, snapshot=True), stem="c")

    found = read(tmp_path, MIDNIGHT_NS + S, MIDNIGHT_NS + 2 * S)

    assert [day.file.path.name for day in found.days] == ["c.npy"]
    with pytest.raises(DataError, match=r"b.npy: must start when .*a.npy ends"):
        read(tmp_path, MIDNIGHT_NS - 10 * S, MIDNIGHT_NS)


@pytest.mark.parametrize(
    ("changes", "tick", "words"),
    [
        ({}, "0.01", "tick_size must be 0.1 as in the manifest of .* (given), was 0.01"),
        ({"grid": "derived"}, "0.05", ""),
        ({"grid": "derived"}, "0.2", ""),
    ],
)
def test_the_grid_of_a_run_must_fit_the_manifest(
    tmp_path: Path, changes: dict[str, object], tick: str, words: str
) -> None:
    """A given step is the true one; a derived one is a guess, and the rows are checked against the run's grid."""
    put(tmp_path, market(MIDNIGHT_NS), **changes)
    wanted = (Decimal(tick), Decimal(1))
    if not words:
        assert read_range(tmp_path, VENUE, INSTRUMENT, MIDNIGHT_NS, MIDNIGHT_NS + S, grid=wanted).days
        return
    with pytest.raises(DataError, match=words.replace("(", r"\(").replace(")", r"\)")):
        read_range(tmp_path, VENUE, INSTRUMENT, MIDNIGHT_NS, MIDNIGHT_NS + S, grid=wanted)


def test_broken_manifests_are_told_with_their_path(tmp_path: Path) -> None:
    path = put(tmp_path, small_market(), day=DAY)
    manifest = path.with_suffix(".json")
    for text, words in (
        ("{", "must be a manifest in JSON"),
        (
            '{"schema": "trading-platform/market-data/1"}',
            "schema must be 'trading-platform/market-data/2', was",
        ),
        ('{"schema": "trading-platform/market-data/2"}', "keys must be .*'output'"),
    ):
        manifest.write_text(text)
        with pytest.raises(DataError, match=words) as caught:
            read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + S)
        assert str(manifest) in str(caught.value)
    manifest.unlink()
    with pytest.raises(DataError, match="must be a readable manifest"):
        read(tmp_path, MIDNIGHT_NS, MIDNIGHT_NS + S)


# --- a picture of the price ---


def test_a_picture_goes_from_the_lowest_to_the_highest_price() -> None:
    assert picture([1.0, 2.0, np.nan, 3.0], 2) == ["3    ⡇", "1 ⡀⡇ ⡇"]
    assert picture([5.0, 5.0], 4) == ["5 ⡀⡀"]
    assert picture([np.nan], 4) == []
