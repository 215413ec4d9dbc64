"""The outbox: flushes held wishes in the order cancels, replaces, news; the oldest first in each.

A wish waits for a token of the throttle or for the report of a request in flight, and is checked anew whenever it may
go: a stale one is never sent.
"""

from typing import Final

from .._jit import kernel
from ..model.enums import (
    DenyCode,
    Held,
    HoldCode,
    Pending,
    ReplacePolicy,
)
from ..model.records import NEVER
from .approval import approve
from .commands import send_cancel, send_new
from .held import clear, deny, give_up, journal_intent, release_reserved, wait
from .settlement import cancel_orphans
from .state import State
from .throttle import CANCELS, ORDERS, is_ready, ready_ns, take

_NEW: Final = int(Held.NEW)
_REPLACE: Final = int(Held.REPLACE)
_CANCEL: Final = int(Held.CANCEL)
_CANCEL_ABSORBED: Final = int(Held.CANCEL_ABSORBED)
_RATE_LIMIT: Final = int(HoldCode.RATE_LIMIT)
_IN_FLIGHT: Final = int(HoldCode.IN_FLIGHT)
_NO_CHANGE: Final = int(HoldCode.NO_CHANGE)
_END_OF_DATA: Final = int(DenyCode.END_OF_DATA)
_NOT_FOUND: Final = int(DenyCode.NOT_FOUND)
_DUPLICATE: Final = int(DenyCode.DUPLICATE)
_AT_ONCE: Final = int(ReplacePolicy.AT_ONCE)
_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)


@kernel
def flush(state: State) -> None:
    """Send what may go: cancels, then replaces, then news."""
    state.session[0]["next_send_ns"] = NEVER
    if state.session[0]["orphan_count"]:
        cancel_orphans(state)
    for phase in range(3):
        slot_index = state.session[0]["held_head"]
        while slot_index >= 0:
            following = state.slots[slot_index]["next_slot"]
            if _phase(state, slot_index) == phase:
                if phase == 0:
                    _try_cancel(state, slot_index)
                elif phase == 1:
                    _try_replace(state, slot_index)
                else:
                    _try_new(state, slot_index)
            slot_index = following


@kernel
def deny_all(state: State) -> None:
    """Deny everything that is held: the session is over."""
    slot_index = state.session[0]["held_head"]
    while slot_index >= 0:
        following = state.slots[slot_index]["next_slot"]
        deny(state, slot_index, _END_OF_DATA, 1, 0)
        slot_index = following


@kernel
def _phase(state: State, slot_index: int) -> int:
    """Return 0 for a cancel, 1 for a replace, 2 for a new. A replace whose order is gone is a new, if it may be."""
    slot = state.slots[slot_index]
    held = slot["held"]
    if held == _CANCEL or held == _CANCEL_ABSORBED:
        return 0
    if held == _NEW:
        return 2
    if slot["order_row"] < 0 and (held != _REPLACE or slot["held_replaces_id"]):
        return 2
    return 1


@kernel
def _try_cancel(state: State, slot_index: int) -> None:
    slot = state.slots[slot_index]
    row = slot["order_row"]
    if row < 0 and slot["held"] == _CANCEL:
        deny(state, slot_index, _NOT_FOUND, 0, 0)
        return
    if row < 0 or state.orders[row]["pending"] & _P_CANCEL:
        state.session[0]["noop_count"] += 1
        give_up(state, slot_index, _NO_CHANGE, 0)
        return
    if state.orders[row]["pending"] & _P_NEW:
        wait(state, slot_index, _IN_FLIGHT, 0, 0)
        return
    if not is_ready(state, CANCELS):
        wait(state, slot_index, _RATE_LIMIT, ready_ns(state, CANCELS), 0)
        return
    journal_intent(state, slot_index)
    take(state, CANCELS)
    send_cancel(state, row, slot["held_seq"], False)
    clear(state, slot_index)


@kernel
def _try_replace(state: State, slot_index: int) -> None:
    """Replace the slot's order by the venue's policy: cancel, then new after its ack (re-checked), or both at once."""
    slot = state.slots[slot_index]
    row = slot["order_row"]
    if row < 0:
        deny(state, slot_index, _NOT_FOUND, 0, 0)
        return
    order = state.orders[row]
    release_reserved(state, slot_index)
    at_once = state.session[0]["replace_policy"] == _AT_ONCE
    price_ticks = approve(state, slot_index, row, at_once)
    if price_ticks == 0:
        return
    if order["pending"] & (_P_NEW | _P_CANCEL):
        wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)
        return
    same = order["price_ticks"] == price_ticks and order["leaves_lots"] == slot["held_lots"]
    if same and order["tif"] == slot["held_tif"]:
        state.session[0]["noop_count"] += 1
        give_up(state, slot_index, _NO_CHANGE, order["order_id"])
        return
    wake_ns = ready_ns(state, CANCELS)
    if at_once:
        wake_ns = max(wake_ns, ready_ns(state, ORDERS))
    if wake_ns > state.session[0]["now_ns"]:
        wait(state, slot_index, _RATE_LIMIT, wake_ns, price_ticks)
        return
    journal_intent(state, slot_index)
    take(state, CANCELS)
    send_cancel(state, row, slot["held_seq"], True)
    if at_once:
        send_new(state, slot_index, price_ticks, order["order_id"])
    else:
        wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)


@kernel
def _try_new(state: State, slot_index: int) -> None:
    slot = state.slots[slot_index]
    row = slot["order_row"]
    if row >= 0 and not state.orders[row]["pending"] & _P_CANCEL:
        deny(state, slot_index, _DUPLICATE, state.orders[row]["order_id"], 0)
        return
    release_reserved(state, slot_index)
    price_ticks = approve(state, slot_index, row, row < 0)
    if price_ticks == 0:
        return
    if row >= 0:
        wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)
        return
    if not is_ready(state, ORDERS):
        wait(state, slot_index, _RATE_LIMIT, ready_ns(state, ORDERS), price_ticks)
        return
    journal_intent(state, slot_index)
    send_new(state, slot_index, price_ticks, slot["held_replaces_id"])
