"""``run --debug`` on a real terminal: where it stops, what can be looked at, and the record it leaves."""

import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

import pexpect
import pytest
from oracle.builders import maker_config
from venues.play import BUY, SELL, book, depth, events_of, trade

import trading_platform
from trading_platform.backtest.engine import run_backtest
from trading_platform.backtest.runtime.debug import first_line, functions_of
from trading_platform.data.files import save_events
from trading_platform.record.run import read_run
from trading_platform.strategies.touch_maker import TouchMaker, touch_maker

from .writing import marked_line, write_compiled, write_interpreted

PROMPT: Final = "(strategy) "
SECONDS: Final = 120
PROCESS: Final = """
import json, sys
from pathlib import Path
from trading_platform.backtest.runtime.debug import debug_run

request = json.loads(Path(sys.argv[1]).read_text())
sys.exit(debug_run(request["config"], Path(request["directory"]), Path(request["search"])))
"""


class Terminal:
    """A debugged run on a pseudo terminal."""

    def __init__(self, folder: Path, class_path: str) -> None:
        rows = [*book(0, [(1000, 50)], [(1002, 60)]), *(depth(at, BUY, 1000, at) for at in range(1, 100))]
        rows += [trade(at, SELL if at % 2 else BUY, 1000 if at % 2 else 1002, 70) for at in range(20, 90, 5)]
        save_events(folder / "market.npz", events_of(rows), overwrite=True)
        self.config = maker_config(
            (folder / "market.npz",),
            class_path,
            risk__venue_policy={"min_order_notional": 0},
            strategy__params={"order_qty": "0.01"},
        )
        self.folder, self.directory = folder, folder / "run"
        self.directory.mkdir()
        request = {
            "config": self.config.resolved(),
            "directory": str(self.directory),
            "search": str(folder),
        }
        (folder / "request.json").write_text(json.dumps(request))
        self.child = pexpect.spawn(
            sys.executable,
            ["-c", PROCESS, str(folder / "request.json")],
            cwd=str(Path(trading_platform.__file__).parents[1]),
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(40, 300),
        )

    def answer(self, command: str) -> str:
        """Type a command at the prompt, and return what the debugger says until the next one, or to the end."""
        self.child.sendline(command)
        self.child.expect_exact([PROMPT, pexpect.EOF])
        return str(self.child.before)

    def first_stop(self) -> str:
        self.child.expect_exact(PROMPT)
        return str(self.child.before)

    def end(self) -> tuple[int, dict[str, Any]]:
        """Return exit code and record of the ended run."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus), read_run(self.directory)


QUOTES: Final = "view.quote(1, 0, view.bid_ticks(), qty_lots)"
MEMBERS: Final = '''
def on_start(self):
    """Count fills."""
    self.fills = 0  # here

def on_fill(self, event):
    self.fills += 1
'''


def test_interpreted_strategy_stops_in_each_call_back_once_and_gives_the_log_of_a_plain_run(
    tmp_path: Path,
) -> None:
    class_path = write_interpreted(tmp_path, QUOTES, MEMBERS)
    terminal = Terminal(tmp_path, class_path)
    stop = terminal.first_stop()
    assert f"({marked_line(tmp_path, class_path)})on_start()" in stop
    assert "self.fills = 0" in stop

    assert "on_wakeup()" in terminal.answer("c")
    assert "view, qty_lots = self.view" in terminal.answer("l .")
    terminal.answer("n")
    assert terminal.answer("p qty_lots").splitlines()[1] == "10"
    assert "on_fill()" in terminal.answer("c")
    assert "fills" in terminal.answer("p vars(self).keys()")
    terminal.answer("c")  # every stop is used up: to the end
    code, record = terminal.end()

    assert (code, record["status"]) == (0, "done")
    plain = tmp_path / "plain"
    plain.mkdir()
    assert record["log_digest"] == run_backtest(terminal.config, plain, search=tmp_path)["log_digest"]


def test_numbers_of_an_interpreted_strategy_behave_as_in_a_plain_run(tmp_path: Path) -> None:
    calls = "import numpy as np; np.seterr(all='ignore')"
    numbers = "rate = np.float64(1) / np.float64(view.now_ns * 0) + np.log(np.float64(0))"
    class_path = write_interpreted(tmp_path, f"{calls}; {numbers}\n{QUOTES}")
    terminal = Terminal(tmp_path, class_path)
    terminal.first_stop()
    terminal.answer("c")
    code, record = terminal.end()

    assert (code, record["status"]) == (0, "done")
    plain = tmp_path / "plain"
    plain.mkdir()
    assert record["log_digest"] == run_backtest(terminal.config, plain, search=tmp_path)["log_digest"]


def test_quitting_the_debugger_interrupts_the_run_and_leaves_a_readable_record(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, write_interpreted(tmp_path, QUOTES))
    terminal.first_stop()
    assert "interrupted" in terminal.answer("q")
    code, record = terminal.end()

    assert (code, record["status"]) == (130, "interrupted")
    assert record["wakeups"] == 1


def test_compiled_strategy_stops_in_its_body_as_plain_python_and_gives_the_same_log(tmp_path: Path) -> None:
    class_path = write_compiled(tmp_path, 'memory["big"] = 7  # here')
    terminal = Terminal(tmp_path, class_path)
    assert "maker()" in terminal.first_stop()
    terminal.answer(f"b {marked_line(tmp_path, class_path)}, memory['count'] == 3")
    assert 'memory["big"] = 7' in terminal.answer("c")
    assert terminal.answer("p memory['count']").splitlines()[1] == "np.int64(3)"
    terminal.answer("clear 2")
    terminal.answer("c")
    code, record = terminal.end()

    assert (code, record["status"]) == (0, "done")
    compiled = tmp_path / "compiled"
    compiled.mkdir()
    assert record["log_digest"] == run_backtest(terminal.config, compiled, search=tmp_path)["log_digest"]


@pytest.mark.parametrize("form", ["interpreted", "compiled"])
def test_an_exception_opens_the_strategy_s_own_frame(tmp_path: Path, form: str) -> None:
    """Also where it was raised by what the strategy called, or by a division that only compiled code refuses."""
    if form == "interpreted":
        class_path = write_interpreted(tmp_path, "wrong = 99\nview.quote(1, wrong, 5, qty_lots)  # here")
    else:
        class_path = write_compiled(
            tmp_path, 'wrong = 99\nmemory["big"] = 1 // (book["bid_ticks"] - 1000)  # here'
        )
    line = marked_line(tmp_path, class_path)
    terminal = Terminal(tmp_path, class_path)
    terminal.first_stop()
    stop = terminal.answer("c")
    assert f".py({line})" in stop
    assert "the run is over" in stop
    assert terminal.answer("p wrong").splitlines()[1] == "99"
    terminal.answer("q")
    code, record = terminal.end()

    assert (code, record["status"]) == (1, "failed")
    assert f".py:{line} in " in record["error"]


def test_strategy_that_does_not_compile_is_run_as_plain_python(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, write_compiled(tmp_path, "x = plain(3)  # here"))
    assert "maker()" in terminal.first_stop()
    terminal.answer("q")

    assert terminal.end()[1]["status"] == "interrupted"


def test_module_that_cannot_be_imported_fails_with_a_record(tmp_path: Path) -> None:
    (tmp_path / "broken_debugged.py").write_text("import no_such_module_at_all\n")
    code, record = Terminal(tmp_path, "broken_debugged:Maker").end()

    assert (code, record["status"]) == (1, "failed")
    assert "no_such_module_at_all" in record["error"]


def test_functions_of_both_forms_are_found_with_their_first_line() -> None:
    """A stop at a decorator, a signature or a docstring would never be reached."""
    for strategy, name, text in (
        (touch_maker, "touch_maker", "book = state.books[0]"),
        (TouchMaker, "on_wakeup", "view, qty_lots = self.view, self._qty_lots"),
    ):
        (code,) = functions_of(strategy)
        lines = Path(code.co_filename).read_text(encoding="utf-8").splitlines()
        assert code.co_name == name
        assert lines[first_line(code) - 1].strip() == text


@pytest.mark.parametrize("compiled", [False, True])
def test_stopping_the_tool_at_the_prompt_interrupts_the_run(tmp_path: Path, compiled: bool) -> None:
    """A service manager's SIGTERM: pdb would swallow it as a Ctrl-C at its prompt."""
    write = write_compiled if compiled else write_interpreted
    terminal = Terminal(tmp_path, write(tmp_path, "pass"))
    terminal.first_stop()
    terminal.child.kill(signal.SIGTERM)
    code, record = terminal.end()

    assert (code, record["status"]) == (130, "interrupted")


def test_death_of_the_debugged_process_leaves_a_record(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, write_compiled(tmp_path, "pass"))
    terminal.first_stop()
    terminal.answer("import os, signal; os.kill(os.getpid(), signal.SIGABRT)")
    terminal.child.close()

    record = read_run(terminal.directory)
    assert (terminal.child.exitstatus, record["status"]) == (1, "failed")
    assert "SIGABRT" in record["error"]
