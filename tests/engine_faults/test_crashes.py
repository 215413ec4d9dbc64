"""What aborts or segfaults hftbacktest, and that it cannot happen through the port, or does not take the tool along."""

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backtest.strategies_on_disk import write_strategy
from hftbacktest import _hftbacktest
from hftbacktest.types import event_dtype
from oracle.builders import maker_config
from pydantic import ValidationError
from venues.play import BUY, MS, SELL, Play, events_of, trade

import trading_platform
from trading_platform.backtest.io.market_data import load_market_data
from trading_platform.backtest.runtime.parent import run_in_child
from trading_platform.config.venue import QueueModelConfig
from trading_platform.data.files import load_events, save_events
from trading_platform.model.enums import Stop
from trading_platform.model.errors import ConfigError, DataError, EngineError
from trading_platform.record.run import read_run
from trading_platform.runner.loop import release
from trading_platform.venues.hftbacktest.assets import build_engine

from . import crashes
from .bare import SENT_MS, asset_of, market

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = Path(trading_platform.__file__).resolve().parents[1]
Deaths = dict[str, tuple[int, str]]
PANICS = """
    from hftbacktest import BacktestAsset, _hftbacktest

    class S(Strategy):
        def on_market(self):
            _hftbacktest.build_hashmap_backtest([BacktestAsset().initial_snapshot("absent.npz")])
"""


@pytest.fixture(scope="module")
def deaths() -> Deaths:
    """Return how each way to kill the engine ended: exit code (negative: the signal) and last words."""
    done = subprocess.run(
        [sys.executable, crashes.__file__],
        env=os.environ
        | {
            "PYTHONPATH": f"{PACKAGE}:{TESTS}",
            "NUMBA_DISABLE_JIT": "1",
            "RUST_BACKTRACE": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) == {way.__name__ for way in crashes.WAYS}
    return {name: (code, words) for name, (code, words) in found.items()}


def assert_aborts(deaths: Deaths, way: str, words: str) -> None:
    code, said = deaths[way]
    assert code == -signal.SIGABRT, said
    assert words in said


def saved(folder: Path, rows: Any) -> Path:
    """Write rows to a file that is mapped when it is loaded."""
    path = folder / "rows.npy"
    save_events(path, rows)
    return path


def test_hftbacktest_2_4_4_aborts_at_an_asset_number_out_of_range_and_we_stop_at_a_bad_slot(
    deaths: Deaths,
) -> None:
    play = Play(market())
    play.until(SENT_MS)
    with pytest.raises(IndexError, match="no slot"):
        play.view.new_order(BUY, 0, 1000, 1, instrument=1)
    play.view.cancel(BUY, 0)
    play.state.intents[0]["slot"] = len(play.state.slots)

    assert_aborts(deaths, "asset_number_out_of_range", "called `Option::unwrap()` on a `None` value")
    assert play.finish() == Stop.BAD_INTENT


def test_hftbacktest_2_4_4_aborts_at_a_missing_snapshot_and_we_name_the_file(
    deaths: Deaths, tmp_path: Path
) -> None:
    data = saved(tmp_path, events_of(market()))

    assert_aborts(deaths, "missing_snapshot", "No such file or directory")
    with pytest.raises(ConfigError, match=r"initial_snapshot must be an existing file, was .*absent\.npz"):
        maker_config((data,), engine__initial_snapshot=str(tmp_path / "absent.npz"))


def test_hftbacktest_2_4_4_aborts_at_an_offset_that_makes_latencies_negative_and_we_refuse_such_rows(
    deaths: Deaths, tmp_path: Path
) -> None:
    rows = events_of(market())
    rows["local_ts"] = rows["exch_ts"]

    assert_aborts(
        deaths, "rows_arrive_before_they_happened_after_an_offset", "after applying the latency offset"
    )
    with pytest.raises(DataError, match=r"row 0: feed latency .* must be > 0 ns, was 0"):
        load_market_data(maker_config((saved(tmp_path, rows),)))


def test_hftbacktest_2_4_4_writes_an_offset_into_the_rows_at_every_build_and_we_leave_them_alone(
    deaths: Deaths, tmp_path: Path
) -> None:
    """Mapped files are shared between processes: read-only, and the engine reads them in place."""
    rows = events_of(market(trade(30, SELL, 1001, 90)))
    shifted = rows.copy()
    for _ in range(2):
        _hftbacktest.build_hashmap_backtest([asset_of().data([shifted]).latency_offset(5)])
    mapped = load_events(saved(tmp_path, rows))
    play = Play(mapped)
    stop = play.finish()

    assert deaths["offset_on_a_read_only_array"][0] == -signal.SIGSEGV
    assert set(shifted["local_ts"] - rows["local_ts"]) == {10}
    assert (stop, mapped.flags.writeable, mapped.tobytes() == rows.tobytes()) == (
        Stop.END_OF_DATA,
        False,
        True,
    )


def test_hftbacktest_2_4_4_dies_of_use_after_close_and_we_forget_the_address(deaths: Deaths) -> None:
    play = Play(market())
    play.wake()
    play.close()
    release(play.engine.venue)  # twice is no crash

    assert deaths["use_after_close"][0] in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT)
    assert play.engine.venue[0]["backtest"] == 0


