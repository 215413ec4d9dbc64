"""Strategies that a test writes to a directory, as a user would: a head, and the body that is to be looked at."""

import itertools
import textwrap
from pathlib import Path
from typing import Final

_NUMBERS = itertools.count()
MARK: Final = "# here"
COMPILED_HEAD: Final = '''
import math
from typing import Any

import numpy as np

from trading_platform.strategies.compiled import (
    State, Wake, cancel, compiled_strategy, kernel, new_order, quote,
)
from trading_platform.strategies.params import Qty, StrategyParams


class Params(StrategyParams):
    order_qty: Qty
    levels: int = 1


class Memory:
    count: int
    mean: float
    big: int


class Helper:
    def __init__(self):
        self.value = 1


HELPER = Helper()
MODES = {"calm": 1}
CODES = {1, 2}
PRICES = [1, 2]
WEIGHTS = np.array([1, 2, 3], np.int64)
CALLS = 0


def plain(x):
    return x + 1


@kernel
def doubled(x):
    return x + x


@kernel
def added(x, y):
    return x + y


@kernel
def endless(x):
    return endless(x - 1)


@compiled_strategy(Params, Memory, wake=Wake.TOUCH)
def maker(state: State, params: Any, memory: Any) -> None:
    """Quote the bid, and do what the test is about."""
    book, qty_lots = state.books[0], params["order_qty_lots"]
    memory["count"] += 1
    quote(state, 0, 1, 0, book["bid_ticks"], qty_lots)
'''
INTERPRETED_HEAD: Final = '''
import numpy as np

from trading_platform.model.enums import Wake
from trading_platform.strategies.base import Strategy
from trading_platform.strategies.params import Qty, StrategyParams


class Params(StrategyParams):
    order_qty: Qty


class Maker(Strategy):
    """Do what the test is about."""

    Params = Params
    wake = Wake.TOUCH

    def on_wakeup(self):
        view, qty_lots = self.view, self.params["order_qty_lots"]
'''


def write_compiled(folder: Path, body: str) -> str:
    """Write a compiled strategy whose body ends with ``body``; return its class path."""
    return _write(folder, COMPILED_HEAD + textwrap.indent(textwrap.dedent(body), " " * 4), "maker")


def write_interpreted(folder: Path, body: str, members: str = "") -> str:
    """Write an interpreted strategy whose on_wakeup ends with ``body``; return its class path.

    ``members`` are more of its methods and attributes.
    """
    source = INTERPRETED_HEAD + textwrap.indent(textwrap.dedent(body), " " * 8) + "\n\n"
    return _write(folder, source + textwrap.indent(textwrap.dedent(members), " " * 4), "Maker")


def _write(folder: Path, source: str, name: str) -> str:
    module = f"written_strategy_{next(_NUMBERS)}"  # a module is imported once in a process
    (folder / f"{module}.py").write_text(source + "\n", encoding="utf-8")
    return f"{module}:{name}"


def file_of(folder: Path, class_path: str) -> Path:
    return folder / f"{class_path.partition(':')[0]}.py"


def marked_line(folder: Path, class_path: str) -> int:
    """Return the number of the line with the mark."""
    lines = file_of(folder, class_path).read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if MARK in line]
    return number
