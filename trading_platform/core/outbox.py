"""The outbox: at most one held wish per slot, flushed in the order cancels, replaces, news; oldest first in each.

Only this module writes the ``held_*``, ``reserved_*`` and ``denied_*`` fields of SLOT records. A held wish ends in
exactly one of: sent, denied, given up (DEQUEUED). It waits for a token of the throttle or for the report of a request
in flight, is checked anew whenever it may go, and counts in the worst case while it waits.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import CommandKind, DenyCode, EventFlag, EventKind, HaltCode, Held, HoldCode, IntentKind
from ..model.enums import OrderStatus, OrderType, Pending, PostOnlyMode, ReplacePolicy, TimeInForce
from ..model.records import NEVER
from . import journal
from .merge import merged, resolve, takes_asked
from .normalize import check_form, sent_lots, sent_price_ticks
from .orders import find, mark_unknown, open_order, request_cancel
from .position import release, reserve
from .risk import check_book, check_exposure, check_trading, is_reducing
from .state import State
from .throttle import CANCELS, ORDERS, is_ready, ready_ns, take

_NOTHING: Final = int(Held.NOTHING)
_NEW: Final = int(Held.NEW)
_REPLACE: Final = int(Held.REPLACE)
_CANCEL: Final = int(Held.CANCEL)
_REPLACE_OR_NEW: Final = int(Held.REPLACE_OR_NEW)
_CANCEL_THEN_NEW: Final = int(Held.CANCEL_THEN_NEW)
_KEEP: Final = int(Held.KEEP)
_CANCEL_ABSORBED: Final = int(Held.CANCEL_ABSORBED)
_QUOTE: Final = int(IntentKind.QUOTE)
_RATE_LIMIT: Final = int(HoldCode.RATE_LIMIT)
_IN_FLIGHT: Final = int(HoldCode.IN_FLIGHT)
_SUPERSEDED: Final = int(HoldCode.SUPERSEDED)
_CLEARED_BY_HALT: Final = int(HoldCode.CLEARED_BY_HALT)
_FILL_WON: Final = int(HoldCode.FILL_WON)
_NO_CHANGE: Final = int(HoldCode.NO_CHANGE)
_VENUE_REFUSED: Final = int(HoldCode.VENUE_REFUSED)
_DROPPED: Final = int(HoldCode.DROPPED)
_NOT_FOUND: Final = int(DenyCode.NOT_FOUND)
_DUPLICATE: Final = int(DenyCode.DUPLICATE)
_NO_BOOK: Final = int(DenyCode.NO_BOOK)
_POST_ONLY_WOULD_CROSS: Final = int(DenyCode.POST_ONLY_WOULD_CROSS)
_DROP: Final = int(PostOnlyMode.DROP)
_AT_ONCE: Final = int(ReplacePolicy.AT_ONCE)
_DRAWDOWN: Final = int(HaltCode.DRAWDOWN)
_ROLLING_LOSS: Final = int(HaltCode.ROLLING_LOSS)
_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)
_P_UNKNOWN: Final = int(Pending.UNKNOWN)
_MARKET: Final = int(OrderType.MARKET)
_IOC: Final = int(TimeInForce.IOC)
_STATUS_FILLED: Final = int(OrderStatus.FILLED)
_SEND_NEW: Final = int(CommandKind.NEW)
_SEND_CANCEL: Final = int(CommandKind.CANCEL)
_SEND_QUERY: Final = int(CommandKind.QUERY)
_EV_SENT: Final = int(EventKind.SENT)
_EV_QUERY: Final = int(EventKind.QUERY)
_QUOTED: Final = int(EventFlag.QUOTED)
_REDUCING: Final = int(EventFlag.REDUCING)


# --- taking wishes in ---------------------------------------------------------------------------------------------


@kernel
def take_intents(state: State) -> None:
    """Merge the strategy's intents into the slots, in the order they were appended."""
    session = state.session[0]
    for index in range(session["intent_count"]):
        _take_intent(state, state.intents[index])
    session["intent_count"] = 0


