"""Bad input goes through the command line, as a user would give it; what it says and leaves on disk is looked at."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from backtest.strategies_on_disk import line_of, write_strategy
from blake3 import blake3
from cli.calling import Answer, Command
from oracle.builders import INTERPRETED, maker_config
from venues.play import BUY, SELL, Row, book, events_of, ticks_of_time, trade

import trading_platform
from trading_platform.data.files import save_events
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.eventlog.reader import open_log
from trading_platform.record.names import LOG_FILE, RUN_FILE
from trading_platform.record.run import read_run

Events = npt.NDArray[np.void]
RUN_ID: Final = "run"
TOOL: Final = (sys.executable, "-m", "trading_platform.cli")
ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if name != "RUST_BACKTRACE"} | {
    "PYTHONPATH": str(Path(trading_platform.__file__).parents[1])
}
FORMS: Final = ("interpreted", "compiled")
INTERPRETED_THEN: Final = """
    import ctypes
    import sys

    class S(Strategy):
        calls = 0

        def on_market(self):
            self.calls += 1
            self.view.quote(BUY, 0, self.view.bid_ticks(), 10)
            if self.calls == {calls}:
                {act}  # here
"""
COMPILED_THEN: Final = """
    from trading_platform.strategies import compiled as ask
    from trading_platform.strategies.params import StrategyParams

    cancel, market_order, new_order = ask.cancel, ask.market_order, ask.new_order
    quote, replace = ask.quote, ask.replace

    @ask.compiled_strategy(StrategyParams)
    def S(state, params, memory):
        quote(state, 0, 1, 0, state.books[0]["bid_ticks"], 10, 1, 0)
        if state.session[0]["wakeup_count"] == {calls}:
            {act}  # here
"""


def small_market(last_ms: int = 100) -> list[Row]:
    """Return a wakeup a millisecond, a touch that stays, and trades that fill whoever quotes at it."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, last_ms)]
    times = range(20, last_ms - 10, 5)
    return rows + [trade(at, SELL if at % 2 else BUY, 1000 if at % 2 else 1002, 70) for at in times]


def then(act: str, form: str = "interpreted", calls: int = 60) -> str:
    """Return a strategy that quotes at the bid, and does something once."""
    return (INTERPRETED_THEN if form == "interpreted" else COMPILED_THEN).format(act=act, calls=calls)


@dataclass(frozen=True)
class Ended:
    """How a run of the tool ended, and what it left."""

    answer: Answer
    directory: Path

    @property
    def record(self) -> dict[str, Any]:
        return read_run(self.directory)

    @property
    def events(self) -> Events:
        return open_log(self.directory / LOG_FILE).events

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    def is_plain(self) -> None:
        """Assert that nobody has to read a stack."""
        assert "Traceback" not in self.answer.out + self.answer.err

    def was_refused(self, *words: str) -> None:
        """Assert that nothing was run, with a message that has all ``words``, and that nothing is left."""
        self.is_plain()
        assert (self.answer.code, self.answer.out) == (2, ""), self.answer.err
        for word in words:
            assert word in self.answer.err, (word, self.answer.err)
        assert not self.directory.exists(), "what never ran leaves no run behind"

    def failed(self, *words: str, code: int = 1, status: str = "failed") -> None:
        """Assert that the run failed, said so with all ``words``, and that record and log agree with that."""
        self.is_plain()
        assert self.answer.code == code, self.answer
        for word in words:
            assert word in self.answer.err, (word, self.answer.err)
        assert f"record: {self.directory}" in self.answer.err
        assert "next: trading-platform " in self.answer.out
        record = self.record
        assert record["status"] == status
        assert record["error"]
        assert status == "interrupted" or record["error"] in self.answer.err, (
            "record and message tell the same"
        )
        self.log_is_whole(record)

    def log_is_whole(self, record: dict[str, Any]) -> None:
        """Assert that the log has whole records in sequence, and the digest that the record names, if it does."""
        if not (self.directory / LOG_FILE).exists():
            return
        log = open_log(self.directory / LOG_FILE)
        assert log.torn_bytes == 0
        assert log.events["seq"].tolist() == list(range(1, len(log.events) + 1))
        if "log_digest" in record:
            content = (self.directory / LOG_FILE).read_bytes()[HEADER_BYTES:]
            assert record["log_digest"] == blake3(content).hexdigest()
            assert record["log"]["events"] == len(log.events)


class Bench:
    """Where a test makes its input and runs it."""

    def __init__(self, tool: Command, folder: Path) -> None:
        self.tool = tool
        self.folder = folder
        self.runs = folder / "runs"
        self.directory = self.runs / RUN_ID
        self.class_path = INTERPRETED

    def market(self, rows: Sequence[Row], name: str = "market.npz") -> Path:
        """Write a market and return its file."""
        save_events(self.folder / name, events_of(rows))
        return self.folder / name

    def config(self, source: str = "", files: Sequence[Path] = (), **changes: object) -> Path:
        """Write a config: of the strategy with that source, or of the shipped maker, on a small market by default."""
        if not files:
            files = [self.market(small_market())]
        if source:
            self.class_path = write_strategy(self.folder, source)
            changes = {"strategy__params": {}} | changes
        changes = {"risk__venue_policy": {"min_order_notional": 0}} | changes  # the price here is 100
        changes |= {"output__directory": str(self.runs), "output__run_id": RUN_ID}
        config = maker_config(tuple(files), self.class_path, **changes)
        path = self.folder / "config.json"
        path.write_text(json.dumps(config.resolved()), encoding="utf-8")
        return path

    def run(self, source: str = "", files: Sequence[Path] = (), **changes: object) -> Ended:
        """Run a config in this process; the engine has one of its own."""
        return Ended(
            self.tool("run", "--config", self.config(source, files, **changes)),
            self.directory,
        )

    def run_apart(
        self, config: Path, *, before: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Run a config in a process and session of its own: signals must not reach the tests."""
        done = subprocess.run(
            [*before, *TOOL, "run", "--config", str(config)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT | dict(environment or {}),
            start_new_session=True,
            timeout=120,
            check=False,
        )
        return Ended(Answer(done.returncode, done.stdout, done.stderr), self.directory)

    def place(self) -> str:
        """Return file and line of the strategy's statement that is marked ``# here``, as messages name it."""
        module = self.class_path.partition(":")[0]
        return f"{module}.py:{line_of(self.folder, self.class_path, '# here')}"

    def status_in_list(self) -> str:
        """Return what ``runs ls`` says of the run."""
        found = self.tool("runs", "ls", "--runs", self.runs, "--json")
        assert found.code == 0
        return str(found.json["runs"][0]["status"])

    def is_unfinished(self) -> None:
        """Assert that every command that meets the run says that it has no end."""
        assert not (self.directory / RUN_FILE).exists()
        assert self.status_in_list() == "unfinished"
        verified = self.tool("verify", self.directory)
        assert verified.code == 1
        assert "unfinished" in verified.err
