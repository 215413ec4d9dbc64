"""Strategies that a test writes to a directory of its own, as a user would."""

import itertools
import textwrap
from pathlib import Path

_NUMBERS = itertools.count()
HEAD = """
    import os
    import signal
    from pathlib import Path

    from trading_platform.model.enums import Wake
    from trading_platform.strategies.base import Strategy

    BUY, SELL = 1, -1
"""


def write_strategy(folder: Path, source: str, name: str = "") -> str:
    """Write a module with a strategy named ``S`` into ``folder`` and return its class path.

    The module's name is new in this process: a module is imported once.
    """
    name = name or f"strategy_on_disk_{next(_NUMBERS)}"
    text = textwrap.dedent(HEAD) + textwrap.dedent(source)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return f"{name}:S"


def line_of(folder: Path, class_path: str, marker: str) -> int:
    """Return the number of the line that contains ``marker``."""
    lines = (folder / f"{class_path.partition(':')[0]}.py").read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if marker in line]
    return number
