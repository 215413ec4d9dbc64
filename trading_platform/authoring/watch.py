"""Calls of a strategy under observation: what it changed, what it asked for, and how long it took."""

import inspect
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import numpy as np

from ..core import intents
from ..core.state import State
from ..model.records import INTENT, INTENT_TAG_MAX
from ..strategies.arithmetic import as_compiled
from ..strategies.view import View
from .findings import ERROR, Finding
from .lines import Line, LineFinder, calling_line
from .words import Place, Vector, Words

CALL_SECONDS: Final = 10.0  # of one call in plain Python: longer is a loop without an end
_INTENT_FIELDS: Final = INTENT.names or ()
_ASKING: Final = frozenset(  # by identity: equality of code compares all of it
    id(function.__code__) for function in (inspect.unwrap(intents.append), View._append, View.quote)
)
_LOOKED_UP: Final = {"kind": 0, "slot": 0, "order_type": 0}  # by a quote of the view itself: they are right


class TooLongError(Exception):
    """One call of a strategy took longer than CALL_SECONDS."""


@dataclass(frozen=True)
class Write:
    """A word of the state that a strategy must not change and did, in call number ``call``."""

    call: int
    word: int
    place: Place
    before: int | float
    after: int | float


@dataclass
class Calls:
    """What was seen.

    ``count`` are calls that returned. ``changes`` are (words, values) pairs, two a call: what the core changed before
    it, and what the call changed.
    """

    count: int = 0
    intents: int = 0
    timers: int = 0  # calls that set the timer
    writes: dict[tuple[str, str], Write] = field(default_factory=dict)  # the first of each array and field
    asked_wrongly: dict[tuple[str, Line, str], tuple[Finding, int]] = field(
        default_factory=dict
    )  # (code, line, value of the intent) -> the first, and how many
    lines: dict[tuple[int, int], Line] = field(default_factory=dict)  # (call, word) -> the line that wrote it
    start: Vector | None = None
    changes: list[tuple[Vector, Vector]] = field(default_factory=list)


class Watch:
    """Runs calls of a strategy and notes in ``calls`` what they do. A forbidden write is noted and taken back.

    Parameters
    ----------
    files : whose lines are the strategy's
    probes : call -> words whose line is wanted
    compiled : the strategy is a compiled one: its changes are kept, so that the calls can be replayed, and its numbers
        behave as compiled (`as_compiled`); else numpy's are those of a run
    """

    def __init__(
        self,
        state: State,
        words: Words,
        files: frozenset[str],
        probes: Mapping[int, Sequence[int]],
        *,
        compiled: bool,
    ) -> None:
        self.calls = Calls()
        self._state, self._words, self._files, self._probes = state, words, files, probes
        self._known = words.read()
        self._compiled = compiled
        if compiled:
            self.calls.start = self._known.copy()
        self._depth = 0

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call ``function`` as a call-back of the strategy. What it raises goes through."""
        if self._depth:  # a call-back that calls another one is one call
            return function(*arguments)
        self._take_note(self._words.changed(self._known))
        number = self.calls.count
        self._depth += 1
        follow = (
            LineFinder(self._words, self._probes[number], self._files)
            if number in self._probes
            else nullcontext()
        )
        try:
            numbers = as_compiled() if self._compiled else nullcontext()
            with _deadline(), numbers, self._listening(), follow as finder:
                answer = function(*arguments)
        finally:
            self._depth -= 1
            if finder is not None:
                self.calls.lines |= {(number, word): line for word, line in finder.found.items()}
            self._judge(number)
        self.calls.count += 1
        return answer

    def _judge(self, number: int) -> None:
        """Sort what a call changed into what it may and what it must not."""
        changed = self._words.changed(self._known)
        free = self._words.may_change(changed)
        for word in changed[~free]:
            before, after = int(self._known[word]), self._words.get(int(word))
            place = self._words.place(int(word), before, after)
            write = Write(number, int(word), place, place.value(before), place.value(after))
            self.calls.writes.setdefault((place.array, place.field), write)
        self._words.give(changed[~free], self._known[changed[~free]])
        self._take_note(changed[free])

    def _take_note(self, changed: Vector) -> None:
        values = self._words.take(changed)
        self._known[changed] = values
        if self._compiled:
            self.calls.changes.append((changed, values))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        timer_ns = int(self._state.session[0]["timer_ns"])
        outer = sys.getprofile()
        sys.setprofile(self._listen)
        try:
            yield
        finally:
            sys.setprofile(outer)
            self.calls.timers += int(self._state.session[0]["timer_ns"]) != timer_ns

    def _listen(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Look at each intent where it is appended: later its line is not known any more."""
        if event != "call" or id(frame.f_code) not in _ASKING:
            return
        self.calls.intents += 1
        line = calling_line(frame, self._files)
        said = frame.f_locals if frame.f_code is not View.quote.__code__ else _LOOKED_UP | frame.f_locals
        values = {name: said[name] for name in _INTENT_FIELDS}
        for code, name, text, cure in self._wrong(values, frame):
            finding = Finding(code, ERROR, *line, text, cure)
            first, count = self.calls.asked_wrongly.get((code, line, name), (finding, 0))
            self.calls.asked_wrongly[code, line, name] = (first, count + 1)

    def _wrong(self, values: dict[str, Any], frame: FrameType) -> Iterator[tuple[str, str, str, str]]:
        """Yield code, value's name, text and cure of what is wrong with one intent."""
        for name, value in values.items():
            if not isinstance(value, int | np.integer):
                yield (
                    "float-intent",
                    name,
                    f"{name} must be an int, was {value!r} ({type(value).__name__}): the rest would be cut off",
                    "divide with // instead of /, or round with int(...): prices are ticks, quantities lots",
                )
        levels = int(self._state.session[0]["levels_per_side"])
        if values["slot"] == -1:
            asked = frame.f_back.f_locals if frame.f_back is not None else {}
            where = ", ".join(
                f"{name} {asked[name]}" for name in ("instrument", "side", "level") if name in asked
            )
            yield (
                "no-such-slot",
                "slot",
                f"there is no slot ({where}): the run stops here",
                f"instrument is 0, side 1 or -1, level 0 to {levels - 1}; levels_per_side raises the number of levels",
            )
        if isinstance(values["tag"], int | np.integer) and not 0 <= values["tag"] <= INTENT_TAG_MAX:
            yield (
                "tag-out-of-range",
                "tag",
                f"tag must be 0 to {INTENT_TAG_MAX}, was {values['tag']}: the log would show another one",
                "use small numbers for reasons",
            )
        if int(self._state.session[0]["intent_count"]) == len(self._state.intents):
            yield (
                "too-many-intents",
                "",
                f"more than {len(self._state.intents)} intents in one call: the run stops here",
                "one intent a slot and call is enough, the last one wins; levels_per_side makes room",
            )


@contextmanager
def _deadline() -> Iterator[None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"the call did not end within {CALL_SECONDS:g} s")

    outer = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, CALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer)
