"""When the strategy is called, and when the loop has to wake up on its own."""

from typing import Final

from .._jit import kernel
from ..model.enums import (
    Wake,
)
from ..model.records import NEVER
from . import book, journal_state
from .state import State

_FEED: Final = int(Wake.FEED)
_TOUCH: Final = int(Wake.TOUCH)
_PRICE: Final = int(Wake.PRICE)
_TRADES: Final = int(Wake.TRADES)
_ORDERS: Final = int(Wake.ORDERS)
_TIMER: Final = int(Wake.TIMER)
_INTERVAL: Final = int(Wake.INTERVAL)
_START: Final = int(Wake.START)
_BAR: Final = int(Wake.BAR)


@kernel
def wake_reason(state: State) -> int:
    """Return why the strategy is to be called now: Wake bits, 0 for no reason."""
    session = state.session[0]
    if not session["started"]:
        return _start(state)
    reason = 0
    if session["feed_changed"]:
        reason |= _FEED
    if book.touch_changed(state):
        reason |= _TOUCH
        if book.price_changed(state):
            reason |= _PRICE
    if session["trades_capacity"] and book.trade_count(state):
        reason |= _TRADES
    if session["reports_changed"]:
        reason |= _ORDERS
    if session["bars_closed"]:
        reason |= _BAR
    if session["now_ns"] >= session["timer_ns"]:
        reason |= _TIMER
        journal_state.timer(state, session["timer_ns"])
        session["timer_ns"] = NEVER
    if session["now_ns"] >= session["next_interval_ns"]:
        reason |= _INTERVAL
        session["next_interval_ns"] = next_boundary(
            session["next_interval_ns"], session["interval_ns"], session["now_ns"]
        )
    return int(reason & session["wake_mask"])


@kernel
def _start(state: State) -> int:
    """The first block in which every instrument has a bid and an ask starts the strategy and its intervals."""
    session = state.session[0]
    for instrument in range(len(state.instruments)):
        if not book.has_both_sides(state, instrument):
            return 0
    session["started"] = 1
    if session["interval_ns"]:
        session["next_interval_ns"] = next_boundary(0, session["interval_ns"], session["now_ns"])
    return _START


@kernel
def next_wait_ns(state: State) -> int:
    """Return when something falls due without a report or market data [ns]; NEVER if nothing does."""
    session = state.session[0]
    due_ns = min(session["next_send_ns"], session["next_ack_timeout_ns"])
    if not session["started"]:
        return int(due_ns)  # nobody is called yet
    return int(min(due_ns, session["timer_ns"], session["next_interval_ns"], session["next_bar_ns"]))


@kernel
def next_boundary(boundary_ns: int, interval_ns: int, now_ns: int) -> int:
    """Return the first multiple of the interval, counted from a boundary, that lies after now [ns]."""
    return boundary_ns + ((now_ns - boundary_ns) // interval_ns + 1) * interval_ns
