"""Rows stand in the order of both clocks, whole or over several files."""

from itertools import pairwise

import numpy as np
import pytest

from trading_platform.data.events import BUY_FLAG, DEPTH, EVENT, EXCH_FLAG, LOCAL_FLAG, EventArray
from trading_platform.data.order import NO_ROWS, StreamOrder, split_event_order, split_parts
from trading_platform.model.errors import DataError

from .builders import BOTH, T0_NS, columns, rows_of, small_market


def random_rows(seed: int, count: int) -> EventArray:
    """Return rows in order of receipt, with ties on both clocks and many late ones."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, EVENT)
    rows["ev"] = DEPTH | BUY_FLAG
    rows["local_ts"] = T0_NS + np.sort(rng.integers(0, count // 2 + 2, count)) + 40
    rows["exch_ts"] = rows["local_ts"] - rng.integers(1, 40, count) // 4 * 4
    rows["qty"] = np.arange(count)
    return rows


def merge_row_by_row(rows: EventArray) -> list[tuple[int, float]]:
    """Return (flags, quantity) of each row of the answer: two sorted lists, the smaller head first."""
    by_exch = sorted(range(len(rows)), key=lambda at: (rows["exch_ts"][at], at))
    by_local = list(range(len(rows)))
    woven: list[tuple[int, float]] = []

    def key(at: int) -> tuple[int, int]:
        return int(rows["exch_ts"][at]), int(rows["local_ts"][at])

    while by_exch or by_local:
        if by_exch and by_local and key(by_exch[0]) == key(by_local[0]):
            assert by_exch[0] == by_local[0]
            woven.append((BOTH, by_exch.pop(0)))
            by_local.pop(0)
        elif by_exch and (not by_local or key(by_exch[0]) < key(by_local[0])):
            woven.append((EXCH_FLAG, by_exch.pop(0)))
        else:
            woven.append((LOCAL_FLAG, by_local.pop(0)))
    return woven


@pytest.mark.parametrize("seed", range(20))
def test_order_is_that_of_a_merge_row_by_row(seed: int) -> None:
    rows = random_rows(seed, 200)
    expected = merge_row_by_row(rows)

    ordered, left = split_event_order(rows)

    assert [(int(row["ev"]) & BOTH, row["qty"]) for row in ordered] == expected, f"seed {seed}"
    assert len(left) == 0


@pytest.mark.parametrize("seed", range(20))
def test_files_of_a_stream_read_like_the_whole_stream(seed: int) -> None:
    """A row may be older than rows of an earlier file: its EXCH half must not come too late."""
    rows = random_rows(seed, 300)
    rng = np.random.default_rng(seed)
    cuts = [0, *sorted(rng.integers(1, 299, 3).tolist()), 300]
    pieces = [rows[start:stop] for start, stop in pairwise(cuts) if stop > start]
    whole, _ = split_event_order(rows)

    carried, made = NO_ROWS, []
    for at, piece in enumerate(pieces):
        later = [int(after["exch_ts"].min()) for after in pieces[at + 1 :]]
        ordered, carried = split_event_order(piece, carried, min(later, default=1 << 62))
        made.append(ordered)
    together = np.concatenate(made)

    assert len(carried) == 0
    for flag in (EXCH_FLAG, LOCAL_FLAG):
        assert columns(together, flag) == columns(whole, flag), f"seed {seed}"
    assert [len(columns(part, LOCAL_FLAG)) for part in made] == [len(piece) for piece in pieces]


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_in_pieces_is_ordered_byte_for_byte_like_the_whole(seed: int) -> None:
    rows = random_rows(seed, 300)
    rng = np.random.default_rng(seed)
    cuts = [0, *sorted(rng.integers(0, 300, 7).tolist()), 300]
    whole, _ = split_event_order(rows)

    order, made = StreamOrder(), []
    for start, stop in pairwise(cuts):
        later = int(rows["exch_ts"][stop:].min()) if stop < 300 else 1 << 62
        made.append(order.push(rows[start:stop].copy(), later))
        newest = np.maximum.accumulate(rows["exch_ts"][:stop])
        assert order.held_rows == int((newest > later).sum()), f"seed {seed}"
    made.append(order.end(NO_ROWS, 1 << 62))

    assert np.concatenate(made).tobytes() == whole.tobytes(), f"seed {seed}"
    assert (order.held_rows, len(order.carried)) == (0, 0)


def test_rows_in_order_of_both_clocks_stay_as_they_are() -> None:
    rows = small_market(6)
    rows["ev"] &= np.uint64(~BOTH & 0xFFFFFFFF)

    ordered, _ = split_event_order(rows)

    assert ordered.tobytes() == small_market(6).tobytes()


def test_no_rows_give_no_rows() -> None:
    ordered, left = split_event_order(NO_ROWS)
    assert (len(ordered), len(left)) == (0, 0)


def test_falling_receipt_time_is_refused() -> None:
    with pytest.raises(DataError, match="falls at row 2"):
        split_event_order(small_market(4)[[0, 2, 1, 3]])


@pytest.mark.parametrize("seed", range(10))
def test_parts_never_share_a_timestamp_of_one_clock(seed: int) -> None:
    rows, _ = split_event_order(random_rows(seed, 400))

    parts = split_parts(rows, 4)

    assert np.concatenate(parts).tobytes() == rows.tobytes()
    for before, after in pairwise(parts):
        for field, flag in (("exch_ts", EXCH_FLAG), ("local_ts", LOCAL_FLAG)):
            ends = before[field][(before["ev"] & np.uint64(flag)) != 0]
            begins = after[field][(after["ev"] & np.uint64(flag)) != 0]
            assert ends.max() < begins.min(), f"seed {seed}"


def test_parts_are_of_similar_length() -> None:
    assert [len(part) for part in split_parts(small_market(99), 3)] == [33, 33, 33]


def test_rows_of_one_timestamp_cannot_be_cut() -> None:
    same = rows_of(*[(DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 1.0, 1.0)] * 5)

    assert len(split_parts(same, 1)) == 1
    with pytest.raises(DataError, match="parts must be at most 1, was 2"):
        split_parts(same, 2)
    with pytest.raises(DataError, match="parts must be 1 to the number of rows"):
        split_parts(same, 0)
