"""The engine may answer nonsense, panic, abort or be another one: a failed run with a message, never a dead tool."""

from pathlib import Path

import pytest

from .bench import Bench, then

PANIC = """
    from hftbacktest import BacktestAsset, _hftbacktest
    import numpy as np

    class S(Strategy):
        calls = 0

        def on_market(self):
            self.calls += 1
            self.view.quote(BUY, 0, self.view.bid_ticks(), 10)
            if self.calls == 60:
                asset = BacktestAsset().data([np.load(Path(__file__).parent / "market.npz")["data"]])
                asset = asset.initial_snapshot("absent.npz").linear_asset(1.0).constant_order_latency(1, 1)
                asset = asset.risk_adverse_queue_model().no_partial_fill_exchange()
                asset = asset.trading_value_fee_model(0.0, 0.0).tick_size(0.1).lot_size(0.001)
                _hftbacktest.build_hashmap_backtest([asset])  # a snapshot that is not there: the engine panics
"""


def test_a_command_that_the_engine_refuses_fails_the_run_with_code_meaning_and_order(bench: Bench) -> None:
    """A strategy damages the id of its order: the engine does not know the one that it is asked for."""
    act = 'self.view._state.orders["order_id"][self.view._state.session[0]["live_head"]] += 5'
    ended = bench.run(then(act, calls=45))

    ended.failed(
        "EngineError: hftbacktest returned 12: the engine does not know this order", " at seq=", "order "
    )
    assert ended.record["stop"] in ("ENGINE_ERROR", "COMMAND_REFUSED")


def test_a_return_code_that_no_version_has_fails_the_run_with_code_and_version(bench: Bench) -> None:
    """No engine at hand gives such a code: the strategy puts another function in its place, in plain Python."""
    act = "from trading_platform.venues.hftbacktest import abi; abi._roi_wait = abi._map_wait = lambda *_: 99"
    ended = bench.run_apart(bench.config(then(act)), environment={"NUMBA_DISABLE_JIT": "1"})

    ended.failed("EngineError: hftbacktest returned 99: a code that version 2.4.4 does not have at seq=")
    assert ended.record["stop"] == "ENGINE_ERROR"
    assert len(ended.events) > 5


def test_a_panic_of_the_engine_is_told_in_its_own_words(bench: Bench) -> None:
    ended = bench.run_apart(bench.config(PANIC))

    ended.failed(
        "EngineError: the engine's process was killed by SIGABRT: ",
        "panicked at",
        "No such file or directory",
    )


def test_a_panic_is_told_by_its_first_lines_whatever_the_stack_below(bench: Bench) -> None:
    ended = bench.run_apart(bench.config(PANIC), environment={"RUST_BACKTRACE": "1"})

    ended.failed(
        "EngineError: the engine's process was killed by SIGABRT: thread ", "panicked at", "No such file"
    )


@pytest.mark.parametrize(
    ("act", "signal_name"),
    [("os.abort()", "SIGABRT"), ("ctypes.string_at(0)", "SIGSEGV")],
    ids=["abort", "segfault"],
)
def test_a_crash_names_the_signal_and_how_to_find_the_line(bench: Bench, act: str, signal_name: str) -> None:
    ended = bench.run(then(act))

    ended.failed(
        f"EngineError: the engine's process was killed by {signal_name}: it printed nothing",
        "set PYTHONFAULTHANDLER=1 and run again to see the line",
    )
    assert bench.status_in_list() == "failed"
    verified = bench.tool("verify", ended.directory)
    assert verified.code == 1
    assert (
        f"status must be done to be verified, was failed: EngineError: the engine's process was killed by {signal_name}"
        in verified.err
    )


def test_the_line_of_a_crash_is_told_where_that_was_asked_for(bench: Bench) -> None:
    ended = bench.run_apart(
        bench.config(then("ctypes.string_at(0)")), environment={"PYTHONFAULTHANDLER": "1"}
    )
    name, line = bench.place().split(":")

    ended.failed("killed by SIGSEGV: Fatal Python error: Segmentation fault")
    assert f'{name}", line {line} in on_market' in ended.record["error"]
    assert "PYTHONFAULTHANDLER" not in ended.record["error"], "no advice that was followed already"


def test_another_version_of_the_engine_is_refused_with_both_versions_before_it_runs(bench: Bench) -> None:
    """Its metadata says another version: what an upgrade by hand looks like to us."""
    metadata = bench.folder / "site" / "hftbacktest-9.9.9.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: hftbacktest\nVersion: 9.9.9\n", encoding="utf-8")
    package = str(Path(__file__).parents[2])
    ended = bench.run_apart(
        bench.config(),
        environment={"PYTHONPATH": f"{bench.folder / 'site'}:{package}", "NUMBA_DISABLE_JIT": "1"},
    )

    ended.failed(
        "EngineError: hftbacktest does not fit this adapter: version must be one of 2.4.4, was 9.9.9",
        "Install hftbacktest==2.4.4",
    )
    assert "log" not in ended.record, "it never ran"
