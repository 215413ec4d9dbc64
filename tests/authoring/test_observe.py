"""What a strategy does in plain Python: every write, exception and wish in vain is found, with its line."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import trading_platform
from trading_platform.authoring.findings import Finding, finding_from_json

from .writing import marked_line, write_compiled, write_interpreted

PROCESS: Final = """
import json, sys, tempfile
from pathlib import Path
from trading_platform.authoring.market import guessed_params, small_config, write_market
from trading_platform.authoring.observe import observe
from trading_platform.strategies.registry import load_strategy

request, answers = json.load(sys.stdin), {}
folder = Path(request["folder"])
write_market(folder / "market.npz", seconds=20)
for name, class_path in request["class_paths"].items():
    strategy = load_strategy(class_path, folder)
    overrides = {"engine.max_wakeups": request["calls"]}
    config = small_config(class_path, guessed_params(strategy.Params), folder / "market.npz", overrides)
    probes = {}
    for _ in range(2):  # the second time with the lines of what the first one found
        with tempfile.TemporaryDirectory() as scratch:
            seen = observe(config, folder, Path(scratch), probes)
        for write in seen.calls.writes.values():
            probes.setdefault(write.call, []).append(write.word)
    answers[name] = {"facts": seen.facts, "form": seen.form, "findings": [one.to_json() for one in seen.findings]}
