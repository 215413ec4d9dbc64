"""The engine's process is started before the command line is loaded, where it will be needed."""

import subprocess
import sys

import pytest

from trading_platform.backtest.runtime import process
from trading_platform.backtest.runtime.process import (
    give_up,
    give_up_ahead,
    start_ahead,
    start_engine_process,
)


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


def test_wrong_arguments_are_told_and_leave_no_process() -> None:
    command = [sys.executable, "-m", "trading_platform.cli", "run", "--no-such-option"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no-such-option" in done.stderr
    assert "Traceback" not in done.stderr
