"""A run that fails keeps what it wrote and says why, where, and at which event."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from oracle.builders import COMPILED, maker_config
from venues.play import BUY, SELL, book, depth, events_of, ticks_of_time, trade

from trading_platform.backtest.engine import run_backtest
from trading_platform.data.files import save_events
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.eventlog.reader import open_log
from trading_platform.model.errors import (
    ConfigError,
    DataError,
    EngineError,
    EventLogError,
    StrategyError,
    TradingPlatformError,
)
from trading_platform.record.names import LOG_FILE
from trading_platform.record.run import read_run

from .strategies_on_disk import line_of, write_strategy


def failed(
    kind: type[TradingPlatformError], slice_file: Path, tmp_path: Path, class_path: str, **changes: object
) -> tuple[str, dict[str, Any]]:
    """Run a strategy that must fail; return the error's text and the record."""
    changes = {"strategy__params": {}} | changes
    config = maker_config((slice_file,), class_path, **changes)
    directory = tmp_path / "run"
    directory.mkdir()
    with pytest.raises(kind) as caught:
        run_backtest(config, directory, search=tmp_path)
    record = read_run(directory)
    assert record["status"] == "failed"
    assert record["error"] == f"{kind.__name__}: {caught.value}"
    if (directory / LOG_FILE).exists():
        content = (directory / LOG_FILE).read_bytes()[HEADER_BYTES:]
        assert record["log_digest"] == blake3(content).hexdigest()
        assert record["log"]["events"] == len(open_log(directory / LOG_FILE).events)
    return str(caught.value), record


RAISES = """
    class S(Strategy):
        calls = 0

        def {method}(self, *args):
            self.calls += 1
            self.view.quote(BUY, 0, self.view.bid_ticks(), 10)
            if self.calls == {calls}:
                raise ValueError("my mistake")  # here
"""


@pytest.mark.parametrize("method", ["on_start", "on_market", "on_wakeup"])
def test_exception_in_a_call_back_names_file_line_and_seq(
    slice_file: Path, tmp_path: Path, method: str
) -> None:
    class_path = write_strategy(tmp_path, RAISES.format(method=method, calls=1))
    text, record = failed(StrategyError, slice_file, tmp_path, class_path)

    name, line = class_path.partition(":")[0], line_of(tmp_path, class_path, "# here")
    assert f"{name}.py:{line} in {method}" in text
    assert "ValueError" in text
    assert "my mistake" in text
    assert re.search(r"seq=\d+", text)
    assert record["strategy"]["class_path"] == class_path


def test_log_of_a_failed_run_goes_to_the_event_the_error_names(slice_file: Path, tmp_path: Path) -> None:
    """Without the last block the log would end long before the mistake: nothing to find it with."""
    class_path = write_strategy(tmp_path, RAISES.format(method="on_market", calls=300))
    text, record = failed(StrategyError, slice_file, tmp_path, class_path)

    (seq,) = re.findall(r"seq=(\d+)", text)
    assert int(seq) > 10
    assert record["log"]["events"] == int(seq)


def test_exception_on_stop_fails_the_run(slice_file: Path, tmp_path: Path) -> None:
    source = """
        class S(Strategy):
            def on_stop(self):
                raise RuntimeError("too late")
    """
    text, _ = failed(StrategyError, slice_file, tmp_path, write_strategy(tmp_path, source))

    assert "too late" in text
    assert "in on_stop" in text


def test_exception_in_the_constructor_fails_the_run_and_is_told_like_any_other(
    slice_file: Path, tmp_path: Path
) -> None:
    source = """
        class S(Strategy):
            def __init__(self, params, view):
                super().__init__(params, view)
                raise RuntimeError("not ready")  # here
    """
    class_path = write_strategy(tmp_path, source)
    text, _ = failed(StrategyError, slice_file, tmp_path, class_path)

    assert "not ready" in text
    assert f".py:{line_of(tmp_path, class_path, '# here')}" in text


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ('positions[0]["net_lots"] += 1', "net_lots"),
        ('positions[0]["cash_ticklots"] -= 1', "cash_ticklots"),
        ('positions[0]["fee_money"] = 0', "fee_money"),
    ],
)
def test_strategy_that_writes_into_the_ledger_is_caught(
    slice_file: Path, tmp_path: Path, statement: str, field: str
) -> None:
    source = f"""
        class S(Strategy):
            def on_market(self):
                self.view.quote(BUY, 0, self.view.bid_ticks(), 10)

            def on_fill(self, event):
                self.view._state.{statement}
    """
    text, _ = failed(EventLogError, slice_file, tmp_path, write_strategy(tmp_path, source))

    assert f"BTCUSDT: {field} must be" in text
    assert "something wrote into the core's arrays" in text


def test_compiled_strategy_that_names_a_slot_that_is_not_there_fails_the_run(
    slice_file: Path, tmp_path: Path
) -> None:
    source = """
        from trading_platform.strategies.compiled import compiled_strategy, quote
        from trading_platform.strategies.params import StrategyParams

        @compiled_strategy(StrategyParams, levels_per_side=2)
        def S(state, params, memory):
            quote(state, 0, 1, 2, state.books[0]["bid_ticks"], 10, 1, 0)
    """
    text, record = failed(StrategyError, slice_file, tmp_path, write_strategy(tmp_path, source))

    assert "slot that does not exist" in text
    assert "levels are 0 to 1" in text
    assert record["stop"] == "BAD_INTENT"


