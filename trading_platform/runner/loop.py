"""The backtest loop: decide, send, wait, fold, until the strategy is due or Python is needed."""

from typing import Final

from .._jit import INT, STATE, Array, entry, kernel
from ..core import journal_state
from ..core.state import State
from ..core.step import decide, finish, fold, journal_nearly_full
from ..core.wake import next_wait_ns
from ..model.enums import Stop
from ..model.records import Records
from ..venues.hftbacktest.adapter import VENUE, close, dispatch, observe, wait

_RUNNING: Final = int(Stop.RUNNING)
_WAKE: Final = int(Stop.WAKE)
_FLUSH: Final = int(Stop.FLUSH)
_END: Final = int(Stop.END_OF_DATA)
_MAX_WAKEUPS: Final = int(Stop.MAX_WAKEUPS)


@kernel
def advance(venue: Records, state: State) -> int:
    """Decide what was proposed, then let time pass until the strategy is due (WAKE) or the loop has to stop.

    FLUSH: empty the journal and call again. END_OF_DATA: the last block is folded, nothing more can be sent.
    """
    session = state.session[0]
    while True:
        stop = decide(state)
        if stop == _RUNNING and session["command_count"]:
            stop = dispatch(venue, state)
        if stop != _RUNNING:
            return stop
        if journal_nearly_full(state) or session["block_count"] >= session["pause_block"]:
            return _FLUSH
        if session["wakeups_max"] and session["wakeup_count"] >= session["wakeups_max"]:
            return _MAX_WAKEUPS
        stop = wait(venue, state, next_wait_ns(state))
        if stop != _RUNNING and stop != _END:
            return stop
        ended = stop == _END
        stop = observe(venue, state)
        if stop != _RUNNING:
            return stop
        reason = fold(state)
        if ended:
            session["ended"] = 1
            return _END
        if reason:
            return _WAKE


@entry(STATE, INT)
def begin(state: State, first_ns: int) -> None:
    """Journal what the session starts from, at ``first_ns``: the first time of the data."""
    state.session[0]["now_ns"] = first_ns
    for instrument in range(len(state.instruments)):
        journal_state.opening(state, instrument)
    state.session[0]["now_ns"] = 0  # the venue's clock starts with the first block


@entry(STATE)
def end(state: State) -> None:
    """Journal what is still only counted, and the final equity."""
    finish(state)


@entry(Array(VENUE))
def release(venue: Records) -> None:
    """Give the engine back."""
    close(venue)