@kernel
def _take_intent(state: State, intent: np.void) -> None:
    slot_index = intent["slot"]
    slot = state.slots[slot_index]
    is_quote = intent["kind"] == _QUOTE
    if intent["qty_lots"] == 0 and is_quote:
        intent["price_ticks"] = 0  # nothing wanted, at no price
    price_ticks, lots = intent["price_ticks"], intent["qty_lots"]
    asked = resolve(state, intent["kind"], slot_index, price_ticks, lots)
    held = slot["held"]
    if is_quote and slot["held_quoted"]:
        held = _NOTHING  # a quote states the whole wish
    after = merged(held, asked)
    if after != _KEEP and takes_asked(held, asked) and not _same_wish(slot, intent):
        _hold(state, slot_index, after, intent)
        return
    state.session[0]["noop_count"] += 1  # satisfied, dominated by what the slot holds, or held already
    if after == _KEEP and slot["held"]:
        give_up(state, slot_index, _SUPERSEDED, 0)


@kernel
def _same_wish(slot: np.void, intent: np.void) -> bool:
    return (
        slot["held"] != _NOTHING
        and slot["held_kind"] == intent["kind"]
        and slot["held_price_ticks"] == intent["price_ticks"]
        and slot["held_lots"] == intent["qty_lots"]
        and slot["held_type"] == intent["order_type"]
        and slot["held_tif"] == intent["tif"]
    )


@kernel
def _was_denied(slot: np.void, intent: np.void) -> bool:
    return (
        slot["denied_code"] != 0
        and slot["denied_kind"] == intent["kind"]
        and slot["denied_price_ticks"] == intent["price_ticks"]
        and slot["denied_lots"] == intent["qty_lots"]
        and slot["denied_type"] == intent["order_type"]
        and slot["denied_tif"] == intent["tif"]
    )


@kernel
def _hold(state: State, slot_index: int, held: int, intent: np.void) -> None:
    """Put a wish into its slot. An updated slot keeps its place in the order of flushing."""
    slot = state.slots[slot_index]
    if slot["held"]:
        _dequeue(state, slot_index, _SUPERSEDED, 0)
    else:
        _link(state, slot_index)
    slot["held"] = held
    slot["held_kind"] = intent["kind"]
    slot["held_quoted"] = 1 if intent["kind"] == _QUOTE else 0
    slot["held_type"] = intent["order_type"]
    slot["held_tif"] = intent["tif"]
    slot["held_price_ticks"] = intent["price_ticks"]
    slot["held_lots"] = intent["qty_lots"]
    slot["held_tag"] = intent["tag"]
    slot["held_code"] = 0
    slot["held_seq"] = 0
    if held == _CANCEL or held == _CANCEL_ABSORBED:
        slot["held_replaces_id"] = 0
    elif held != _NEW and slot["order_row"] >= 0:
        slot["held_replaces_id"] = state.orders[slot["order_row"]]["order_id"]
    # else it stays: a new wish for a slot whose order was canceled for a replace completes that replace
    if not _was_denied(slot, intent):
        _journal_intent(state, slot_index)


@kernel
def _journal_intent(state: State, slot_index: int) -> None:
    """Write the INTENT, unless it was written. Denials counted until now are written first."""
    slot = state.slots[slot_index]
    if slot["held_seq"]:
        return
    flush_denials(state, slot_index)
    slot["held_seq"] = journal.intent(state, slot_index)


@kernel
def flush_denials(state: State, slot_index: int) -> None:
    """Write the denials of a slot that were counted instead of written."""
    slot = state.slots[slot_index]
    if slot["denied_count"]:
        journal.denied_again(state, slot_index)
        slot["denied_count"] = 0


# --- ends of a held wish ------------------------------------------------------------------------------------------


@kernel
def give_up(state: State, slot_index: int, code: int, ref: int) -> None:
    """End a held wish without sending it."""
    _dequeue(state, slot_index, code, ref)
    _clear(state, slot_index)


@kernel
def _dequeue(state: State, slot_index: int, code: int, ref: int) -> None:
    _release_reserved(state, slot_index)
    _journal_intent(state, slot_index)
    journal.dequeued(state, slot_index, code, ref)


