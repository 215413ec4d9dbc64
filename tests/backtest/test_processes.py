"""The engine's process may be stopped, killed or abort: the directory tells how it ended and keeps what it has."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from oracle.builders import COMPILED, maker_config

import trading_platform
from trading_platform.backtest import engine
from trading_platform.backtest.runtime.display import Display
from trading_platform.backtest.runtime.parent import run_in_child
from trading_platform.backtest.verify import verify_run
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.eventlog.reader import open_log
from trading_platform.model.errors import EventLogError
from trading_platform.record.names import LOG_FILE
from trading_platform.record.run import read_run
from trading_platform.runner.ledger import Ledger

from .strategies_on_disk import write_strategy

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(trading_platform.__file__).parents[1])}
QUOTES_THEN = """
    class S(Strategy):
        calls = 0

        def on_market(self):
            self.view.quote(BUY, 0, self.view.bid_ticks(), 10)
            self.calls += 1
            if self.calls == 400:
                {act}
"""


def resolved(slice_file: Path, tmp_path: Path, act: str) -> dict[str, Any]:
    """Return a config whose strategy does something to its process at its 400th call."""
    class_path = write_strategy(tmp_path, QUOTES_THEN.format(act=act))
    config = maker_config((slice_file,), class_path, strategy__params={})
    return config.resolved()


def child(request: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the engine's process alone, without the parent that would write what it cannot."""
    return subprocess.run(
        [sys.executable, "-m", "trading_platform.backtest.runtime.child"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )


def log_digest(directory: Path) -> str:
    return blake3((directory / LOG_FILE).read_bytes()[HEADER_BYTES:]).hexdigest()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("os.abort()", "killed by SIGABRT"),
        ("os._exit(3)", "ended with code 3 and no answer"),
        ("os.write(2, b'thread panicked at local.rs\\\\n'); os.abort()", "thread panicked at local.rs"),
    ],
    ids=["SIGKILL", "abort", "exit", "panic"],
)
def test_child_that_dies_is_a_failed_run_with_a_message(
    slice_file: Path, tmp_path: Path, act: str, words: str
) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    outcome = run_in_child(resolved(slice_file, tmp_path, act), directory, search=tmp_path)
    record = read_run(directory)

    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert words in outcome.error
    assert (record["status"], record["error"]) == ("failed", outcome.error)
    assert record["config"]["id"] == "binance-btcusdt"
    assert open_log(directory / LOG_FILE).torn_bytes == 0
    with pytest.raises(EventLogError, match="status must be done"):
        verify_run(directory)


def test_files_that_a_strategy_left_open_are_written_when_its_run_ends(
    slice_file: Path, tmp_path: Path
) -> None:
    """Nothing that outlives the run may keep the strategy: the process ends without a last collection."""
    notes = tmp_path / "notes.txt"
    source = f"""
        class S(Strategy):
            def on_start(self):
                self.notes = open({str(notes)!r}, "w")

            def on_market(self):
                self.notes.write("woken")
        """
    directory = tmp_path / "run"
    directory.mkdir()
    config = maker_config(
        (slice_file,), write_strategy(tmp_path, source), engine__max_wakeups=5, strategy__params={}
    )
    outcome = run_in_child(config.resolved(), directory, search=tmp_path)
    assert outcome.status == "done"
    assert notes.read_text().startswith("woken")


