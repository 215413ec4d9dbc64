"""Runs over data named by range: the same market, the same fills, a record that can be executed again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from market_data.catalogue import put
from oracle.builders import COMPILED, INTERPRETED, INVERSE, Done, converted, maker_config, run

from trading_platform.backtest.verify import verify_run
from trading_platform.config.run import RunConfig
from trading_platform.config.times import time_text
from trading_platform.data.catalog import find_files
from trading_platform.data.events import LOCAL_FLAG
from trading_platform.data.files import load_events, save_events
from trading_platform.data.synth import synthesize
from trading_platform.model.enums import EventKind
from trading_platform.model.errors import DataError

S = 10**9
START_NS = 1_722_470_400 * S
COINM = tuple(f"binance_coinm_btcusd_perp_2024080{day}.gz" for day in (8, 9))
Ranged = Callable[..., RunConfig]


def ranged(root: Path, start_ns: int, end_ns: int, **changes: object) -> RunConfig:
    """Return the maker over a range of the catalogue."""
    data = {
        "venue": "synth",
        "instrument": "BTC",
        "start": time_text(start_ns),
        "end": time_text(end_ns),
        "root": str(root),
    }
    merged = {"engine__data": data, "engine__instrument__name": "BTC"} | changes
    return maker_config((), COMPILED, engine__data_files=None, **merged)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalogue with 30 seconds of a synthetic market."""
    folder = tmp_path_factory.mktemp("catalogue")
    rows = synthesize(5, START_NS, 30 * S)
    put(folder, rows, venue="synth", instrument="BTC", lot="0.001")
    return folder


@pytest.fixture(scope="module")
def part(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a run over the seconds 12 to 24."""
    return run(ranged(root, START_NS + 12 * S, START_NS + 24 * S), tmp_path_factory.mktemp("part") / "run")


def test_a_range_over_everything_is_the_run_over_the_file(root: Path, tmp_path: Path) -> None:
    (file,) = find_files(root)
    by_range = run(ranged(root, START_NS, START_NS + 60 * S), tmp_path / "range")
    by_file = run(maker_config((file.path,), COMPILED, engine__instrument__name="BTC"), tmp_path / "file")

    assert by_range.digest == by_file.digest
    assert len(by_range.fills()) > 20


def test_nothing_from_outside_a_range_reaches_the_run(part: Done) -> None:
    times = part.events["now_ns"]
    assert int(times.min()) >= START_NS + 12 * S
    assert int(times.max()) < START_NS + 24 * S
    assert len(part.fills()) > 10
    assert part.record["summary"]["anomalies"]["total"] == 0


def test_the_record_keeps_files_rows_and_the_book_at_the_start(root: Path, part: Done) -> None:
    (file,) = find_files(root)
    book, replayed = part.record["data"]
    assert book["path"] == replayed["path"] == str(file.path)
    assert book["sha256"] == replayed["sha256"] == file.output.sha256
    assert (book["use"], replayed["use"]) == ("book", "replay")
    assert (book["first_row"], book["end_row"]) == (0, replayed["first_row"])
    rows = load_events(file.path)
    cut = rows["local_ts"][replayed["first_row"] : replayed["end_row"]]
    local = (rows["ev"][replayed["first_row"] : replayed["end_row"]] & np.uint64(LOCAL_FLAG)) != 0
    assert int(cut[local][0]) >= START_NS + 12 * S > int(rows["local_ts"][replayed["first_row"] - 1])
    assert replayed["start_book"]["levels"] > 20
    assert len(replayed["start_book"]["rows_sha256"]) == 64


def test_verify_executes_a_range_again(part: Done) -> None:
    verification = verify_run(part.directory)
    assert verification.same
    assert verification.digest == part.digest


def test_verify_refuses_a_range_whose_file_changed(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    done = run(ranged(copy, START_NS + 20 * S, START_NS + 22 * S), tmp_path / "run")
    (file,) = find_files(copy)
    rows = np.array(load_events(file.path))
    rows["qty"][-1] += 1
    save_events(file.path, rows, overwrite=True)

    with pytest.raises(DataError, match="the data changed since the run"):
        verify_run(done.directory)


def test_both_forms_of_a_strategy_agree_over_a_range(root: Path, part: Done, tmp_path: Path) -> None:
    config = ranged(root, START_NS + 12 * S, START_NS + 24 * S, strategy__class_path=INTERPRETED)
    assert run(config, tmp_path / "run").digest == part.digest


def test_a_short_range_of_a_small_market_runs_from_its_book(root: Path, tmp_path: Path) -> None:
    """A second: it is the book at the start that gives the strategy a touch at once."""
    done = run(ranged(root, START_NS + 15 * S, START_NS + 16 * S), tmp_path / "run")
    assert done.record["wakeups"] > 0
    assert len(done.of(EventKind.SENT)) >= 2


def test_two_consecutive_files_equal_the_concatenated_one_and_the_range(tmp_path: Path) -> None:
    """Two recordings of COIN-M: as a list of files, as one file, and from the catalogue."""
    files = converted("binance-coinm", COINM, tmp_path / "converted")
    *first, second = (np.asarray(load_events(file)) for file in files)  # the first may be cut at midnight
    joined = tmp_path / "joined.npy"
    save_events(joined, np.concatenate([*first, second]))
    for part_rows, day in ((np.concatenate(first), "2024-08-08"), (second, "2024-08-09")):
        put(tmp_path / "data", part_rows, day=day)
    data = {
        "venue": "binance-coinm",
        "instrument": "BTCUSD_PERP",
        "start": "2024-08-08T23:00:00Z",
        "end": "2024-08-09T01:00:00Z",
        "root": str(tmp_path / "data"),
    }
    by_list = run(maker_config(tuple(files), COMPILED, **INVERSE), tmp_path / "list")
    by_join = run(maker_config((joined,), COMPILED, **INVERSE), tmp_path / "join")
    config = maker_config((), COMPILED, engine__data_files=None, engine__data=data, **INVERSE)
    by_range = run(config, tmp_path / "range")

    assert by_list.digest == by_join.digest == by_range.digest
    assert len(by_list.fills()) > 100
    assert [entry["use"] for entry in by_range.record["data"]] == ["replay", "replay"]
    assert json.loads((tmp_path / "range" / "run.json").read_text())["config"]["engine"]["data"] == data


def test_verify_tells_that_the_book_came_from_other_files(root: Path, tmp_path: Path) -> None:
    """A day before the range joined the catalogue since: the book at its start is not the one of then."""
    copy = tmp_path / "copy"
    put(copy, synthesize(6, START_NS + 86_400 * S, 4 * S)[200:], venue="synth", instrument="BTC", lot="0.001")
    start_ns = START_NS + 86_400 * S
    done = run(ranged(copy, start_ns, start_ns + 60 * S), tmp_path / "run")
    put(copy, synthesize(5, START_NS + 86_390 * S, 9 * S), venue="synth", instrument="BTC", lot="0.001")

    verification = verify_run(done.directory)

    assert [entry["use"] for entry in done.record["data"]] == ["replay"]
    (change,) = verification.changes
    assert change.startswith(f"data: {copy}/synth/BTC/2024-08-02/rows.npy (replay 0 to")
    assert "2024-08-01/rows.npy (book 0 to" in change