def test_interpreted_strategy_that_names_a_slot_that_is_not_there_fails_with_its_line(
    slice_file: Path, tmp_path: Path
) -> None:
    source = """
        class S(Strategy):
            def on_market(self):
                self.view.quote(BUY, 16, self.view.bid_ticks(), 10)  # here
    """
    text, _ = failed(StrategyError, slice_file, tmp_path, write_strategy(tmp_path, source))

    assert "no slot (instrument 0, side 1, level 16)" in text
    assert "levels 0 to 15" in text


@pytest.mark.parametrize("form", ["interpreted", "compiled"])
def test_too_many_intents_fail_the_run_instead_of_being_dropped(
    slice_file: Path, tmp_path: Path, form: str
) -> None:
    compiled = """
        from trading_platform.strategies.compiled import cancel, compiled_strategy
        from trading_platform.strategies.params import StrategyParams

        @compiled_strategy(StrategyParams)
        def S(state, params, memory):
            for _ in range(100_000):
                cancel(state, 0, 1, 0, 0)
    """
    interpreted = """
        class S(Strategy):
            def on_market(self):
                for _ in range(100_000):
                    self.view.cancel(BUY, 0)
    """
    source = compiled if form == "compiled" else interpreted
    text, record = failed(StrategyError, slice_file, tmp_path, write_strategy(tmp_path, source))

    assert "at most" in text
    assert "appended 100000" in text
    assert record["stop"] == "INTENTS_FULL"


def test_market_that_leaves_the_roi_fails_the_run_and_names_range_and_cure(tmp_path: Path) -> None:
    rows = [*book(0, [(1092, 50)], [(1094, 60)]), *ticks_of_time(1, 60), trade(5, BUY, 1094, 1)]
    rows += [depth(30, SELL, 1094, 0), depth(30, SELL, 1200, 5)]
    path = tmp_path / "market.npz"
    save_events(path, events_of(rows))
    roi = {"kind": "roi", "roi_min": "95", "roi_max": "110"}
    text, record = failed(
        EngineError, path, tmp_path, COMPILED, engine__depth=roi, strategy__params={"order_qty": "0.01"}
    )

    assert "between 95.0 and 110.0" in text
    assert "engine.depth" in text
    assert record["stop"] == "BOOK_OUT_OF_RANGE"
    assert record["log"]["events"] > 0


def test_wrong_params_are_all_told_with_the_parameters_that_exist(slice_file: Path, tmp_path: Path) -> None:
    params = {"order_qty": "-1", "levels": 17, "lvels": 3}
    text, record = failed(ConfigError, slice_file, tmp_path, COMPILED, strategy__params=params)

    for key in ("strategy.params.order_qty", "strategy.params.levels", "strategy.params.lvels"):
        assert key in text
    assert (
        "parameters of trading_platform.strategies.touch_maker:touch_maker: order_qty, levels, level_step"
        in text
    )
    assert "log" not in record


def test_unsorted_data_fail_the_run_before_the_engine_sees_them(tmp_path: Path) -> None:
    rows = events_of([*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 20)])
    rows[[3, 4]] = rows[[4, 3]]
    path = tmp_path / "market.npz"
    save_events(path, rows)
    text, record = failed(DataError, path, tmp_path, COMPILED, strategy__params={"order_qty": "0.01"})

    assert "market.npz: row" in text
    assert "data" not in record


def test_error_that_is_none_of_ours_is_recorded_with_its_traceback(slice_file: Path, tmp_path: Path) -> None:
    (tmp_path / "broken_params.py").write_text(
        "from trading_platform.strategies.base import Strategy\n"
        "from trading_platform.strategies.params import StrategyParams\n"
        "class Params(StrategyParams):\n"
        "    def to_record(self, instrument):\n"
        "        raise ZeroDivisionError('in to_record')\n"
        "class S(Strategy):\n"
        "    Params = Params\n"
    )
    config = maker_config((slice_file,), "broken_params:S", strategy__params={})
    directory = tmp_path / "run"
    directory.mkdir()
    with pytest.raises(ZeroDivisionError):
        run_backtest(config, directory, search=tmp_path)
    record = json.loads((directory / "run.json").read_text(encoding="utf-8"))

    assert record["status"] == "failed"
    assert record["error"] == "ZeroDivisionError: in to_record"
    assert "broken_params.py" in record["traceback"]


def test_error_while_the_strategy_is_imported_is_recorded_with_file_and_line(
    slice_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken_on_import.py").write_text("x = 1\nraise ZeroDivisionError('at import')\n")
    config = maker_config((slice_file,), "broken_on_import:S", strategy__params={})
    directory = tmp_path / "run"
    directory.mkdir()
    with pytest.raises(StrategyError):
        run_backtest(config, directory, search=tmp_path)
    record = json.loads((directory / "run.json").read_text(encoding="utf-8"))

    assert record["status"] == "failed"
    assert f"{tmp_path / 'broken_on_import.py'}:2: importing broken_on_import failed" in record["error"]
    assert "ZeroDivisionError: at import" in record["error"]
