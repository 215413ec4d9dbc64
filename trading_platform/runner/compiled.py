"""Run a compiled strategy: Python is entered only to empty the journal."""

from collections.abc import Callable
from typing import Any, Final

from numba import types

from .._jit import entry
from ..core.state import STATE, State
from ..model.enums import Stop
from ..model.records import Records
from ..venues.hftbacktest.adapter import VENUE_TYPE
from .loop import advance

STRATEGY: Final = types.FunctionType(types.int64(STATE))
_WAKE: Final = int(Stop.WAKE)
_STRATEGY_ERROR: Final = int(Stop.STRATEGY_ERROR)


@entry(types.int64(VENUE_TYPE, STATE, STRATEGY))
def run_compiled(venue: Records, state: State, strategy: Callable[[State], int]) -> int:
    """Run a compiled strategy until the loop has to stop."""
    while True:
        stop = advance(venue, state)
        if stop != _WAKE:
            return stop
        code = strategy(state)
        if code != 0:
            state.session[0]["stop_detail"] = code
            return _STRATEGY_ERROR


def run_entry(venue: Records, state: State, strategy: Any, flush: Callable[[], None]) -> int:
    """Run until the loop has to stop; ``flush`` empties the journal. Returns a Stop, never FLUSH."""
    while True:
        stop = int(run_compiled(venue, state, strategy))
        flush()
        if stop != Stop.FLUSH:
            return stop
