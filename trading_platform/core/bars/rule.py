"""Custom bars: a compiled function of the user's that decides after each trade whether the bar is complete.

It is compiled alone and called by its address, so what calls it is compiled once for all rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..._jit import Array, Entry, code_key, entry, kernel
from .records import BAR, BUILDER

_TYPES: Final = (Array(BUILDER), Array(BAR))


@dataclass(frozen=True)
class BarRule:
    """A rule for bars of kind CUSTOM."""

    name: str
    entry: Entry


def bar_rule(function: Callable[[np.void, np.void], int]) -> BarRule:
    """Compile ``function(builder, bar)``: it returns 0 while the bar is to grow, anything else to close it.

    It is called after each trade was added and reads the fields of ``bar`` (BAR); ``builder["params"]`` are the numbers
    of the declaration, ``builder["size"]`` its size, ``builder["memory"]`` 8 integers of the rule's own that start as
    zeros and stay from bar to bar. It must write nothing else.
    """
    space, name = function.__globals__, function.__name__
    space |= {f"_rule_{name}": kernel(function)}
    source = (
        f"def _entry_{name}(builders, bars) -> int:\n    return int(_rule_{name}(builders[0], bars[0]))\n"
    )
    exec(compile(source, function.__code__.co_filename, "exec"), space)  # noqa: S102 (our own source, as of strategies)
    compiled = entry(*_TYPES, key=code_key(function, ""))(space[f"_entry_{name}"])
    compiled.load()
    return BarRule(name, compiled)
