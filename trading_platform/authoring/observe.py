"""Run a strategy of either form as plain Python, through the real engine, and look at every call.

This is for a process that was started with NUMBA_DISABLE_JIT=1: the core is plain Python there too, so a line of the
strategy can be named for whatever it does.
"""

import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..backtest.engine import Session, open_session, run_loop
from ..config.run import RunConfig
from ..core.state import FIELDS
from ..eventlog.reader import open_log
from ..eventlog.schema import EventArray
from ..eventlog.writer import EventLogWriter
from ..model.enums import CommandKind, DenyCode, EventFlag, EventKind, Stop, Wake
from ..model.errors import StrategyError
from ..record.names import LOG_FILE
from ..strategies.base import Strategy
from ..strategies.compiled import CompiledStrategy
from ..strategies.registry import AnyStrategy
from .declared import declared_findings
from .denials import CURES
from .exceptions import exception_finding
from .findings import ERROR, WARNING, Finding
from .lines import line_of_error, strategy_files
from .watch import Calls, Watch
from .words import Words

WAKEUPS: Final = 1000  # calls that are looked at
BLOCKS: Final = 30_000  # timestamp blocks that are replayed at most: plain Python takes 0.1 ms for one
PAUSE_BLOCKS: Final = 1000
DENIED_SHARE: Final = 0.01  # of all intents: fewer denials of one kind are the risk engine at work
INTERPRETED: Final = "interpreted"
COMPILED: Final = "compiled"
_GOOD_STOPS: Final = (
    Stop.END_OF_DATA,
    Stop.MAX_WAKEUPS,
    Stop.BAD_INTENT,
    Stop.INTENTS_FULL,
)  # the last two: told
_CALL_BACKS: Final = tuple(name for name in vars(Strategy) if name.startswith("on_"))


class _EnoughError(Exception):
    """BLOCKS were replayed: the check ends, nothing is wrong."""


@dataclass(frozen=True)
class Observation:
    """What came out of it; ``facts`` are counts for people, ``calls`` what a replay needs."""

    form: str
    file: Path
    findings: list[Finding]
    facts: dict[str, int]
    calls: Calls
    lengths: dict[str, int]  # of the state's arrays


def observe(
    config: RunConfig, search: Path | None, scratch: Path, probes: Mapping[int, Sequence[int]]
) -> Observation:
    """Run the strategy of a config over the first WAKEUPS calls.

    Parameters
    ----------
    scratch : directory for the log of the run
    probes : call number -> words of the state whose writing line is wanted (`Observation.calls.lines`)

    Raises
    ------
    ConfigError, DataError : config or data are wrong; what the strategy does wrong is a finding
    """
    session = open_session(config, search)
    module = sys.modules[config.strategy.class_path.partition(":")[0]]
    file = Path(module.__file__ or "")
    files = strategy_files(file)
    strategy, state = session.strategy, session.state
    compiled = isinstance(strategy, CompiledStrategy)
    memory = strategy.memory if isinstance(strategy, CompiledStrategy) else None
    words = Words(state, strategy.Params.record_dtype(), memory)
    watch = Watch(state, words, files, probes, compiled=compiled)
    session.strategy = _watched(strategy, watch)
    findings = declared_findings(strategy, file)
    ended = _run(session, scratch, files)
    asked = {(code, line) for code, line, _ in watch.calls.asked_wrongly}
    findings += [found for found in ended if (found.code, (found.file, found.line)) not in asked]
    findings += [
        dataclasses.replace(found, text=f"{found.text}; {count} times") if count > 1 else found
        for found, count in watch.calls.asked_wrongly.values()
    ]
    findings += _writes(watch.calls)
    events = open_log(scratch / LOG_FILE).events
    denied = _denials(events)
    facts = {
        "calls": watch.calls.count,
        "wakeups": int(state.session[0]["wakeup_count"]),
        "blocks": int(state.session[0]["block_count"]),
        "intents": watch.calls.intents,
        "unchanged": int(state.session[0]["noop_count"]),
        "orders": int(
            np.count_nonzero((events["kind"] == EventKind.SENT) & (events["a"] == CommandKind.NEW))
        ),
        "fills": int(np.count_nonzero(events["kind"] == EventKind.FILL)),
        "denied": sum(denied.values()),
    }
    if not any(found.severity == ERROR for found in findings):
        findings += _useless(facts, denied, watch.calls, strategy, file)
    lengths = {name: len(getattr(state, name)) for name in FIELDS}
    return Observation(COMPILED if compiled else INTERPRETED, file, findings, facts, watch.calls, lengths)


