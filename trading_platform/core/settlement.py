"""Settlement: what the end of an order, or a refused cancel, means for a replace that is under way."""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    HoldCode,
    OrderStatus,
    Pending,
)
from .commands import send_cancel
from .held import give_up
from .order_fsm import is_terminal
from .orders import find
from .state import State
from .throttle import CANCELS, is_ready, ready_ns, take

_IN_FLIGHT: Final = int(HoldCode.IN_FLIGHT)
_FILL_WON: Final = int(HoldCode.FILL_WON)
_VENUE_REFUSED: Final = int(HoldCode.VENUE_REFUSED)
_P_CANCEL: Final = int(Pending.CANCEL)
_STATUS_FILLED: Final = int(OrderStatus.FILLED)


@kernel
def settle_replaces(state: State) -> None:
    """Give up replaces whose order was filled first, or whose cancel the venue refused."""
    slot_index = state.session[0]["held_head"]
    while slot_index >= 0:
        slot = state.slots[slot_index]
        following = slot["next_slot"]
        if slot["held_replaces_id"]:
            row = find(state, slot["held_replaces_id"])
            if row >= 0 and state.orders[row]["status"] == _STATUS_FILLED:
                give_up(state, slot_index, _FILL_WON, slot["held_replaces_id"])
            elif slot["held_code"] == _IN_FLIGHT and row >= 0 and _cancel_was_refused(state.orders[row]):
                give_up(state, slot_index, _VENUE_REFUSED, slot["held_replaces_id"])
        slot_index = following


@kernel
def _cancel_was_refused(order: np.void) -> bool:
    return bool(
        order["cancel_refused"] and not order["pending"] & _P_CANCEL and not is_terminal(order["status"])
    )


@kernel
def cancel_orphans(state: State) -> None:
    """Cancel again what no slot answers for: a replace at once left it to a cancel that the venue refused."""
    session = state.session[0]
    session["orphan_count"] = 0
    row = session["live_head"]
    while row >= 0:
        order = state.orders[row]
        if state.slots[order["slot"]]["order_row"] != row and not order["pending"] & _P_CANCEL:
            if is_ready(state, CANCELS):
                take(state, CANCELS)
                send_cancel(state, row, order["last_seq"], False)
            else:
                session["orphan_count"] += 1
                session["next_send_ns"] = min(session["next_send_ns"], ready_ns(state, CANCELS))
        row = order["next_row"]
