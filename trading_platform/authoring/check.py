"""Check a strategy: run it as plain Python under observation, then compiled with bounds checks, and compare."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..backtest.runtime.display import Display
from ..config.run import RunConfig
from ..model.errors import ConfigError, TradingPlatformError
from .findings import ERROR, Finding, finding_from_json

CHILD_SECONDS: Final = 900
PLAIN: Final[Mapping[str, str]] = {"NUMBA_DISABLE_JIT": "1"}
BOUNDS_CHECKED: Final[Mapping[str, str]] = {"NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "1"}
Answer = dict[str, Any]


class BadInputError(TradingPlatformError):
    """What was asked for cannot be checked: no such strategy, a wrong config or parameter, no data."""

    exit_code = 2


class DiedError(TradingPlatformError):
    """The process that ran the strategy ended without an answer."""


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    form : interpreted or compiled; empty if the module could not be imported
    guessed : parameters that were made up, because no config was given
    facts : counts of the run in plain Python (calls, intents, orders, fills, denied, ...)
    repeated : calls that were repeated compiled; 0 for interpreted strategies
    """

    class_path: str
    form: str
    guessed: dict[str, Any]
    facts: dict[str, int]
    repeated: int
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Tell whether there is an error among the findings."""
        return any(found.severity == ERROR for found in self.findings)


def check_strategy(
    class_path: str,
    search: Path,
    *,
    config: RunConfig | None = None,
    overrides: Mapping[str, object] | None = None,
    display: Display | None = None,
) -> Report:
    """Check a strategy of either form.

    Parameters
    ----------
    class_path : ``module:Name``
    search : directory whose modules can be named too
    config : run it with this config, on the first of its data; else on a small synthetic market with guessed
        parameters
    overrides : dotted key -> value, for the small config only

    Raises
    ------
    BadInputError : no such strategy, a wrong config, wrong parameters, wrong data
    """
    display = display or Display()
    with tempfile.TemporaryDirectory(prefix="trading-platform-check-") as scratch:
        request: Answer = {
            "do": "observe",
            "class_path": class_path,
            "search": str(search.resolve()),
            "scratch": scratch,
            "config": config.resolved() if config is not None else None,
            "overrides": dict(overrides or {}),
            "probes": {},
        }
        try:
            return _check(request, display)
        except DiedError as error:
            return Report(class_path, "", {}, {}, 0, (_died(error),))


def _check(request: Answer, display: Display) -> Report:
    class_path = request["class_path"]
    display.phase(f"running {class_path} as plain Python")
    seen = ask(request, PLAIN)
    findings = _findings(seen)
    if "form" not in seen:
        return Report(class_path, "", {}, {}, 0, tuple(findings))
    repeated: Answer = {"calls": 0, "findings": [], "differences": []}
    if seen["form"] == "compiled":
        display.phase(f"compiling it with bounds checks and repeating {seen['facts']['calls']} calls")
        try:
            repeated = ask(request | {"do": "replay", "file": seen["file"]}, BOUNDS_CHECKED)
        except DiedError as error:
            repeated["findings"] = [_died(error).to_json()]
    probes: dict[str, list[int]] = {}
    for call, word in [*seen["writes"], *(one[:2] for one in repeated["differences"])]:
        probes.setdefault(str(call), []).append(word)
    lines: dict[tuple[int, int], tuple[str, int]] = {}
    if probes:
        display.phase("looking for the lines")
        again = ask(request | {"probes": probes}, PLAIN)
        findings = _findings(again)
        lines = {(call, word): (file, line) for call, word, file, line in again["lines"]}
    for call, word, one in repeated["differences"]:
        file, line = lines.get((call, word), (seen["file"], 0))
        findings.append(dataclasses.replace(finding_from_json(one), file=file, line=line))
    return Report(
        class_path,
        seen["form"],
        seen["guessed"],
        seen["facts"],
        repeated["calls"],
        _sorted(findings, _findings(repeated)),
    )


def _died(error: DiedError) -> Finding:
    cure = "a strategy must not end its process; `trading-platform run --debug` shows where it stands"
    return Finding("died", ERROR, "", 0, str(error), cure)


def _sorted(plain: list[Finding], compiled: list[Finding]) -> tuple[Finding, ...]:
    """Return errors before warnings, each by place; of what is told twice (plain and compiled), the latter."""
    told = {(found.code, found.file, found.line) for found in compiled if found.line}
    kept = [found for found in plain if (found.code, found.file, found.line) not in told]
    findings = dict.fromkeys([*kept, *compiled])
    return tuple(sorted(findings, key=lambda found: (found.severity != ERROR, found.file, found.line)))


def _findings(answer: Answer) -> list[Finding]:
    return [finding_from_json(one) for one in answer["findings"]]


def ask(request: Answer, environment: Mapping[str, str]) -> Answer:
    """Let a new process serve a request of ``authoring.child``; what it prints goes to standard error.

    Raises
    ------
    BadInputError : the request names what is not there
    DiedError : the process was killed, ended without an answer or took longer than CHILD_SECONDS
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "trading_platform.authoring.child"],
            input=json.dumps(request, default=str),  # a Decimal is written as text
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | environment,
            timeout=CHILD_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C is the tool's, which kills this one: no traceback of its own
        )
    except subprocess.TimeoutExpired:
        raise DiedError(f"the strategy did not come to an end within {CHILD_SECONDS} s") from None
    if done.returncode < 0:
        raise DiedError(f"the process that ran it was killed by {signal.Signals(-done.returncode).name}")
    if not done.stdout:
        raise DiedError(f"the process that ran it ended with code {done.returncode} and no answer")
    message = json.loads(done.stdout)
    if "error" in message:
        kind = BadInputError if message["exit_code"] == ConfigError.exit_code else TradingPlatformError
        raise kind(message["error"])
    answer: Answer = message["answer"]
    return answer