print(json.dumps(answers))
"""
CALLS: Final = 60


@dataclass(frozen=True)
class Case:
    """A body, its form, and what must be found: code, severity, words; no code: nothing."""

    body: str
    compiled: bool
    code: str = ""
    severity: str = "error"
    words: tuple[str, ...] = ()
    members: str = ""  # of the class, besides on_wakeup


CASES: Final = {
    "clean class": Case("view.quote(1, 0, view.bid_ticks(), qty_lots)", compiled=False),
    "clean function": Case('memory["big"] = memory["count"]', compiled=True),
    "write from a function": Case(
        'if memory["count"] == 20:\n    state.positions[0]["net_lots"] = 7_777  # here',
        compiled=True,
        code="forbidden-write",
        words=('state.positions[0]["net_lots"] was changed from', "to 7777", "memory record"),
    ),
    "write of a parameter": Case(
        'params["order_qty_lots"] = 3  # here',
        compiled=True,
        code="forbidden-write",
        words=('params["order_qty_lots"] was changed from 10 to 3',),
    ),
    "write of a limit": Case(
        'state.limits[0]["position_lots_max"] = 10**9  # here',
        compiled=True,
        code="forbidden-write",
        words=("position_lots_max", "1000000000"),
    ),
    "write of memory that was not declared": Case(
        "state.strategy[4096 + 64] = 1  # here",
        compiled=True,
        code="forbidden-write",
        words=("state.strategy[4160]",),
    ),
    "write from a class": Case(
        'view._state.orders[5]["price_ticks"] = 1  # here',
        compiled=False,
        code="forbidden-write",
        words=('state.orders[5]["price_ticks"] was changed from 0 to 1', "attributes"),
    ),
    "exception": Case("view.order(1, 5).price_ticks  # here", compiled=False, code="none"),
    "exception in a function": Case(
        'if memory["count"] == 5:\n    memory["big"] = WEIGHTS[memory["count"]]  # here',
        compiled=True,
        code="out-of-range",
        words=("index 5",),
    ),
    "overflow": Case(
        'memory["big"] = book["bid_ticks"] * 10**18  # here',
        compiled=True,
        code="overflow",
        words=("64 bits",),
    ),
    "overflow of a sum over several lines": Case(
        'memory["big"] = 9 * 10**18  # é\nmemory["big"] = (\n    memory["big"]  # here\n    + memory["big"]\n)',
        compiled=True,
        code="overflow",
    ),
    "overflow in place": Case(
        'memory["big"] = 9 * 10**18\nmemory["big"] *= 2  # here', compiled=True, code="overflow"
    ),
    "floats that grow to infinity": Case(
        """
        memory["mean"] = np.exp(1000.0)
        memory["mean"] = np.log(memory["mean"] * 0.0 + np.float64(0))
        memory["mean"] = 1e300
        memory["mean"] = memory["mean"] * memory["mean"]
        memory["mean"] *= 2
        memory["mean"] = np.float64(1e300) * np.float64(1e300)
        """,
        compiled=True,
    ),
    "division of floats by zero": Case(
        'memory["mean"] = 0.0\nmemory["mean"] = 1.0 / memory["mean"]  # here',
        compiled=True,
        code="division-by-zero",
    ),
    "floats of a class": Case(
        "self.weight = np.log(np.float64(0)) + np.float64(1) / np.float64(0) + np.exp(np.float64(1000))\n"
        "view.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
    ),
    "float price": Case(
        "view.quote(1, 0, view.bid_ticks() - 0.5, qty_lots)  # here",
        compiled=False,
        code="float-intent",
        words=("price_ticks", "(float)"),
    ),
    "float price of a function": Case(
        'quote(state, 0, -1, 0, book["ask_ticks"] + 0.5, qty_lots)  # here',
        compiled=True,
        code="float-intent",
        words=("price_ticks",),
    ),
    "slot": Case(
        'quote(state, 0, -1, 16, book["ask_ticks"], qty_lots)  # here',
        compiled=True,
        code="no-such-slot",
        words=("level 16", "side -1", "0 to 15"),
    ),
    "tag": Case(
        'quote(state, 0, -1, 0, book["ask_ticks"], qty_lots, 1, 70_000)  # here',
        compiled=True,
        code="tag-out-of-range",
        words=("70000", "65535"),
    ),
    "intents without end": Case(
        "for _ in range(1000):\n    view.cancel(1, 0)  # here",
        compiled=False,
        code="too-many-intents",
        words=("192",),
    ),
    "denied": Case(
        "view.quote(1, 0, view.ask_ticks(), qty_lots)",
        compiled=False,
        code="denied-post-only-would-cross",
        severity="warning",
        words=("of 60 intents",),
    ),
    "asks for nothing": Case("pass", compiled=False, code="asks-nothing", severity="warning"),
    "changes nothing": Case(
        "view.quote(1, 3, view.bid_ticks(), 0)", compiled=False, code="changes-nothing", severity="warning"
    ),
    "timer": Case(
        "view.set_timer(view.now_ns + 10**9)\nview.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
        code="timer-without-wake",
        severity="warning",
        words=("Wake.TIMER",),
    ),
    "call-back that nothing calls": Case(
        "view.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
        members="def on_trades(self):\n    self.trades = 1",
        code="call-back-without-wake",
        severity="warning",
        words=("on_trades", "Wake.TRADES"),
    ),
    "interval without a length": Case(
        "view.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
        members="wake = Wake.TOUCH | Wake.INTERVAL",
        code="interval-without-length",
        severity="warning",
        words=("interval_ns",),
    ),
    "length without an interval": Case(
        "view.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
        members="interval_ns = 10**9",
        code="length-without-interval",
        severity="warning",
        words=("Wake.INTERVAL",),
    ),
    "trades without room": Case(
        "view.quote(1, 0, view.bid_ticks(), qty_lots)",
        compiled=False,
        members="wake = Wake.TOUCH | Wake.TRADES",
        code="trades-without-room",
        severity="warning",
        words=("trades_capacity",),
    ),
}


@dataclass(frozen=True)
class Seen:
    """What was seen of one case."""

    folder: Path
    class_path: str
    form: str
    facts: dict[str, int]
    findings: list[Finding]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """Return all cases, observed in one process in which nothing is compiled."""
    folder = tmp_path_factory.mktemp("strategies")
    class_paths = {
        name: write_compiled(folder, case.body)
        if case.compiled
        else write_interpreted(folder, case.body, case.members)
        for name, case in CASES.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        input=json.dumps({"folder": str(folder), "class_paths": class_paths, "calls": CALLS}),
        capture_output=True,
        text=True,
        env=os.environ
        | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(trading_platform.__file__).parents[1])},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return {
        name: Seen(
            folder,
            class_paths[name],
            one["form"],
            one["facts"],
            [finding_from_json(found) for found in one["findings"]],
        )
        for name, one in answers.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_found_and_nothing_else(seen: dict[str, Seen], name: str) -> None:
    one, case = seen[name], CASES[name]

    assert one.form == ("compiled" if case.compiled else "interpreted")
    if not case.code:
        assert one.findings == []
        return
    codes = {found.code for found in one.findings}
    assert codes == {case.code}, one.findings
    found = one.findings[-1]
    assert found.severity == case.severity
    for word in case.words:
        assert word in f"{found.text} | {found.cure}"
    if "# here" in case.body:
        assert found.file == str(one.folder / f"{one.class_path.partition(':')[0]}.py")
        assert found.line == marked_line(one.folder, one.class_path)


def test_forbidden_write_is_taken_back_and_the_check_goes_on(seen: dict[str, Seen]) -> None:
    """Else one mistake would hide all that come after it."""
    assert seen["write of a limit"].facts == seen["clean function"].facts


def test_facts_are_those_of_a_real_run(seen: dict[str, Seen]) -> None:
    facts = seen["clean function"].facts

    assert facts["calls"] == facts["wakeups"] == facts["intents"] == CALLS
    assert 0 < facts["orders"] < facts["intents"]
    assert facts["unchanged"] + facts["orders"] <= facts["intents"]
