"""Custom bars: a compiled function of the user's that decides after each trade whether the bar is complete.

It is compiled alone and called through numba's first-class function type, so what calls it is compiled once for all
rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..._jit import entry, function_type, type_of
from ..._state_type import address_of
from .records import BAR, BUILDER

SIGNATURE: Final = type_of(0)(type_of(np.zeros(1, BUILDER)[0]), type_of(np.zeros(1, BAR)[0]))
RULE: Final = function_type(SIGNATURE)


@dataclass(frozen=True)
class BarRule:
    """A rule for bars of kind CUSTOM."""

    name: str
    entry: Any

    @property
    def address(self) -> int:
        """Where a running session finds it: see `_state_type.call_at`."""
        return address_of(self.entry, SIGNATURE)


def bar_rule(function: Callable[[np.void, np.void], int]) -> BarRule:
    """Compile ``function(builder, bar)``: it returns 0 while the bar is to grow, anything else to close it.

    It is called after each trade was added and reads the fields of ``bar`` (BAR); ``builder["params"]`` are the numbers
    of the declaration, ``builder["size"]`` its size, ``builder["memory"]`` 8 integers of the rule's own that start as
    zeros and stay from bar to bar. It must write nothing else.
    """
    return BarRule(function.__name__, entry(SIGNATURE)(function))


@bar_rule
def no_rule(builder: np.void, bar: np.void) -> int:  # noqa: ARG001 (one signature for all)
    """Never close: what bars of the other kinds are given."""
    return 0
