"""What must hold for any market: cuts change nothing, the book is a set, percentiles are near, repairs repair."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_data.builders import rows_of

from trading_platform._jit import COMPILED
from trading_platform.data.certify.book import ASK, BID, NO_LEVEL, clear_levels, new_book, set_level
from trading_platform.data.certify.certify import Certificate
from trading_platform.data.certify.codes import Code
from trading_platform.data.certify.histogram import bucket_of, new_histogram, percentile
from trading_platform.data.certify.store import certify_files
from trading_platform.data.clean import FIXES, clean
from trading_platform.data.events import BUY_FLAG, DEPTH, EXCH_FLAG, LOCAL_FLAG, SELL_FLAG, TRADE, EventArray
from trading_platform.data.files import load_events, save_events

from .markets import LOT, MID_TICKS, MS, TICK, certified, healthy, row

EXAMPLES = 60 if COMPILED else 12
FILE_CODES = {
    Code.NO_SNAPSHOT,
    Code.NO_TRADES,
    Code.NO_BOOK,
    Code.GRID_TOO_FINE,
    Code.CLOCK_DRIFT,
    Code.DUPLICATE,
    Code.DUPLICATE_TRADE,
}


@st.composite
def broken_markets(draw: st.DrawFn) -> EventArray:
    """A healthy market with up to six faults, drawn with their places."""
    rows = healthy(draw(st.integers(60, 160)), seed=draw(st.integers(0, 9)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(25, len(rows) - 2))
        match draw(st.integers(0, 9)):
            case 0:
                rows = np.insert(rows, at, rows[at])
            case 1:
                rows["px"][at] = draw(st.sampled_from([float("nan"), 60_000.05, -1.0, 0.0]))
            case 2:
                rows["qty"][at] = draw(st.sampled_from([0.0005, float("inf"), -2.0]))
            case 3:
                rows["ev"][at] = draw(st.sampled_from([5, DEPTH, DEPTH | EXCH_FLAG | LOCAL_FLAG]))
            case 4:
                rows["exch_ts"][at] = draw(st.sampled_from([0, -3]))
            case 5:
                rows["local_ts"] -= draw(st.integers(1, 8)) * MS
            case 6 | 7:  # a level that the other side passes, for a while or for good
                side = draw(st.sampled_from([BUY_FLAG, SELL_FLAG]))
                ticks = MID_TICKS + draw(st.integers(0, 6)) * (1 if side == BUY_FLAG else -1)
                rows = np.insert(rows, at, _at_time_of(rows, at, DEPTH | side, ticks))
            case 8:
                ticks = MID_TICKS + draw(st.sampled_from([-9_000, 9_000]))
                rows = np.insert(rows, at, _at_time_of(rows, at, TRADE | BUY_FLAG, ticks))
            case 9:
                field = draw(st.sampled_from(["exch_ts", "local_ts"]))
                rows[field][at] -= 15 * MS
    return rows


def _at_time_of(rows: EventArray, at: int, ev: int, ticks: int) -> np.void:
    made = rows_of(row(ev, 0, ticks, 5))
    made["exch_ts"], made["local_ts"] = rows["exch_ts"][at], rows["local_ts"][at]
    event: np.void = made[0]
    return event


def counts(certificate: Certificate) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in certificate.files:
        for finding in one.findings:
            total[finding.code] = total.get(finding.code, 0) + finding.count
    return {code: count for code, count in total.items() if Code[code] not in FILE_CODES}


@settings(max_examples=EXAMPLES, deadline=None)
@given(broken_markets(), st.lists(st.integers(1, 200), max_size=3))
def test_cutting_a_stream_into_files_changes_no_finding(rows: EventArray, cuts: list[int]) -> None:
    places = [0, *sorted({cut for cut in cuts if cut < len(rows)}), len(rows)]
    parts = [np.ascontiguousarray(rows[start:stop]) for start, stop in itertools.pairwise(places)]

    assert counts(certified(*parts)) == counts(certified(rows))


@settings(max_examples=EXAMPLES, deadline=None)
@given(broken_markets())
def test_a_certificate_has_the_same_bytes_again_and_speaks_of_rows_that_are_there(rows: EventArray) -> None:
    (first,), (second,) = certified(rows).files, certified(rows).files

    assert first.to_json() == second.to_json()
    for finding in first.findings:
        assert all(0 <= place.row < len(rows) for place in finding.places)
        assert len(finding.places) <= min(5, finding.count)


@settings(max_examples=EXAMPLES, deadline=None)
@given(broken_markets())
def test_what_is_repaired_is_not_found_again(
    tmp_path_factory: pytest.TempPathFactory, rows: EventArray
) -> None:
    folder = tmp_path_factory.mktemp("clean")
    path = folder / "market.npy"
    save_events(path, rows)
    parent = hashlib.sha256(path.read_bytes()).hexdigest()
    (before,) = certify_files([path], tick_size=TICK, lot_size=LOT).files
    codes = [finding.code for finding in before.findings if finding.code in FIXES]
    if not codes:
        return

    (made,) = clean([path], codes, folder / "out", tick_size=TICK, lot_size=LOT)

    assert not {finding.code for finding in made.certificate.findings} & set(codes)
    assert made.certificate.file.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert len(load_events(made.path)) == made.rows_after
    assert {entry["code"] for entry in made.fixes} <= {*codes, "LATENCY", "CROSSED", "LOCKED", "STALE_LEVEL"}
    assert hashlib.sha256(path.read_bytes()).hexdigest() == parent


Level = tuple[int, int, bool]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([BID, ASK]), st.integers(0, 3000).map(lambda x: x * x), st.booleans()),
        max_size=120,
    ),
    st.integers(0, 9_000_000),
)
def test_the_book_is_a_set_of_levels(changes: list[Level], to_ticks: int) -> None:
    books = new_book(0)
    sets: tuple[set[int], set[int]] = (set(), set())
    book = books[0]
    for side, ticks, is_there in changes:
        set_level(book, side, ticks, is_there)
        (sets[side].add if is_there else sets[side].discard)(ticks)
        assert book["best"][BID] == max(sets[BID], default=NO_LEVEL)
        assert book["best"][ASK] == min(sets[ASK], default=NO_LEVEL)
    clear_levels(book, BUY_FLAG, to_ticks)
    assert book["best"][BID] == max((ticks for ticks in sets[BID] if ticks < to_ticks), default=NO_LEVEL)
    assert book["best"][ASK] == min(sets[ASK], default=NO_LEVEL)
    clear_levels(book, 0, 0)
    assert list(book["best"]) == [NO_LEVEL, NO_LEVEL]
    assert not book["bits"].any()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(-(1 << 62), 1 << 62), min_size=1, max_size=80), st.integers(0, 1000))
def test_a_percentile_is_within_a_share_of_the_true_one(values: list[int], permille: int) -> None:
    histogram = new_histogram()
    for value in values:
        histogram[0 if value >= 0 else 1, bucket_of(abs(value))] += 1
    rank = max(1, -(-len(values) * permille // 1000))
    true = sorted(values)[rank - 1]

    got = percentile(histogram, permille)

    assert got is not None
    assert abs(got - true) <= abs(true) / 128
    assert percentile(new_histogram(), permille) is None


def test_a_repair_writes_down_what_it_did(tmp_path: Path) -> None:
    rows = healthy()
    rows = np.insert(rows, 120, rows[120])
    rows["local_ts"] -= 6 * MS
    save_events(tmp_path / "market.npy", rows)

    (made,) = clean(
        [tmp_path / "market.npy"], ["LATENCY", "DUPLICATE"], tmp_path / "out", tick_size=TICK, lot_size=LOT
    )

    assert made.fixes == (
        {"code": "DUPLICATE", "count": 1, "rows_before": 421, "rows_after": 420},
        {"code": "LATENCY", "count": 420, "rows_before": 420, "rows_after": 420, "shift_ns": MS + 1},
    )
    assert (load_events(made.path)["local_ts"] - load_events(made.path)["exch_ts"]).min() == 1