@kernel
def _deny(state: State, slot_index: int, code: int, observed: int, limit: int) -> None:
    """End a held wish with our no. The same no to the same wish is counted, not written."""
    slot = state.slots[slot_index]
    if slot["held_seq"] == 0 and slot["denied_code"] == code:
        slot["denied_count"] += 1
    else:
        _journal_intent(state, slot_index)
        slot["denied_seq"] = journal.denied(state, slot_index, code, observed, limit)
        slot["denied_code"] = code
        slot["denied_kind"] = slot["held_kind"]
        slot["denied_type"] = slot["held_type"]
        slot["denied_tif"] = slot["held_tif"]
        slot["denied_price_ticks"] = slot["held_price_ticks"]
        slot["denied_lots"] = slot["held_lots"]
    _release_reserved(state, slot_index)
    _clear(state, slot_index)


@kernel
def _clear(state: State, slot_index: int) -> None:
    slot = state.slots[slot_index]
    slot["held"] = _NOTHING
    slot["held_quoted"] = 0
    slot["held_seq"] = 0
    slot["held_code"] = 0
    slot["held_replaces_id"] = 0
    _unlink(state, slot_index)


@kernel
def _wait(state: State, slot_index: int, code: int, wake_ns: int, price_ticks: int) -> None:
    """Keep a wish in its slot until ``wake_ns``, or until a report if that is 0."""
    slot = state.slots[slot_index]
    _journal_intent(state, slot_index)
    if slot["held_code"] != code:
        slot["held_code"] = code
        journal.queued(state, slot_index, code, wake_ns)
    if wake_ns > 0:
        session = state.session[0]
        session["next_send_ns"] = min(session["next_send_ns"], wake_ns)
    if price_ticks > 0:
        slot["reserved_lots"] = slot["held_lots"]
        slot["reserved_ticks"] = price_ticks
        instrument = slot["instrument"]
        reserve(state.positions[instrument], state.instruments[instrument], slot["side"], slot["held_lots"], price_ticks)


@kernel
def _release_reserved(state: State, slot_index: int) -> None:
    slot = state.slots[slot_index]
    if slot["reserved_lots"]:
        instrument = slot["instrument"]
        release(
            state.positions[instrument],
            state.instruments[instrument],
            slot["side"],
            slot["reserved_lots"],
            slot["reserved_ticks"],
        )
        slot["reserved_lots"] = 0


@kernel
def _link(state: State, slot_index: int) -> None:
    session, slot = state.session[0], state.slots[slot_index]
    tail = session["held_tail"]
    slot["prev_slot"] = tail
    slot["next_slot"] = -1
    if tail >= 0:
        state.slots[tail]["next_slot"] = slot_index
    else:
        session["held_head"] = slot_index
    session["held_tail"] = slot_index
    session["held_count"] += 1


@kernel
def _unlink(state: State, slot_index: int) -> None:
    session, slot = state.session[0], state.slots[slot_index]
    before, after = slot["prev_slot"], slot["next_slot"]
    if before >= 0:
        state.slots[before]["next_slot"] = after
    else:
        session["held_head"] = after
    if after >= 0:
        state.slots[after]["prev_slot"] = before
    else:
        session["held_tail"] = before
    session["held_count"] -= 1


# --- flushing -----------------------------------------------------------------------------------------------------


@kernel
def flush(state: State) -> None:
    """Send what may go: cancels, then replaces, then news."""
    state.session[0]["next_send_ns"] = NEVER
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
        _deny(state, slot_index, _NOT_FOUND, 0, 0)
        return
    if row < 0 or state.orders[row]["pending"] & _P_CANCEL:
        state.session[0]["noop_count"] += 1
        give_up(state, slot_index, _NO_CHANGE, 0)
        return
    if state.orders[row]["pending"] & _P_NEW:
        _wait(state, slot_index, _IN_FLIGHT, 0, 0)
        return
    if not is_ready(state, CANCELS):
        _wait(state, slot_index, _RATE_LIMIT, ready_ns(state, CANCELS), 0)
        return
    _journal_intent(state, slot_index)
    take(state, CANCELS)
    send_cancel(state, row, slot["held_seq"], False)
    _clear(state, slot_index)


