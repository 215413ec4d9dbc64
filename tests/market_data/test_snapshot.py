"""The book at a row: against a book written in plain Python, and against the engine's."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_platform.data import snapshot
from trading_platform.data.catalog import find_files
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
from trading_platform.data.files import load_events, save_events
from trading_platform.data.snapshot import Book, BookInput, Grid, StartBook, build_book, start_book
from trading_platform.data.synth import synthesize
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import DataError

from .builders import BOTH, T0_NS, rows_of
from .catalogue import PlainBook

GRID = Grid.of(Decimal("0.1"), Decimal(1))
SIDES = (BUY_FLAG, SELL_FLAG)
ROWS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((DEPTH, DEPTH_SNAPSHOT, TRADE)), st.sampled_from(SIDES)).map(
            lambda kind: kind[0] | kind[1]
        ),
        st.sampled_from((DEPTH_CLEAR, DEPTH_CLEAR | BUY_FLAG, DEPTH_CLEAR | SELL_FLAG)),
    ).flatmap(
        lambda ev: st.tuples(
            st.just(ev), st.sampled_from((LOCAL_FLAG, EXCH_FLAG, BOTH)), st.integers(1, 12), st.integers(0, 3)
        )
    ),
    max_size=60,
)


def rows_from(drawn: list[tuple[int, int, int, int]]) -> EventArray:
    return rows_of(
        *(
            (ev | flags, T0_NS + number, T0_NS + 10 + number, tick / 10, float(lots))
            for number, (ev, flags, tick, lots) in enumerate(drawn)
        )
    )


def levels(book: Book) -> tuple[dict[int, int], dict[int, int]]:
    sides = (book.bids, book.asks)
    bids, asks = (dict(zip(side.ticks.tolist(), side.lots.tolist(), strict=True)) for side in sides)
    return bids, asks


def test_ticks_far_apart_give_the_same_book_as_near_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.array(synthesize(3, T0_NS, 3 * 10**9))
    books = []
    for dense_ticks in (snapshot.DENSE_TICKS, 0):
        monkeypatch.setattr(snapshot, "DENSE_TICKS", dense_ticks)
        book = Book(Grid.of(Decimal("0.1"), Decimal("0.001")), LOCAL_FLAG)
        book.fold(rows)
        books.append(levels(book))
    assert books[0] == books[1]
    assert len(books[0][0]) > 10


@given(
    drawn=ROWS, flag=st.sampled_from((LOCAL_FLAG, EXCH_FLAG)), cuts=st.lists(st.integers(0, 60), max_size=3)
)
def test_book_equals_one_in_plain_python_in_any_chunks(
    drawn: list[tuple[int, int, int, int]], flag: int, cuts: list[int]
) -> None:
    """Levels that a quote of the other side ran over stay away, also when that quote is gone again."""
    rows = rows_from(drawn)
    book = Book(GRID, flag)
    places = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, stop in pairwise(places):
        book.fold(rows[start:stop])

    plain = PlainBook().add_rows(rows, flag)
    assert levels(book) == (plain.bids, plain.asks)
    assert not plain.bids or not plain.asks or max(plain.bids) < min(plain.asks)


def test_a_level_inside_the_spread_that_was_traded_away_does_not_come_back() -> None:
    """The engine hides 100.1 and shows it again when an ask moves below: nobody ever said it was there."""
    rows = rows_of(
        (DEPTH | SELL_FLAG | BOTH, T0_NS, T0_NS + 1, 100.1, 5.0),
        (DEPTH | SELL_FLAG | BOTH, T0_NS, T0_NS + 1, 100.3, 5.0),
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 100.0, 5.0),
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 100.2, 1.0),  # runs over 100.1
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 1, 100.2, 0.0),
    )
    book = Book(GRID, LOCAL_FLAG)
    book.fold(rows)

    assert levels(book) == ({1000: 5}, {1003: 5})


def test_real_books_of_both_sides_equal_plain_python(coinm_catalogue: Path) -> None:
    (first, _) = find_files(coinm_catalogue)
    rows = load_events(first.path)[:9_000]
    for flag in (LOCAL_FLAG, EXCH_FLAG):
        book = Book(GRID, flag)
        book.fold(rows)
        plain = PlainBook().add_rows(rows, flag)
        assert levels(book) == (plain.bids, plain.asks)
        assert len(plain.bids) > 900


def input_of(path: Path, rows: EventArray) -> BookInput:
    save_events(path, rows)
    return BookInput(path, "0" * 64, 0, len(rows))


def test_snapshot_is_a_valid_event_file_and_corrections_turn_ours_into_the_venues(tmp_path: Path) -> None:
    """The older of two changes of one level came to us last: ours has it, the venue has the younger one."""
    rows = rows_of(
        (DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 10, 100.0, 1.0),
        (DEPTH | SELL_FLAG | BOTH, T0_NS, T0_NS + 10, 100.2, 1.0),
        (DEPTH | BUY_FLAG | EXCH_FLAG, T0_NS + 1, T0_NS + 30, 100.0, 7.0),
        (DEPTH | SELL_FLAG | EXCH_FLAG, T0_NS + 1, T0_NS + 30, 100.3, 4.0),
        (DEPTH | BUY_FLAG | BOTH, T0_NS + 2, T0_NS + 20, 100.0, 9.0),
        (DEPTH | BUY_FLAG | LOCAL_FLAG, T0_NS + 1, T0_NS + 30, 100.0, 7.0),
    )
    book = build_book([input_of(tmp_path / "rows.npy", rows)], GRID)

    validate_events([book.snapshot], ["snapshot"], Decimal("0.1"), Decimal(1))
    assert [(int(row["ev"]) & 0xFF, row["px"], row["qty"]) for row in book.snapshot] == [
        (DEPTH_CLEAR, 0.0, 0.0),
        (DEPTH_SNAPSHOT, 100.0, 7.0),
        (DEPTH_SNAPSHOT, 100.2, 1.0),
    ]
    assert set(book.snapshot["local_ts"].tolist()) == {T0_NS + 30}
    plain = PlainBook().add_rows(book.snapshot, EXCH_FLAG).add_rows(book.corrections, EXCH_FLAG)
    assert (plain.bids, plain.asks) == ({1000: 9}, {1002: 1, 1003: 4})
    again = StartBook.from_rows(book.rows)
    assert (again.snapshot.tobytes(), again.corrections.tobytes()) == (
        book.snapshot.tobytes(),
        book.corrections.tobytes(),
    )


def test_a_book_is_built_once_and_its_key_is_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "cache_root", lambda: tmp_path / "cache")
    rows = rows_of((DEPTH | BUY_FLAG | BOTH, T0_NS, T0_NS + 10, 100.0, 1.0))
    named = input_of(tmp_path / "rows.npy", rows)
    first = start_book([named], GRID)
    (tmp_path / "rows.npy").unlink()  # what is read now comes from the cache
    again = start_book([named], GRID)

    assert again.rows.tobytes() == first.rows.tobytes()
    other = BookInput(named.path, "1" * 64, 0, 1)
    with pytest.raises(DataError, match="must be an existing file"):
        start_book([other], GRID)


def test_rows_of_the_venue_alone_make_no_book_of_ours(tmp_path: Path) -> None:
    rows = rows_of((DEPTH | BUY_FLAG | EXCH_FLAG, T0_NS, T0_NS + 10, 100.0, 1.0))
    with pytest.raises(DataError, match="needs rows that we received before it, found none in rows"):
        build_book([input_of(tmp_path / "rows.npy", rows)], GRID)


def test_chunks_bound_the_work_and_change_nothing(
    coinm_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _) = find_files(coinm_catalogue)
    inputs = [BookInput(first.path, first.output.sha256, 0, 40_000)]
    whole = build_book(inputs, GRID)
    monkeypatch.setattr(snapshot, "CHUNK_ROWS", 777)
    seen: list[tuple[int, int]] = []
    chunked = build_book(inputs, GRID, lambda done, total: seen.append((done, total)))

    assert chunked.rows.tobytes() == whole.rows.tobytes()
    assert seen[0] == (777, 40_000)
    assert seen[-1] == (40_000, 40_000)
    assert np.count_nonzero(whole.snapshot["px"]) == whole.levels
