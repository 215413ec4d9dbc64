"""Repairs over several files, over rows whose halves stand apart, and repairs that cannot be done."""

from pathlib import Path

import numpy as np
import pytest

from trading_platform.data.certify.store import certify_files
from trading_platform.data.clean import CleanedFile, clean
from trading_platform.data.events import BUY_FLAG, DEPTH, EXCH_FLAG, LOCAL_FLAG, EventArray
from trading_platform.data.files import load_events, save_events
from trading_platform.data.validate import validate_events
from trading_platform.model.errors import DataError

from .markets import LATENCY_NS, LOT, MID_TICKS, MS, TICK, found, healthy, insert, row

BOTH = EXCH_FLAG | LOCAL_FLAG


def repaired(tmp_path: Path, codes: list[str], *arrays: EventArray) -> tuple[CleanedFile, ...]:
    paths = [tmp_path / f"part-{index}.npy" for index in range(len(arrays))]
    for path, rows in zip(paths, arrays, strict=True):
        save_events(path, rows)
    return clean(paths, codes, tmp_path / "out", tick_size=TICK, lot_size=LOT)


def halves(rows: EventArray, at: int) -> EventArray:
    """Let row ``at`` arrive 30 ms late: its venue half stays, its local half stands further down."""
    late = rows[at].copy()
    late["local_ts"] += 30 * MS
    venue, ours = late.copy(), late.copy()
    venue["ev"] = (int(late["ev"]) & ~BOTH) | EXCH_FLAG
    ours["ev"] = (int(late["ev"]) & ~BOTH) | LOCAL_FLAG
    place = int(np.searchsorted(np.delete(rows, at)["local_ts"], late["local_ts"])) + 1
    rest = rows.copy()
    rest[at] = venue
    return np.insert(rest, place, ours)


def test_a_level_is_removed_where_each_side_sees_it_passed(tmp_path: Path) -> None:
    rows = halves(insert(healthy(), 120, row(DEPTH | BUY_FLAG, 1005, MID_TICKS + 1, 5)), 120)
    validate_events([rows], ["halves"], TICK, LOT)

    (made,) = repaired(tmp_path, ["LOCKED"], rows)

    after = load_events(made.path)
    removed = after[(after["qty"] == 0) & (after["px"] == float((MID_TICKS + 1) * TICK))]
    assert made.fixes[0]["count"] == 1
    assert [int(event) & BOTH for event in removed["ev"]] == [EXCH_FLAG, LOCAL_FLAG]
    assert removed["local_ts"].tolist() == [removed["exch_ts"][0] + LATENCY_NS + 30 * MS] * 2
    validate_events([after], ["repaired"], TICK, LOT)


def test_a_level_passed_in_one_file_stays_out_of_the_next(tmp_path: Path) -> None:
    rows = insert(healthy(), 120, row(DEPTH | BUY_FLAG, 1005, MID_TICKS + 1, 5))
    first, second = repaired(tmp_path, ["LOCKED", "STALE_LEVEL"], rows[:150], rows[150:])

    assert (first.rows_after, second.rows_after) == (151, len(rows) - 150)
    assert (found(first.certificate), found(second.certificate)) == ({}, {})


def test_one_shift_serves_all_files(tmp_path: Path) -> None:
    rows = healthy()
    rows["local_ts"] -= 6 * MS
    rows["local_ts"][300:] += 2 * MS

    first, second = repaired(tmp_path, ["LATENCY"], rows[:200], rows[200:])

    assert first.fixes[0]["shift_ns"] == second.fixes[0]["shift_ns"] == MS + 1
    together = np.concatenate([load_events(first.path), load_events(second.path)])
    assert np.array_equal(together["local_ts"] - rows["local_ts"], np.full(len(rows), MS + 1))


def test_rows_out_of_order_are_sorted_by_both_clocks(tmp_path: Path) -> None:
    rows = healthy()
    mixed = rows.copy()
    mixed[100:200] = rows[np.random.default_rng(5).permutation(np.arange(100, 200))]

    (made,) = repaired(tmp_path, ["LOCAL_ORDER", "EXCH_ORDER"], mixed)

    assert np.array_equal(load_events(made.path), rows)


def test_halves_of_another_file_cannot_be_sorted(tmp_path: Path) -> None:
    rows = halves(healthy(), 120)
    rows["local_ts"][200] -= 11 * MS
    venue_half = np.flatnonzero((rows["ev"] & np.uint64(BOTH)) == EXCH_FLAG)

    with pytest.raises(DataError, match="every row must be seen by the venue and by us"):
        repaired(tmp_path, ["LOCAL_ORDER"], np.delete(rows, venue_half))
    assert list((tmp_path / "out").iterdir()) == []


def test_files_in_the_wrong_order_are_no_repair(tmp_path: Path) -> None:
    rows = healthy()
    with pytest.raises(DataError, match=r"EXCH_ORDER must be gone after 4 rounds.*nothing was written"):
        repaired(tmp_path, ["EXCH_ORDER"], rows[200:], rows[:200])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_of_which_nothing_is_left_is_no_repair(tmp_path: Path) -> None:
    rows = healthy(20)
    rows["px"] = np.nan
    with pytest.raises(DataError, match="must keep at least one row"):
        repaired(tmp_path, ["BAD_NUMBER"], rows)


def test_repairs_add_up_in_the_manifest(tmp_path: Path) -> None:
    rows = np.insert(healthy(), 120, healthy()[120])
    rows["local_ts"] -= 6 * MS
    (first,) = repaired(tmp_path, ["DUPLICATE"], rows)
    (second,) = clean([first.path], ["LATENCY"], tmp_path / "twice")
    (one,) = certify_files([second.path]).files

    assert found(one) == {}
    manifest = second.path.with_suffix(".json").read_text()
    assert manifest.index('"DUPLICATE"') < manifest.index('"LATENCY"')
