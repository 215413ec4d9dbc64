"""Run a compiled strategy: Python is entered only to empty the journal."""

from collections.abc import Callable
from typing import Any

from ..core.state import State
from ..model.enums import Stop
from ..model.records import Records
from .loop import run_compiled


def run_entry(venue: Records, state: State, entry: Any, flush: Callable[[], None]) -> int:
    """Run until the loop has to stop; ``flush`` empties the journal. Returns a Stop, never FLUSH."""
    while True:
        stop = int(run_compiled(venue, state, entry))
        flush()
        if stop != Stop.FLUSH:
            return stop
