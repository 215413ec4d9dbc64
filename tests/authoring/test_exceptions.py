"""Exceptions that strategies raise, told in plain words: each rule is reached by a statement that really raises."""

import math
import re
from typing import Any, Final

import numpy as np
import pytest

from trading_platform.authoring.denials import CURES
from trading_platform.authoring.exceptions import RULES, exception_finding
from trading_platform.authoring.watch import TooLongError
from trading_platform.core.state import new_state
from trading_platform.model.enums import DenyCode
from trading_platform.strategies.arithmetic import as_compiled
from trading_platform.strategies.view import View

PARAMS = np.dtype([("order_qty_lots", "i8")])
CASES: Final = {  # statement -> code, words
    "raise TooLongError('the call did not end within 10 s')": ("endless", ("10 s",)),
    'state.books[0]["bid_tick"]': ("unknown-field", ("'bid_tick'", "did you mean bid_ticks?")),
    'params["order_qty"]': ("unknown-parameter", ("'order_qty'", "did you mean order_qty_lots?")),
    "view.bid_tick()": ("unknown-view", ("bid_tick", "did you mean bid_ticks?")),
    "state.position": ("unknown-state-array", ("did you mean positions?",)),
    "state.books = 3": ("state-is-fixed", ("state.books",)),
    "lenn(state.books)": ("undefined-name", ("'lenn'", "did you mean len?")),
    "view.quote(1, 99, 1, 1)": ("no-such-slot", ("level 99", "levels 0 to 15")),
    "[1][2]": ("out-of-range", ("list index out of range",)),
    "state.books[7]": ("out-of-range", ("index 7",)),
    "1 // 0": ("division-by-zero", ("division by zero",)),
    "np.int64(1) // np.int64(0)": ("division-by-zero", ("division by zero",)),
    "math.exp(1000.0)": ("float-too-large", ("larger than a float", "np.exp")),
    "2.0**5000": ("float-too-large", ("larger than a float",)),
    "state.books[0]['bid_ticks'] = 2 ** 70": ("overflow", ("64 bits",)),
    "view.quote(1, 0, 1.5, 1)": ("float-intent", ("must be an int", "//")),
    "range(1.5)": ("float-index", ("whole number",)),
    "state.books[1.5]": ("float-index", ("whole number",)),
    "view.order(1, 0).price_ticks": ("none", ("None",)),
    "None + 1": ("none", ("None",)),
    "bool(state.orders['order_id'] > 0)": ("truth-of-array", ("whole array",)),
    "view.quote(1)": ("arguments", ("missing",)),
    "(lambda f: f(f))(lambda f: f(f))": ("recursion", ("calls itself",)),
    "raise RuntimeError('mine')": ("exception", ("RuntimeError: mine",)),
}


def raised(statement: str) -> Exception:
    state = new_state()
    space: dict[str, Any] = {"state": state, "view": View(state), "np": np, "TooLongError": TooLongError}
    space["math"] = math
    space["params"] = {"order_qty_lots": 10}
    try:
        with as_compiled():
            exec(statement, space)
    except Exception as error:  # noqa: BLE001 (all kinds)
        return error
    raise AssertionError(f"{statement} raises nothing")


@pytest.mark.parametrize("statement", CASES)
def test_exception_is_told_with_what_helps(statement: str) -> None:
    code, words = CASES[statement]
    finding = exception_finding(raised(statement), ("maker.py", 7), PARAMS)
    message = f"{finding.text} | {finding.cure}"

    assert finding.code == code, message
    assert (finding.file, finding.line) == ("maker.py", 7)
    for word in words:
        assert word in message
    assert "{" not in message


def test_every_rule_is_reached() -> None:
    texts = [f"{type(error).__name__}: {error}" for error in map(raised, CASES)]
    reached = [
        next((rule for rule in RULES if re.search(rule.pattern, text, re.DOTALL)), None) for text in texts
    ]

    assert [rule.pattern for rule in RULES if rule not in reached] == []


def test_every_denial_has_a_meaning_and_a_cure() -> None:
    assert set(CURES) == set(DenyCode) - {DenyCode.NONE}
    assert all(text and cure for text, cure in CURES.values())