def test_hftbacktest_2_4_4_dies_if_its_rows_are_freed_and_we_hold_them(deaths: Deaths) -> None:
    rows = np.resize(events_of(market()), crashes.MANY)
    rows["exch_ts"] = np.arange(crashes.MANY) // 1000 * MS + 1
    rows["local_ts"] = rows["exch_ts"] + 1
    play = Play(rows)
    del rows
    gc.collect()

    assert deaths["rows_freed_while_in_use"][0] == -signal.SIGSEGV
    assert play.finish() == Stop.END_OF_DATA


def test_hftbacktest_2_4_4_aborts_without_assets_and_we_refuse(deaths: Deaths) -> None:
    assert_aborts(deaths, "no_assets", "explicit panic")
    with pytest.raises(EngineError):
        build_engine([])


def test_hftbacktest_2_4_4_aborts_at_a_file_of_another_dtype_and_we_name_it(
    deaths: Deaths, tmp_path: Path
) -> None:
    path = tmp_path / "numbers.npy"
    np.save(path, np.zeros(3))

    assert_aborts(deaths, "file_of_another_dtype", "must be a list")
    with pytest.raises(DataError, match="dtype must be hftbacktest's event_dtype"):
        load_market_data(maker_config((path,)))


def test_hftbacktest_2_4_4_aborts_without_recorded_latencies_and_ours_are_constant(deaths: Deaths) -> None:
    assert_aborts(deaths, "no_recorded_latencies", "Out of the size")
    with pytest.raises(ConfigError, match="latency"):
        maker_config(engine__latency__kind="recorded")


def test_hftbacktest_2_4_4_refuses_partial_fills_in_a_market_by_order_and_we_have_no_such_model() -> None:
    """An exception, not an abort, in this version."""
    asset = asset_of(partial=True).l3_fifo_queue_model().data([np.zeros(1, event_dtype)])

    with pytest.raises(ValueError, match="L3PartialFillExchange is unsupported"):
        _hftbacktest.build_hashmap_backtest([asset])
    with pytest.raises(ValidationError):
        QueueModelConfig.model_validate({"kind": "l3_fifo"})


def test_hftbacktest_2_4_4_panics_kill_the_process_and_a_run_in_a_child_is_told_as_failed(
    tmp_path: Path,
) -> None:
    """A real panic of the engine in the middle of a run: the record has its words."""
    directory = tmp_path / "run"
    directory.mkdir()
    data = saved(tmp_path, events_of(market()))
    config = maker_config((data,), write_strategy(tmp_path, PANICS), strategy__params={})
    outcome = run_in_child(config.resolved(), directory, search=tmp_path)

    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert "killed by SIGABRT" in outcome.error
    assert "No such file or directory" in outcome.error
    assert read_run(directory)["error"] == outcome.error