def test_directory_of_a_killed_tool_has_a_log_and_no_record(slice_file: Path, tmp_path: Path) -> None:
    """Nobody was left to write run.json: the run is unfinished, and says so."""
    directory = tmp_path / "run"
    directory.mkdir()
    config = resolved(slice_file, tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    dead = child({"config": config, "directory": str(directory), "search": str(tmp_path), "logs": {}})

    assert dead.returncode == -signal.SIGKILL
    assert {path.name for path in directory.iterdir()} == {LOG_FILE, "config.json"}
    assert open_log(directory / LOG_FILE).torn_bytes == 0
    with pytest.raises(EventLogError, match="unfinished"):
        read_run(directory)


def test_stopped_child_writes_an_interrupted_record_with_its_log(slice_file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    config = resolved(slice_file, tmp_path, "os.kill(os.getpid(), signal.SIGTERM)")
    stopped = child({"config": config, "directory": str(directory), "search": str(tmp_path), "logs": {}})
    record = read_run(directory)
    events = open_log(directory / LOG_FILE).events

    assert stopped.returncode == 130
    assert json.loads(stopped.stdout.splitlines()[-1])["status"] == "interrupted"
    assert record["status"] == "interrupted"
    assert "stopped by the user" in record["error"]
    assert record["log_digest"] == log_digest(directory)
    assert record["log"]["events"] == len(events) > 10, "an interrupted run keeps its log"


def test_second_signal_does_not_disturb_the_record(slice_file: Path, tmp_path: Path) -> None:
    """On a terminal Ctrl-C may arrive as two signals, and a service manager repeats its stop."""
    directory = tmp_path / "run"
    directory.mkdir()
    act = "signal.raise_signal(signal.SIGINT) if os.kill(os.getpid(), signal.SIGTERM) is None else None"
    stopped = child(
        {
            "config": resolved(slice_file, tmp_path, act),
            "directory": str(directory),
            "search": str(tmp_path),
            "logs": {},
        }
    )
    record = read_run(directory)

    assert stopped.returncode == 130
    assert record["status"] == "interrupted"
    assert record["log"]["events"] == len(open_log(directory / LOG_FILE).events) > 10


@pytest.mark.parametrize(
    "text", [".", '{"status": "failed", "error": "forged", "exit_code": 1}'], ids=["no line end", "an answer"]
)
def test_what_a_strategy_prints_is_no_answer_of_the_engine(
    slice_file: Path, tmp_path: Path, text: str
) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    config = resolved(slice_file, tmp_path, f"print({text!r}, end='')")
    outcome = run_in_child(config, directory, search=tmp_path)

    assert (outcome.status, outcome.exit_code, outcome.error) == ("done", 0, "")
    assert read_run(directory)["status"] == "done"


def test_interrupt_in_the_middle_of_a_flush_leaves_a_whole_log(
    slice_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled run hears of Ctrl-C in Python alone, and Python is where blocks are flushed."""
    calls = itertools.count()
    compare = Ledger.compare

    def interrupted(ledger: Ledger, positions: Any) -> None:
        compare(ledger, positions)
        if next(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "compare", interrupted)
    monkeypatch.setattr(engine, "PAUSE_BLOCKS", 200)
    (tmp_path / "run").mkdir()
    with pytest.raises(KeyboardInterrupt):
        engine.run_backtest(maker_config((slice_file,), COMPILED), tmp_path / "run")
    record, events = read_run(tmp_path / "run"), open_log(tmp_path / "run" / LOG_FILE).events

    assert record["status"] == "interrupted"
    assert record["log_digest"] == log_digest(tmp_path / "run")
    assert len(events) > 10
    assert (events["seq"] == range(1, len(events) + 1)).all()


@pytest.mark.parametrize("whom", ["os.getppid()", "0"], ids=["the tool alone", "the whole group"])
def test_interrupt_of_the_tool_mid_run_is_recorded_and_exits_with_130(
    slice_file: Path, tmp_path: Path, whom: str
) -> None:
    """The strategy itself presses Ctrl-C, then waits for the signal that must reach its process."""
    config = resolved(slice_file, tmp_path, f"os.kill({whom}, signal.SIGINT); signal.pause()")
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["--config", str(tmp_path / "config.json"), "--set", "output.run_id=stopped"]
    arguments += ["--set", f"output.directory={tmp_path / 'runs'}"]
    tool = subprocess.run(
        [sys.executable, "-c", "from trading_platform.cli import main; main()", "run", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,  # a group of its own: the signal must not reach the tests
        timeout=120,
        check=False,
    )
    record = read_run(tmp_path / "runs" / "stopped")

    assert tool.returncode == 130, tool.stderr
    assert "stopped by the user" in tool.stderr
    assert record["status"] == "interrupted"
    assert record["log_digest"] == log_digest(tmp_path / "runs" / "stopped")


class Failing(Display):
    """A display that breaks: its reader went, or it has a bug."""

    def __init__(self, error: Exception, *, on_line: bool) -> None:
        self._error, self._on_line = error, on_line

    def line(self, text: str) -> None:
        if self._on_line:
            raise self._error

    def __call__(self, done: int, total: int) -> None:
        if not self._on_line:
            raise self._error


def test_a_strategy_that_prints_much_ends_when_nobody_reads_it(slice_file: Path, tmp_path: Path) -> None:
    """A pipe that nobody empties would stop the child for ever."""
    directory = tmp_path / "run"
    directory.mkdir()
    config = resolved(slice_file, tmp_path, "[print('x' * 100) for _ in range(5_000)]")
    display = Failing(BrokenPipeError("nobody reads"), on_line=True)
    outcome = run_in_child(config, directory, search=tmp_path, display=display)

    assert (outcome.status, outcome.error) == ("done", "")
    assert read_run(directory)["status"] == "done"


def test_a_display_that_fails_stops_the_run_and_leaves_a_record(slice_file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    with pytest.raises(ZeroDivisionError):
        run_in_child(
            resolved(slice_file, tmp_path, "None"),
            directory,
            search=tmp_path,
            display=Failing(ZeroDivisionError(), on_line=False),
        )

    assert read_run(directory)["status"] in ("interrupted", "done")


class Stopping(Display):
    """A user who presses Ctrl-C as soon as something moves."""

    def __call__(self, done: int, total: int) -> None:
        raise KeyboardInterrupt


def test_an_interrupted_verification_says_nothing_about_sameness(slice_file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    run_in_child(maker_config((slice_file,), COMPILED).resolved(), directory)

    with pytest.raises(KeyboardInterrupt):
        verify_run(directory, display=Stopping())


def test_a_run_that_cannot_be_executed_again_is_not_called_different(
    slice_file: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    config = resolved(slice_file, tmp_path, "None")
    run_in_child(config, directory, search=tmp_path)
    module = config["strategy"]["class_path"].partition(":")[0]
    (tmp_path / f"{module}.py").unlink()

    with pytest.raises(EventLogError, match="could not be executed again"):
        verify_run(directory)
