"""Compile a strategy alone, with bounds checks, and repeat its calls: they must leave the bytes that plain Python left.

This is for a process that was started with NUMBA_BOUNDSCHECK=1. Nothing but the strategy and the kernels it calls is
compiled: no engine and no runner.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core.state import State
from ..strategies.compile_errors import find_compile_problem
from ..strategies.compiled import CompiledStrategy
from ..strategies.registry import load_strategy
from .exceptions import exception_finding
from .findings import ERROR, WARNING, Finding, Severity
from .lines import line_of_error, strategy_files
from .watch import Calls
from .words import Place, Words

CALLS_FILE: Final = "calls.npz"
LAST_BITS: Final = (
    1e-9  # relative difference of floats that the mathematical functions of two libraries explain
)


@dataclass(frozen=True)
class Difference:
    """A word that call number ``call`` left otherwise when compiled: the first of each array and field."""

    call: int
    word: int
    place: Place
    plain: int | float
    compiled: int | float

    def finding(self) -> Finding:
        """Return the finding; the line that wrote the word in plain Python is not known here."""
        code = "compiled-differs"
        text = f"after call {self.call + 1} {self.place.text} is {self.compiled} compiled, {self.plain} in plain Python"
        cure = (
            "typical reasons: an int beyond 64 bits wraps around, a float is cut to an int, a variable or an array is "
            "read before it was written, a variable of the module was changed"
        )
        severity: Severity = ERROR
        if self.place.kind.kind == "f" and np.isclose(self.plain, self.compiled, rtol=LAST_BITS, atol=0):
            code, severity = "last-bits-differ", WARNING
            cure = "mathematical functions of floats differ in their last bits; decide on integers"
        return Finding(code, severity, "", 0, text, cure)


def save_calls(directory: Path, calls: Calls, lengths: dict[str, int]) -> None:
    """Write what `replay` needs: the state before the first call, and what changed before and in each."""
    changes = calls.changes[: 2 * calls.count]
    assert calls.start is not None
    np.savez(
        directory / CALLS_FILE,
        start=calls.start,
        bounds=np.cumsum([0, *(len(words) for words, _ in changes)]),
        words=np.concatenate([words for words, _ in changes]) if changes else np.zeros(0, np.int64),
        values=np.concatenate([values for _, values in changes]) if changes else np.zeros(0, np.int64),
        lengths=np.array(list(lengths.values()), np.int64),
        names=np.array(list(lengths)),
    )


def replay(
    class_path: str, search: Path | None, file: Path, directory: Path
) -> tuple[list[Finding], list[Difference], int]:
    """Compile the strategy and repeat the calls of `save_calls`.

    Returns findings, differences, and the number of calls that were repeated.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            strategy = load_strategy(class_path, search)
        except Exception as error:
            problem = find_compile_problem(error, file)
            if problem is None:
                raise
            place = str(problem.file)
            return [Finding(problem.code, ERROR, place, problem.line, problem.text, problem.cure)], [], 0
    assert isinstance(strategy, CompiledStrategy)
    findings = _warnings(said, file)
    with np.load(directory / CALLS_FILE, allow_pickle=False) as saved:
        lengths = dict(zip(saved["names"].tolist(), saved["lengths"].tolist(), strict=True))
        state = State(lengths)
        words = Words(state, strategy.Params.record_dtype(), strategy.memory)
        found, differences, count = _repeat(strategy, state, words, dict(saved), strategy_files(file))
    return findings + found, differences, count


def _repeat(
    strategy: CompiledStrategy, state: State, words: Words, saved: dict[str, Any], files: frozenset[str]
) -> tuple[list[Finding], list[Difference], int]:
    bounds, numbers, values = saved["bounds"], saved["words"], saved["values"]
    expected = saved["start"].copy()
    words.give(np.arange(len(expected)), expected)
    found: dict[tuple[str, str], Difference] = {}
    calls = (len(bounds) - 1) // 2
    for call in range(calls):
        before = slice(bounds[2 * call], bounds[2 * call + 1])
        after = slice(bounds[2 * call + 1], bounds[2 * call + 2])
        expected[numbers[before]] = values[before]
        words.give(numbers[before], values[before])
        try:
            strategy.entry(state)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
            finding = exception_finding(error, line_of_error(error, files), strategy.Params.record_dtype())
            text = f"call {call + 1} raised in compiled code, and not in plain Python: {finding.text}"
            return (
                [Finding("compiled-raises", ERROR, finding.file, finding.line, text, finding.cure)],
                list(found.values()),
                call,
            )
        expected[numbers[after]] = values[after]
        differing = words.changed(expected)
        for word, is_free in zip(differing.tolist(), words.may_change(differing), strict=True):
            if is_free:  # what it must not write was told, and taken back, in plain Python
                plain, compiled = int(expected[word]), words.get(word)
                place = words.place(word, plain, compiled)
                difference = Difference(call, word, place, place.value(plain), place.value(compiled))
                found.setdefault((place.array, place.field), difference)
        words.give(differing, expected[differing])
    return [], list(found.values()), calls


def _warnings(said: list[warnings.WarningMessage], file: Path) -> list[Finding]:
    """Return what the compiler warned of."""
    found = {}
    for one in said:
        if one.category.__module__.startswith("numba"):
            text = str(one.message).splitlines()[0]
            if "Cannot cache" in text:
                text = "the compiled strategy cannot be kept: every process compiles it anew"
            found[text] = Finding(
                "compiler-warning",
                WARNING,
                str(file),
                0,
                text,
                "use numbers, tuples and small arrays of the module only, and no function as an argument",
            )
    return list(found.values())