@kernel
def _try_replace(state: State, slot_index: int) -> None:
    """Replace the slot's order: by cancel, then new after its ack (re-checked), or both at once, as the venue's policy is."""
    slot = state.slots[slot_index]
    row = slot["order_row"]
    if row < 0:
        _deny(state, slot_index, _NOT_FOUND, 0, 0)
        return
    order = state.orders[row]
    _release_reserved(state, slot_index)
    at_once = state.session[0]["replace_policy"] == _AT_ONCE
    price_ticks = _check(state, slot_index, row, at_once)
    if price_ticks == 0:
        return
    if order["pending"] & (_P_NEW | _P_CANCEL):
        _wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)
        return
    if order["price_ticks"] == price_ticks and order["leaves_lots"] == slot["held_lots"]:
        state.session[0]["noop_count"] += 1
        give_up(state, slot_index, _NO_CHANGE, order["order_id"])
        return
    wake_ns = ready_ns(state, CANCELS)
    if at_once:
        wake_ns = max(wake_ns, ready_ns(state, ORDERS))
    if wake_ns > state.session[0]["now_ns"]:
        _wait(state, slot_index, _RATE_LIMIT, wake_ns, price_ticks)
        return
    _journal_intent(state, slot_index)
    take(state, CANCELS)
    send_cancel(state, row, slot["held_seq"], True)
    if at_once:
        _send_new(state, slot_index, price_ticks, order["order_id"])
    else:
        _wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)


@kernel
def _try_new(state: State, slot_index: int) -> None:
    slot = state.slots[slot_index]
    row = slot["order_row"]
    if row >= 0 and not state.orders[row]["pending"] & _P_CANCEL:
        _deny(state, slot_index, _DUPLICATE, state.orders[row]["order_id"], 0)
        return
    _release_reserved(state, slot_index)
    price_ticks = _check(state, slot_index, row, row < 0)
    if price_ticks == 0:
        return
    if row >= 0:
        _wait(state, slot_index, _IN_FLIGHT, 0, price_ticks)
        return
    if not is_ready(state, ORDERS):
        _wait(state, slot_index, _RATE_LIMIT, ready_ns(state, ORDERS), price_ticks)
        return
    _journal_intent(state, slot_index)
    _send_new(state, slot_index, price_ticks, slot["held_replaces_id"])


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
        _journal_intent(state, slot_index)
        give_up(state, slot_index, _DROPPED, 0)
    else:
        _deny(state, slot_index, code, observed, limit)
    return 0


@kernel
def _fit_to_book(state: State, slot_index: int, price_ticks: int) -> int:
    """Cut what is held to the quantity it may be sent with, and return that. The INTENT keeps what was asked."""
    slot = state.slots[slot_index]
    lots = sent_lots(state, slot["instrument"], slot["side"], price_ticks, slot["held_lots"])
    if 0 < lots < slot["held_lots"]:
        _journal_intent(state, slot_index)
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
    position["open_count"] -= 1
    result = check_exposure(state, instrument, side, price_ticks, lots)
    reserve(position, record, side, leaves, old_price_ticks)
    position["open_count"] += 1
    return result


# --- commands -----------------------------------------------------------------------------------------------------


@kernel
def _send_new(state: State, slot_index: int, price_ticks: int, replaces_id: int) -> None:
    """Send the held order and free the slot's place in the outbox."""
    slot = state.slots[slot_index]
    reducing = is_reducing(state, slot["instrument"], slot["side"], slot["held_lots"])
    tif = _IOC if slot["held_type"] == _MARKET else slot["held_tif"]
    row = open_order(
        state, slot_index, slot["held_type"], tif, price_ticks, slot["held_lots"], slot["held_tag"], replaces_id
    )
    order = state.orders[row]
    take(state, ORDERS)
    event = state.events[journal.of_order(state, _EV_SENT, slot["held_seq"], row)]
    event["a"] = _SEND_NEW
    event["pending_from"] = 0
    event["flags"] = (_QUOTED if slot["held_quoted"] else 0) | (_REDUCING if reducing else 0)
    order["quoted"] = slot["held_quoted"]
    order["new_seq"] = state.session[0]["seq"]
    _command(state, _SEND_NEW, row)
    slot["order_row"] = row
    slot["denied_code"] = 0
    _clear(state, slot_index)


