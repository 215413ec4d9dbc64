"""Every code is found where its fault is, and nothing is found in a healthy market."""

from collections.abc import Callable

import numpy as np
import pytest

from trading_platform.data.certify.book import WINDOW_TICKS
from trading_platform.data.certify.certify import Overrides
from trading_platform.data.certify.codes import MEANINGS, Code, Severity, Verdict
from trading_platform.data.clean.fixes import FIXES, NOT_FIXED
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
from trading_platform.model.errors import DataError

from .markets import (
    LATENCY_NS,
    LEVELS,
    MID_TICKS,
    MS,
    SNAPSHOT_ROWS,
    certified,
    found,
    healthy,
    insert,
    manifest_with,
    row,
)

BID, ASK = DEPTH | BUY_FLAG, DEPTH | SELL_FLAG
AT = SNAPSHOT_ROWS + 100  # the row that is broken: of moment 101


def test_a_healthy_market_is_clean() -> None:
    certificate = certified(healthy())

    assert certificate.verdict is Verdict.CLEAN
    assert certificate.files[0].findings == []


def set_field(field: str, value: float) -> Callable[[EventArray], EventArray]:
    def change(rows: EventArray) -> EventArray:
        rows[AT][field] = value
        return rows

    return change


def add(*added: tuple[int, int, int, float, float]) -> Callable[[EventArray], EventArray]:
    return lambda rows: insert(rows, AT, *added)


def shifted(seconds: float, keep: int | None = None) -> Callable[[EventArray], EventArray]:
    """Move all rows from AT on; rows of the kind ``keep`` are repeated in between, every 0.1 s."""

    def change(rows: EventArray) -> EventArray:
        between = (
            [row(keep, 1005 + 100 * step, MID_TICKS, 1) for step in range(int(seconds * 10))] if keep else []
        )
        for field in ("exch_ts", "local_ts"):
            rows[field][AT:] += round(seconds * 1000) * MS
        return insert(rows, AT, *between)

    return change


def drifting(rows: EventArray) -> EventArray:
    """Stretch the market to 400 s, and let our clock be 50 ppm slow."""
    passed = (rows["exch_ts"] - rows["exch_ts"][0]) * 99
    rows["exch_ts"] += passed
    rows["local_ts"] += passed + (passed * 50) // 1_000_000
    return rows


def swap(field: str) -> Callable[[EventArray], EventArray]:
    def change(rows: EventArray) -> EventArray:
        rows[field][AT] -= 11 * MS  # one moment is 10 ms
        return rows

    return change


