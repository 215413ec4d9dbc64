"""An exception of a strategy in plain words, with what usually helps."""

import builtins
import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..core.state import FIELDS
from ..model.records import RecordDtype
from ..strategies.view import View
from .findings import ERROR, Finding
from .lines import Line
from .watch import TooLongError


@dataclass(frozen=True)
class Rule:
    """One kind of exception: ``pattern`` is searched in "Type: text"; ``text`` and ``cure`` may use its groups.

    ``known`` gives the names that a wrong one may have meant.
    """

    code: str
    pattern: str
    text: str
    cure: str
    known: Callable[[RecordDtype], list[str]] = lambda _params: []


def exception_finding(error: BaseException, line: Line, params: RecordDtype) -> Finding:
    """Return the finding for an exception that a strategy raised at ``line``; ``params`` are its parameters."""
    said = f"{type(error).__name__}: {error}"
    for rule in RULES:
        match = re.search(rule.pattern, said, re.DOTALL)
        if match:
            words = match.groupdict()
            known = rule.known(params)
            near = difflib.get_close_matches(words.get("name", ""), known, 1, 0.6)
            words |= {"hint": f"did you mean {near[0]}? " if near else "", "known": ", ".join(known)}
            return Finding(rule.code, ERROR, *line, rule.text.format(**words), rule.cure.format(**words))
    cure = "`trading-platform run --debug` stops there and shows the variables"
    return Finding("exception", ERROR, *line, f"it raised {said}", cure)


def _fields(params: RecordDtype) -> list[str]:
    names = {name for dtype in FIELDS.values() for name in dtype.names or ()}
    return sorted(names | set(params.names or ()))


def _params(params: RecordDtype) -> list[str]:
    return list(params.names or ())


def _names(_params: RecordDtype) -> list[str]:
    return dir(builtins)


def _view(_params: RecordDtype) -> list[str]:
    return [name for name in dir(View) if not name.startswith("_")]


def _arrays(_params: RecordDtype) -> list[str]:
    return list(FIELDS)


_UNITS: Final = (
    "a parameter has its unit at the end of its name (Qty: _lots, PriceDistance: _ticks, Seconds: _ns)"
)
RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "endless",
        f"^{TooLongError.__name__}: (?P<said>.*)",
        "{said}: a loop without an end?",
        "look at the condition of the while loop",
    ),
    Rule(
        "unknown-field",
        r"^ValueError: no field of name (?P<name>\w+)",
        "the record has no field {name!r}",
        "{hint}" + _UNITS,
        _fields,
    ),
    Rule(
        "unknown-parameter",
        r"^KeyError: '(?P<name>\w+)'",
        "there is no {name!r} here",
        "{hint}params has {known}; " + _UNITS,
        _params,
    ),
    Rule(
        "unknown-view",
        r"^AttributeError: 'View' object has no attribute '(?P<name>\w+)'",
        "the view has no {name}",
        "{hint}it has {known}",
        _view,
    ),
    Rule(
        "unknown-state-array",
        r"^AttributeError: 'State' object has no attribute '(?P<name>\w+)'",
        "the state has no {name}",
        "{hint}it has the arrays {known}",
        _arrays,
    ),
    Rule(
        "state-is-fixed",
        r"^AttributeError: State\.(?P<name>\w+) must not be replaced",
        "state.{name} must not be set: the state belongs to the core",
        "ask with quote, new_order, replace and cancel; keep numbers in the memory record",
    ),
    Rule(
        "undefined-name",
        r"^(?:NameError|UnboundLocalError): .*?'(?P<name>\w+)'",
        "the name {name!r} has no value here",
        "{hint}define or import it, on every way that leads here",
        _names,
    ),
    Rule(
        "no-such-slot",
        r"^IndexError: (?P<said>no slot \(.*)",
        "{said}",
        "levels_per_side raises the number of levels",
    ),
    Rule(
        "float-index",
        r"^(?:TypeError: 'float' object cannot be interpreted as an integer|"
        r"IndexError: only integers|TypeError: .*indices must be integers)",
        "a float stands where a whole number is needed",
        "divide with // instead of /",
    ),
    Rule(
        "out-of-range",
        r"^IndexError: (?P<said>.*)",
        "an array or list is read outside of its length: {said}",
        "count from 0 to len(...) - 1; compiled code does not notice this and reads what lies there",
    ),
    Rule(
        "division-by-zero",
        r"^ZeroDivisionError",
        "a division by zero",
        "return before it while the divisor is 0: a quantity, a spread, a count",
    ),
    Rule(
        "float-too-large",
        r"^OverflowError: (?:math range error|\(34,|int too large to convert to float)",
        "a number is larger than a float can hold",
        "bound what goes into it first; np.exp gives inf where math.exp raises",
    ),
    Rule(
        "overflow",
        r"^OverflowError: ",
        "a number is larger than 64 bits can hold: compiled code wraps around without a word",
        "divide before multiplying, or use floats for what need not be exact",
    ),
    Rule(
        "float-intent",
        r"^ValueError: \w+ must be a whole number of 64 bits",
        "price or quantity must be an int",
        "divide with // instead of /, or round with int(...): prices are ticks, quantities lots",
    ),
    Rule(
        "none",
        r"^(?:TypeError|AttributeError): (?P<said>.*NoneType.*)",
        "None is used like a value: {said}",
        "view.order(...) is None for a free slot; quote and its like return nothing",
    ),
    Rule(
        "truth-of-array",
        r"^ValueError: The truth value of an array",
        "a whole array stands where one yes or no is needed",
        'compare one element: state.orders[row]["status"] == 1',
    ),
    Rule(
        "arguments",
        r"^TypeError: (?P<said>\S+\(\) .*argument.*)",
        "the call does not fit: {said}",
        "compare it with the function's parameters",
    ),
    Rule("recursion", r"^RecursionError", "a function calls itself without an end", "use a loop"),
)