@kernel
def send_cancel(state: State, row: int, cause_seq: int, for_replace: bool) -> None:
    """Send the cancel of an order."""
    order = state.orders[row]
    before = order["pending"]
    request_cancel(state, row, for_replace)
    event = state.events[journal.of_order(state, _EV_SENT, cause_seq, row)]
    event["a"] = _SEND_CANCEL
    event["pending_from"] = before
    order["cancel_seq"] = state.session[0]["seq"]
    _command(state, _SEND_CANCEL, row)


@kernel
def _command(state: State, kind: int, row: int) -> None:
    session, order = state.session[0], state.orders[row]
    command = state.commands[session["command_count"]]
    session["command_count"] += 1
    command["kind"] = kind
    command["order_row"] = row
    command["order_id"] = order["order_id"]
    command["instrument"] = order["instrument"]
    command["side"] = order["side"]
    command["order_type"] = order["order_type"]
    command["tif"] = order["tif"]
    command["price_ticks"] = order["price_ticks"]
    command["qty_lots"] = order["order_lots"]
    command["seq"] = session["seq"]


# --- what reports and the clock do to held wishes -----------------------------------------------------------------


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


@kernel
def halt(state: State) -> None:
    """Carry out a halt: clear the outbox once, and cancel whatever works, past the throttle, until nothing does."""
    for instrument in range(len(state.losses)):
        loss = state.losses[instrument]
        if loss["halted"] == 0:
            continue
        if not loss["halt_done"]:
            loss["halt_done"] = 1
            _journal_halt(state, instrument)
            _clear_outbox(state, instrument)
        row = state.session[0]["live_head"]
        while row >= 0:
            order = state.orders[row]
            if order["instrument"] == instrument and not order["pending"] & (_P_NEW | _P_CANCEL):
                send_cancel(state, row, state.session[0]["seq"], False)
            row = order["next_row"]


@kernel
def _journal_halt(state: State, instrument: int) -> None:
    loss, limits = state.losses[instrument], state.limits[instrument]
    observed, limit = 0, 0
    if loss["halted"] == _DRAWDOWN:
        observed, limit = loss["drawdown_money"], limits["drawdown_money_max"]
    elif loss["halted"] == _ROLLING_LOSS:
        observed, limit = loss["rolling_peak_money"] - loss["equity_money"], limits["rolling_loss_money_max"]
    journal.halt(state, instrument, loss["halted"], observed, limit)


@kernel
def _clear_outbox(state: State, instrument: int) -> None:
    slot_index = state.session[0]["held_head"]
    while slot_index >= 0:
        following = state.slots[slot_index]["next_slot"]
        if state.slots[slot_index]["instrument"] == instrument:
            give_up(state, slot_index, _CLEARED_BY_HALT, 0)
        slot_index = following


@kernel
def query_lost_reports(state: State) -> None:
    """Ask the venue about requests that were not answered in time, and note when the next one is due."""
    session = state.session[0]
    session["next_ack_timeout_ns"] = NEVER
    row = session["live_head"]
    while row >= 0:
        order = state.orders[row]
        if order["pending"] and not order["pending"] & _P_UNKNOWN:
            due_ns = order["pending_since_ns"] + session["ack_timeout_ns"]
            if due_ns <= session["now_ns"]:
                before = order["pending"]
                mark_unknown(state, row)
                event = state.events[journal.of_order(state, _EV_QUERY, order["new_seq"], row)]
                event["a"] = order["pending_since_ns"]
                event["pending_from"] = before
                _command(state, _SEND_QUERY, row)
            else:
                session["next_ack_timeout_ns"] = min(session["next_ack_timeout_ns"], due_ns)
        row = order["next_row"]