def _run(session: Session, scratch: Path, files: frozenset[str]) -> list[Finding]:
    """Run the session; return what ended it before its time."""
    record = session.state.session[0]
    record["wakeups_max"] = min(int(record["wakeups_max"]) or WAKEUPS, WAKEUPS)
    record["pause_block"] = PAUSE_BLOCKS
    record["audit"] = 0  # nobody empties its buffer here

    def enough(_now_ns: int, _last_ns: int) -> None:
        record["pause_block"] = record["block_count"] + PAUSE_BLOCKS
        if record["block_count"] >= BLOCKS:
            raise _EnoughError

    try:
        with EventLogWriter(scratch / LOG_FILE) as log:
            stop = run_loop(session, log, enough)
    except _EnoughError:
        return []
    except StrategyError as error:
        cause = error.__cause__ or error
        return [exception_finding(cause, line_of_error(cause, files), session.strategy.Params.record_dtype())]
    if stop in _GOOD_STOPS:
        return []
    text = f"the run stopped with {Stop(stop).name} ({int(record['stop_detail'])})"
    return [Finding("run-stopped", ERROR, "", 0, text, "`trading-platform run` tells more about this stop")]


def _watched(strategy: AnyStrategy, watch: Watch) -> AnyStrategy:
    """Return the strategy with every call going through ``watch``."""
    if isinstance(strategy, CompiledStrategy):
        entry = strategy.entry
        return dataclasses.replace(strategy, entry=lambda state: watch.call(entry, state))

    def wrapped(name: str) -> Any:
        original = getattr(strategy, name)

        def call_back(self: Strategy, *arguments: Any) -> None:
            watch.call(original, self, *arguments)

        return call_back

    overridden = [name for name in _CALL_BACKS if getattr(strategy, name) is not getattr(Strategy, name)]
    return type(strategy.__name__, (strategy,), {name: wrapped(name) for name in overridden})


def _writes(calls: Calls) -> list[Finding]:
    """Return a finding for each array and field that was written and must not be."""
    return [
        Finding(
            "forbidden-write",
            ERROR,
            *calls.lines.get((write.call, write.word), ("", 0)),
            f"{write.place.text} was changed from {write.before} to {write.after}: it belongs to the core",
            "a strategy reads the state; it asks with quote, new_order, replace and cancel, and keeps numbers in "
            + ("its memory record" if calls.start is not None else "its own attributes"),
        )
        for write in calls.writes.values()
    ]


def _denials(events: EventArray) -> Counter[DenyCode]:
    """Count denials by code, without those that only the end of the data made."""
    denied = events[(events["kind"] == EventKind.DENIED) & (events["code"] != DenyCode.END_OF_DATA)]
    count: Counter[DenyCode] = Counter()
    for event in denied:
        repeats = int(event["flags"]) & EventFlag.COALESCED
        count[DenyCode(int(event["code"]))] += int(event["c"]) if repeats else 1
    return count


def _useless(
    facts: dict[str, int], denied: Counter[DenyCode], calls: Calls, strategy: AnyStrategy, file: Path
) -> list[Finding]:
    """Return what a strategy did in vain."""
    found: list[tuple[str, str, str]] = []
    if calls.timers and not strategy.wake & Wake.TIMER:
        found.append(
            (
                "timer-without-wake",
                f"{calls.timers} calls set a timer, and nothing wakes the strategy for it",
                "add Wake.TIMER to wake",
            )
        )
    if not facts["calls"]:
        found.append(
            (
                "never-called",
                f"it was not called in {facts['blocks']} blocks of the market",
                "look at wake: what it waits for does not happen here",
            )
        )
    elif not facts["intents"]:
        found.append(
            (
                "asks-nothing",
                f"{facts['calls']} calls asked for nothing",
                "quote, new_order or market_order ask for orders; look at the conditions before them",
            )
        )
    elif facts["unchanged"] == facts["intents"]:
        found.append(
            (
                "changes-nothing",
                f"all {facts['intents']} intents changed nothing",
                "quote prices and quantities > 0",
            )
        )
    found += [
        (
            f"denied-{code.name.lower().replace('_', '-')}",
            f"{count} of {facts['intents']} intents were denied {code.name}: {CURES[code][0]}",
            CURES[code][1],
        )
        for code, count in denied.most_common()
        if not facts["orders"] or count > DENIED_SHARE * facts["intents"]
    ]
    return [Finding(code, WARNING, str(file), 0, text, cure) for code, text, cure in found]
