"""Run a compiled strategy: Python is entered only to empty the journal."""

from collections.abc import Callable
from typing import Any, Final

from .._jit import STATE, STRATEGY, Array, call_strategy, entry
from ..core.state import State
from ..model.enums import Stop
from ..model.records import Records
from ..venues.hftbacktest.adapter import VENUE
from .loop import advance

_WAKE: Final = int(Stop.WAKE)
_STRATEGY_ERROR: Final = int(Stop.STRATEGY_ERROR)


@entry(Array(VENUE), STATE, STRATEGY)
def run_compiled(venue: Records, state: State, strategy: Callable[[State], int]) -> int:
    """Run a compiled strategy until the loop has to stop."""
    while True:
        stop = advance(venue, state)
        if stop != _WAKE:
            return stop
        code = call_strategy(strategy, state)
        if code != 0:
            state.session[0]["stop_detail"] = code
            return _STRATEGY_ERROR


def run_entry(venue: Records, state: State, strategy: Any, flush: Callable[[], None]) -> int:
    """Run until the loop has to stop; ``flush`` empties the journal. Returns a Stop, never FLUSH."""
    run = run_compiled.bind(venue, state, strategy)
    while True:
        stop = run()
        flush()
        if stop != Stop.FLUSH:
            return stop
