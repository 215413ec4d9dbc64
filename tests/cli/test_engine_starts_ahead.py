"""The engine's process is started before the command line is loaded, where it will be needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.calling import Command
from trading_platform.backtest.runtime import process
from trading_platform.backtest.runtime.process import (
    give_up,
    give_up_ahead,
    start_ahead,
    start_engine_process,
)

LOCAL = Path(__file__).parents[2] / "examples/local/local.json"


def test_a_run_gets_the_process_that_was_started_ahead() -> None:
    start_ahead(["run", "--config", "any.json"])
    (ahead,) = process._ahead
    try:
        assert start_engine_process() is ahead
        assert ahead.poll() is None
    finally:
        give_up(ahead)
    assert process._ahead == []


@pytest.mark.parametrize(
    "arguments", [[], ["verify"], ["runs", "run"], ["run", "--help"], ["run", "--debug"]]
)
def test_nothing_is_started_for_what_runs_nothing_here(arguments: list[str]) -> None:
    start_ahead(arguments)
    assert process._ahead == []


def test_a_process_that_nobody_asked_for_is_ended() -> None:
    start_ahead(["run"])
    (ahead,) = process._ahead
    give_up_ahead()
    assert ahead.poll() is not None
    assert process._ahead == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[str]"]:
    """The engine's processes, as they are started."""
    found: list[subprocess.Popen[str]] = []
    start = process._start

    def noted() -> "subprocess.Popen[str]":
        found.append(start())
        return found[-1]

    monkeypatch.setattr(process, "_start", noted)
    return found


def test_a_run_takes_one_process_which_was_there_before_the_arguments_were_read(
    tool: Command, tmp_path: Path, started: list["subprocess.Popen[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    import trading_platform.cli.app as application

    app, before = application.app, []

    def noted(**options: object) -> None:
        before.extend(started)
        app(**options)

    monkeypatch.setattr(application, "app", noted)
    answer = tool(
        "run", "--config", LOCAL, "--set", "engine.max_wakeups=10", "--set", f"output.directory={tmp_path}"
    )

    assert answer.code == 0
    assert len(started) == 1
    assert before == started


def test_wrong_arguments_are_told_and_leave_no_process(
    tool: Command, started: list["subprocess.Popen[str]"]
) -> None:
    answer = tool("run", "--no-such-option")

    assert answer.code == 2
    assert "no-such-option" in answer.err
    assert [child.poll() is not None for child in started] == [True]


def test_too_many_open_files_are_told_in_one_line() -> None:
    command = f"ulimit -n 6; exec {sys.executable} -m trading_platform.cli run --config {LOCAL}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "Too many open files" in done.stderr
    assert "Traceback" not in done.stderr
