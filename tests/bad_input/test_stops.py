"""Stopped or killed, tool or engine: no half of a run is taken for a finished one, and its log is readable."""

import os
import select
import signal
from pathlib import Path
from typing import Final

import pytest

from trading_platform.record.names import CONFIG_FILE, LOG_FILE, RUN_FILE

from .bench import Bench, Ended, small_market, then

DEATH_MS: Final = 60_000
MANY_MS: Final = 16_000  # more events than the journal holds: some of them are on disk in mid-run


def quoting(act: str, calls: int) -> str:
    """Return a strategy with many orders and events, that does something to a process."""
    return then(act, calls=calls).replace("self.view.bid_ticks()", "self.view.bid_ticks() - self.calls % 2")


def many_events(bench: Bench, act: str, calls: int = 14_000) -> Path:
    files = [bench.market(small_market(MANY_MS))]
    return bench.config(quoting(act, calls), files=files, output__journal_touch=True)


@pytest.mark.parametrize(
    "act",
    [
        "os.kill(os.getppid(), signal.SIGTERM); signal.pause()",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGINT)",
    ],
    ids=["SIGTERM of the tool", "SIGTERM of the engine", "Ctrl-C of the engine"],
)
def test_a_stopped_run_is_interrupted_and_keeps_what_happened(bench: Bench, act: str) -> None:
    """Ctrl-C of the tool and of the whole group: tests/backtest/test_processes.py."""
    ended = bench.run_apart(many_events(bench, act, calls=200))

    ended.failed("stopped by the user", code=130, status="interrupted")
    assert len(ended.events) > 200
    assert bench.status_in_list() == "interrupted"
    assert bench.tool("orders", ended.directory).code == 0
    verified = bench.tool("verify", ended.directory)
    assert (verified.code, verified.out) == (1, "")
    assert "status must be done to be verified, was interrupted" in verified.err


def test_an_engine_that_is_killed_keeps_the_blocks_that_were_written(bench: Bench) -> None:
    ended = bench.run(
        quoting("os.kill(os.getpid(), signal.SIGKILL)", 15_600),
        files=[bench.market(small_market(MANY_MS))],
        output__journal_touch=True,
    )

    ended.failed("EngineError: the engine's process was killed by SIGKILL", "want of memory")
    assert ended.files == {CONFIG_FILE, LOG_FILE, RUN_FILE}
    assert len(ended.events) > 1000
    assert bench.status_in_list() == "failed"
    shown = bench.tool("orders", ended.directory, "--limit", 1)
    assert shown.code == 0
    assert "1 of " in shown.out


def test_an_engine_that_is_killed_before_its_first_block_has_a_log_without_events(bench: Bench) -> None:
    ended = bench.run(then("os.kill(os.getpid(), signal.SIGKILL)"))

    ended.failed("EngineError: the engine's process was killed by SIGKILL")
    assert len(ended.events) == 0
    shown = bench.tool("orders", ended.directory)
    assert "Traceback" not in shown.err
    assert shown.code == 0
    assert "0 orders" in shown.out + shown.err or "no orders" in shown.out + shown.err


def engine_that_outlives_its_tool(bench: Bench, act: str) -> Ended:
    """Run until tool and engine are dead. The engine holds a pipe that only its death can close."""
    alive = bench.folder / "alive"
    os.mkfifo(alive)
    # of the module, not of the strategy: that is let go when the loop ends, before the record is written
    hold = 'globals()["alive"] = (Path(__file__).parent / "alive").open("w")'
    config = many_events(bench, f"{hold}; os.kill(os.getppid(), signal.SIGKILL); {act}")
    pipe = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ended = bench.run_apart(config)
        poll = select.poll()
        poll.register(pipe, select.POLLHUP)
        assert poll.poll(DEATH_MS), "the engine must not go on for ever without its tool"
    finally:
        os.close(pipe)
    assert ended.answer.code == -signal.SIGKILL
    return ended


def test_a_tool_that_is_killed_leaves_an_interrupted_run_that_does_not_blame_the_strategy(
    bench: Bench,
) -> None:
    """Nobody waits for the result: the engine stops at its next block and says why."""
    ended = engine_that_outlives_its_tool(bench, "None")
    record = ended.record

    assert record["status"] == "interrupted"
    assert record["error"] == "the tool that started the run is gone (killed?)"
    ended.log_is_whole(record)
    assert len(ended.events) > 1000
    assert bench.status_in_list() == "interrupted"
    assert bench.tool("orders", ended.directory).code == 0


def test_tool_and_engine_that_are_killed_leave_an_unfinished_run_that_every_command_calls_so(
    bench: Bench,
) -> None:
    ended = engine_that_outlives_its_tool(bench, "os.kill(os.getpid(), signal.SIGKILL)")

    assert ended.files == {CONFIG_FILE, LOG_FILE}
    ended.log_is_whole({})
    assert len(ended.events) > 1000
    bench.is_unfinished()
    shown = bench.tool("orders", ended.directory, "--limit", 1)
    assert shown.code == 0
    assert "1 of " in shown.out

    with (ended.directory / LOG_FILE).open("ab") as log:
        log.write(bytes(60))  # a record that the death cut off
    (ended.directory / f"{RUN_FILE}.part").write_text('{"status": "do', encoding="utf-8")
    bench.is_unfinished()
    assert bench.tool("orders", ended.directory, "--json").json["torn_bytes"] == 60
    shown = bench.tool("runs", "show", ended.directory)
    assert shown.code == 0
    assert "whole events and 60 bytes of another" in shown.out
    told = bench.tool("orders", ended.directory, "--limit", 1)
    assert "unfinished" in told.out + told.err, "a list that ends early must say so"