TRADES_AT = (MID_TICKS * 6) // 1000 + MID_TICKS  # 0.6 % away
FAULTS: list[tuple[Code, Callable[[EventArray], EventArray], int, int | None]] = [
    (Code.UNKNOWN_KIND, set_field("ev", 5 | BUY_FLAG | EXCH_FLAG | LOCAL_FLAG), AT, 5),
    (Code.BAD_FLAGS, set_field("ev", BID), AT, BID),
    (Code.BAD_FLAGS, set_field("ev", DEPTH | EXCH_FLAG), AT, None),
    (Code.BAD_FLAGS, set_field("ev", BID | SELL_FLAG | EXCH_FLAG), AT, None),
    (Code.BAD_TIME, set_field("exch_ts", 0), AT, 0),
    (Code.BAD_TIME, set_field("local_ts", -5), AT, -5),
    (Code.BAD_NUMBER, set_field("px", float("nan")), AT, None),
    (Code.BAD_NUMBER, set_field("px", 0.0), AT, None),
    (Code.BAD_NUMBER, set_field("qty", -1.0), AT, None),
    (Code.OFF_TICK, set_field("px", 60_000.05), AT, None),
    (Code.OFF_LOT, set_field("qty", 0.0005), AT, None),
    (Code.EXCH_ORDER, swap("exch_ts"), AT, -1 * MS),
    (Code.LOCAL_ORDER, swap("local_ts"), AT, -1 * MS),
    (Code.LATENCY, add(row(BID, 1005, MID_TICKS - 3, 5, latency_ns=0)), AT, 0),
    (Code.TIME_GAP, shifted(30), AT, 30_010 * MS),
    (Code.QUIET_DEPTH, shifted(30, TRADE | BUY_FLAG), AT + 50, None),
    (Code.QUIET_TRADES, shifted(90, BID), AT, None),
    (Code.CROSSED, add(row(BID, 1005, MID_TICKS + 4, 5), row(BID, 1006, MID_TICKS + 4, 0)), AT, 3),
    (Code.LOCKED, add(row(BID, 1005, MID_TICKS + 1, 5), row(BID, 1006, MID_TICKS + 1, 0)), AT, 0),
    (
        Code.ONE_SIDED,
        add(
            row(DEPTH_CLEAR | BUY_FLAG, 1005, MID_TICKS - LEVELS, 0),
            row(DEPTH_SNAPSHOT | BUY_FLAG, 1006, MID_TICKS - 1, 1),
        ),
        AT,
        None,
    ),
    (Code.STALE_LEVEL, add(row(BID, 1005, MID_TICKS + 1, 5)), SNAPSHOT_ROWS + 201, None),
    (Code.TRADE_OUTSIDE, add(row(TRADE | BUY_FLAG, 1005, TRADES_AT, 5)), AT, TRADES_AT - MID_TICKS - 1),
    (
        Code.TRADE_AFTER_DEPTH,
        lambda rows: insert(rows, AT + 1, row(TRADE | BUY_FLAG, 1010, MID_TICKS + 1, 5)),
        AT + 1,
        None,
    ),
    (Code.DUPLICATE, lambda rows: np.insert(rows, AT, rows[AT]), AT + 1, AT),
    (Code.DUPLICATE_TRADE, lambda rows: np.insert(rows, AT - 1, rows[AT - 1]), AT, AT - 1),
    (
        Code.PRICE_JUMP,
        add(
            row(TRADE | BUY_FLAG, 1005, MID_TICKS * 102 // 100, 5),
            row(TRADE | BUY_FLAG, 1006, MID_TICKS + 1, 5),
        ),
        AT,
        None,
    ),
    (Code.CLOCK_DRIFT, drifting, 0, 50_000),
    (Code.GRID_TOO_FINE, lambda _rows: _doubled(), 0, 2),
    (Code.FAR_LEVEL, add(row(BID, 1005, 1, 5), row(ASK, 1006, MID_TICKS + WINDOW_TICKS, 5)), -1, None),
    (Code.NO_SNAPSHOT, lambda rows: rows[SNAPSHOT_ROWS:], -1, None),
    (Code.NO_BOOK, lambda rows: rows[(rows["ev"] & SELL_FLAG) == 0], -1, None),
    (Code.NO_TRADES, lambda rows: rows[(rows["ev"] & 0xFF) != TRADE], -1, None),
]


def _doubled() -> EventArray:
    rows = healthy(1400)
    rows["px"] = 2 * rows["px"]
    return rows


@pytest.mark.parametrize(("code", "change", "at", "value"), FAULTS, ids=[fault[0].name for fault in FAULTS])
def test_a_fault_is_found_where_it_is(
    code: Code, change: Callable[[EventArray], EventArray], at: int, value: int | None
) -> None:
    (certificate,) = certified(change(healthy())).files

    (finding,) = [finding for finding in certificate.findings if finding.code == code.name]
    assert finding.severity is MEANINGS[code].severity
    assert certificate.verdict is not Verdict.CLEAN or finding.severity is Severity.INFO
    if at < 0:
        assert finding.places == []
    elif code not in (Code.QUIET_DEPTH, Code.QUIET_TRADES, Code.STALE_LEVEL):
        assert finding.places[0].row == at
    if value is not None:
        assert finding.places[0].value == pytest.approx(value, rel=0.02)


def test_the_manifest_tells_gaps_and_the_correction_of_the_clock() -> None:
    (certificate,) = certified(healthy(), manifest=manifest_with(3, 1_272_156_852)).files

    assert found(certificate) == {"SEQUENCE_GAP": 3, "CLOCK_SHIFTED": 1}
    assert certificate.findings[1].places[0].value == 1_272_156_852
    assert certificate.verdict is Verdict.ERRORS


def test_gaps_of_an_input_that_was_cut_are_told_where_they_are() -> None:
    """The report of a conversion is about the whole input; each day has its own gaps."""
    rows = healthy()
    times = rows["local_ts"][[AT, AT + 60]].tolist()
    gaps = [{"file": "a.gz", "line": 1, "expected": 5, "found": 8, "local_ns": at_ns} for at_ns in times]
    told = manifest_with(2, gaps=gaps)
    before, between, behind = certified(rows[:AT], rows[AT : AT + 60], rows[AT + 60 :], manifest=told).files

    assert (found(before), found(between), found(behind)) == ({}, {"SEQUENCE_GAP": 1}, {"SEQUENCE_GAP": 1})
    (place,) = between.findings[0].places
    assert (place.row, place.time_ns, place.value) == (0, times[0], 3)
    (whole,) = certified(rows, manifest=told).files
    assert [place.row for place in whole.findings[0].places] == [AT, AT + 60]


def test_gaps_that_cannot_be_placed_are_counted_for_every_file() -> None:
    """More than are listed, or times that a repair has moved: a gap must not be lost."""
    rows = healthy()
    gap = {"file": "a.gz", "line": 1, "expected": 5, "found": 8, "local_ns": int(rows["local_ts"][AT])}
    for count, fixes in ((30, []), (1, [{"code": "LATENCY"}])):
        told = manifest_with(count, gaps=[gap], fixes=fixes)
        first, second = certified(rows[: AT + 50], rows[AT + 50 :], manifest=told).files

        assert found(first) == found(second) == {"SEQUENCE_GAP": count}


def test_every_code_has_a_fault_here_and_is_either_repaired_or_said_why_not() -> None:
    told = {Code.SEQUENCE_GAP, Code.CLOCK_SHIFTED}
    assert {fault[0] for fault in FAULTS} | told == set(Code)
    assert set(MEANINGS) == set(Code)
    assert set(FIXES) | set(NOT_FIXED) == {code.name for code in Code}
    assert not set(FIXES) & set(NOT_FIXED)


def test_a_cure_that_names_the_cleaning_can_be_done() -> None:
    for code, said in MEANINGS.items():
        assert ("data clean" in said.cure) == (code.name in FIXES), code.name


def test_the_book_and_the_clocks_go_on_from_file_to_file() -> None:
    rows = healthy()
    first, second = certified(rows[:150], rows[150:]).files

    assert (found(first), found(second)) == ({}, {})
    assert second.follows == first.file
    backwards = certified(rows[150:], rows[:150]).files
    assert {"EXCH_ORDER", "LOCAL_ORDER"} <= set(found(backwards[1]))
    assert backwards[1].findings[0].places[0].row == 0


def test_a_stream_that_stops_is_quiet_at_the_end() -> None:
    rows = healthy()
    tail = [row(BID, 4005 + 100 * step, MID_TICKS - 3, 1 + step % 2) for step in range(700)]
    (certificate,) = certified(insert(rows, len(rows), *tail)).files

    assert found(certificate) == {"QUIET_TRADES": 1}


def test_trades_alone_are_no_market_to_quote_in() -> None:
    rows = healthy()
    certificate = certified(rows[(rows["ev"] & 0xFF) == TRADE])

    assert certificate.verdict is Verdict.WARNINGS
    assert "NO_BOOK" in found(certificate.files[0])


def test_a_book_that_the_file_before_left_is_a_book() -> None:
    rows = healthy()
    only_trades = rows[AT:][(rows["ev"][AT:] & 0xFF) == TRADE]

    assert "NO_BOOK" not in found(certified(rows[:AT], only_trades).files[1])


def test_a_moment_without_trades_behind_midnight_does_not_condemn_a_stream_that_has_them() -> None:
    rows = healthy()
    cut = len(rows) - 3
    quiet = rows[cut:][(rows["ev"][cut:] & 0xFF) != TRADE]

    assert certified(rows[:cut], quiet).verdict is Verdict.CLEAN
    assert certified(quiet).verdict is Verdict.WARNINGS


def test_a_level_on_the_moon_does_not_take_the_book_away() -> None:
    rows = insert(healthy(), AT, row(ASK, 1005, 3 * WINDOW_TICKS, 5), row(BID, 1006, MID_TICKS + 1, 5))
    (certificate,) = certified(rows).files

    assert {"FAR_LEVEL", "LOCKED", "STALE_LEVEL"} == set(found(certificate))


def test_a_silence_of_all_rows_is_told_once() -> None:
    (certificate,) = certified(shifted(100)(healthy())).files

    assert found(certificate) == {"TIME_GAP": 1}


def test_thresholds_can_be_given() -> None:
    rows = healthy()
    (certificate,) = certified(rows, overrides=Overrides(gap_ns=9 * MS)).files

    assert found(certificate)["TIME_GAP"] == 400
    assert certificate.thresholds.gap_ns == 9 * MS


def test_a_passed_level_is_hidden_from_what_follows_after_the_time_told() -> None:
    """Or one lost message would make everything after it look crossed."""
    (certificate,) = certified(insert(healthy(), AT, row(BID, 1005, MID_TICKS + 1, 5))).files

    assert found(certificate)["STALE_LEVEL"] == 1
    book = certificate.facts.book
    assert 1000 * MS <= book.locked_ns <= 1020 * MS


def test_facts_by_hand() -> None:
    (certificate,) = certified(healthy()).files
    facts = certificate.facts

    assert (facts.local_rows, facts.exch_rows, facts.trades, facts.depth_rows) == (420, 420, 80, 340)
    assert facts.latency_ns is not None
    assert (facts.latency_ns.p0, facts.latency_ns.p100) == (LATENCY_NS, LATENCY_NS)
    assert facts.latency_ns.p50 == LATENCY_NS
    assert facts.book.time_ns == 4000 * MS
    assert facts.clock_drift_ns_per_s is None


def test_wrong_arrays_names_and_grids_are_refused() -> None:
    rows = healthy(5)
    for bad in (np.zeros(3), rows[:0], rows[::2]):
        with pytest.raises(DataError, match="C-contiguous one-dimensional array of event_dtype"):
            certified(bad)
    with pytest.raises(DataError, match="files must be one or more"):
        certified()


def test_rows_are_not_changed() -> None:
    rows = healthy()
    before = rows.tobytes()
    rows.flags.writeable = False
    certified(rows)

    assert rows.tobytes() == before
