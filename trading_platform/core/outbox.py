"""The outbox: flushes held wishes in the order cancels, replaces, news; the oldest first in each.

A wish waits for a token of the throttle or for the report of a request in flight, and is checked anew whenever it may
go: a stale one is never sent.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    DenyCode,
    Held,
    HoldCode,
    OrderStatus,
    OrderType,
    Pending,
    PostOnlyMode,
    ReplacePolicy,
    TimeInForce,
)
from ..model.records import NEVER
from .commands import send_cancel, send_new
from .held import clear, deny, give_up, journal_intent, release_reserved, wait
from .normalize import check_form, sent_lots, sent_price_ticks
from .orders import find
from .position import count_order, release, reserve
from .risk import check_book, check_exposure, check_trading
from .state import State
from .throttle import CANCELS, ORDERS, is_ready, ready_ns, take

_NEW: Final = int(Held.NEW)
_REPLACE: Final = int(Held.REPLACE)
_CANCEL: Final = int(Held.CANCEL)
_CANCEL_ABSORBED: Final = int(Held.CANCEL_ABSORBED)
_RATE_LIMIT: Final = int(HoldCode.RATE_LIMIT)
_IN_FLIGHT: Final = int(HoldCode.IN_FLIGHT)
_FILL_WON: Final = int(HoldCode.FILL_WON)
_NO_CHANGE: Final = int(HoldCode.NO_CHANGE)
_VENUE_REFUSED: Final = int(HoldCode.VENUE_REFUSED)
_DROPPED: Final = int(HoldCode.DROPPED)
_END_OF_DATA: Final = int(DenyCode.END_OF_DATA)
_NOT_FOUND: Final = int(DenyCode.NOT_FOUND)
_DUPLICATE: Final = int(DenyCode.DUPLICATE)
_NO_BOOK: Final = int(DenyCode.NO_BOOK)
_POST_ONLY_WOULD_CROSS: Final = int(DenyCode.POST_ONLY_WOULD_CROSS)
_DROP: Final = int(PostOnlyMode.DROP)
_AT_ONCE: Final = int(ReplacePolicy.AT_ONCE)
_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)
_MARKET: Final = int(OrderType.MARKET)
_IOC: Final = int(TimeInForce.IOC)
_STATUS_FILLED: Final = int(OrderStatus.FILLED)


@kernel
def flush(state: State) -> None:
    """Send what may go: cancels, then replaces, then news."""
    state.session[0]["next_send_ns"] = NEVER
    if state.session[0]["orphan_count"]:
        _cancel_orphans(state)
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
def _cancel_orphans(state: State) -> None:
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
    price_ticks = _check(state, slot_index, row, at_once)
    if price_ticks == 0:
        return
    if order["pending"] & (_P_NEW | _P_CANCEL):
        wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)
        return
    if order["price_ticks"] == price_ticks and order["leaves_lots"] == slot["held_lots"]:
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
    price_ticks = _check(state, slot_index, row, row < 0)
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


@kernel
def _check(state: State, slot_index: int, row: int, goes_now: bool) -> int:
    """Return the price the held order would be sent with, or 0 after denying (or dropping) it.

    ``row`` >= 0 is the order it takes the place of: unless the new goes now, that order does not count beside it.
    What the book says is judged when the order goes.
    """
    slot = state.slots[slot_index]
    instrument, side, lots = slot["instrument"], slot["side"], slot["held_lots"]
    code, observed, limit = check_trading(state, instrument)
    if code == 0:
        code, observed, limit = check_form(
            state, instrument, slot["held_type"], slot["held_tif"], slot["held_price_ticks"], lots
        )
    price_ticks = 0
    if code == 0:
        price_ticks = sent_price_ticks(state, instrument, side, slot["held_type"], slot["held_price_ticks"])
        if price_ticks == 0:
            code = _NO_BOOK
    if code == 0 and goes_now:
        lots = _fit_to_book(state, slot_index, price_ticks)
        tif = _IOC if slot["held_type"] == _MARKET else slot["held_tif"]
        code, observed, limit = check_book(state, instrument, side, tif, price_ticks, lots)
    if code == 0:
        code, observed, limit = _check_exposure(state, slot_index, row, price_ticks, goes_now)
    if code == 0:
        return price_ticks
    if code == _POST_ONLY_WOULD_CROSS and state.limits[instrument]["post_only_mode"] == _DROP:
        state.session[0]["dropped_count"] += 1
        journal_intent(state, slot_index)
        give_up(state, slot_index, _DROPPED, 0)
    else:
        deny(state, slot_index, code, observed, limit)
    return 0


@kernel
def _fit_to_book(state: State, slot_index: int, price_ticks: int) -> int:
    """Cut what is held to the quantity it may be sent with, and return that. The INTENT keeps what was asked."""
    slot = state.slots[slot_index]
    lots = sent_lots(state, slot["instrument"], slot["side"], price_ticks, slot["held_lots"])
    if 0 < lots < slot["held_lots"]:
        journal_intent(state, slot_index)
        slot["held_lots"] = lots
    return int(slot["held_lots"])


@kernel
def _check_exposure(
    state: State, slot_index: int, row: int, price_ticks: int, goes_now: bool
) -> tuple[int, int, int]:
    """Check limits; an order that is gone before the new is sent is left out of the worst case meanwhile."""
    slot = state.slots[slot_index]
    instrument, side, lots = slot["instrument"], slot["side"], slot["held_lots"]
    if row < 0 or goes_now:
        return check_exposure(state, instrument, side, price_ticks, lots)
    position, record, order = state.positions[instrument], state.instruments[instrument], state.orders[row]
    leaves, old_price_ticks = order["leaves_lots"], order["price_ticks"]
    release(position, record, side, leaves, old_price_ticks)
    count_order(position, -1)
    result = check_exposure(state, instrument, side, price_ticks, lots)
    reserve(position, record, side, leaves, old_price_ticks)
    count_order(position, 1)
    return result


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
    return bool(order["cancel_refused"] and not order["pending"] & _P_CANCEL)
