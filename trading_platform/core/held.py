"""Held wishes: what one slot of the outbox keeps until it is sent, denied or given up.

Only this module writes the ``held_*``, ``reserved_*`` and ``denied_*`` fields of SLOT records. A held wish ends in
exactly one of: sent, denied, given up (DEQUEUED); while it waits it counts in the worst case.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import Held, HoldCode, IntentKind
from . import journal
from .position import release, reserve
from .state import State

_NOTHING: Final = int(Held.NOTHING)
_NEW: Final = int(Held.NEW)
_CANCEL: Final = int(Held.CANCEL)
_CANCEL_ABSORBED: Final = int(Held.CANCEL_ABSORBED)
_QUOTE: Final = int(IntentKind.QUOTE)
_SUPERSEDED: Final = int(HoldCode.SUPERSEDED)


@kernel
def same_wish(slot: np.void, intent: np.void) -> bool:
    """Tell whether a slot already holds exactly what is asked."""
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
def hold(state: State, slot_index: int, held: int, intent: np.void) -> None:
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
        journal_intent(state, slot_index)


@kernel
def journal_intent(state: State, slot_index: int) -> None:
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


@kernel
def give_up(state: State, slot_index: int, code: int, ref: int) -> None:
    """End a held wish without sending it."""
    _dequeue(state, slot_index, code, ref)
    clear(state, slot_index)


@kernel
def _dequeue(state: State, slot_index: int, code: int, ref: int) -> None:
    release_reserved(state, slot_index)
    journal_intent(state, slot_index)
    journal.dequeued(state, slot_index, code, ref)


@kernel
def deny(state: State, slot_index: int, code: int, observed: int, limit: int) -> None:
    """End a held wish with our no. The same no to the same wish is counted, not written."""
    slot = state.slots[slot_index]
    if slot["held_seq"] == 0 and slot["denied_code"] == code:
        slot["denied_count"] += 1
    else:
        journal_intent(state, slot_index)
        slot["denied_seq"] = journal.denied(state, slot_index, code, observed, limit)
        slot["denied_code"] = code
        slot["denied_kind"] = slot["held_kind"]
        slot["denied_type"] = slot["held_type"]
        slot["denied_tif"] = slot["held_tif"]
        slot["denied_price_ticks"] = slot["held_price_ticks"]
        slot["denied_lots"] = slot["held_lots"]
    release_reserved(state, slot_index)
    clear(state, slot_index)


@kernel
def clear(state: State, slot_index: int) -> None:
    """Empty a slot whose wish was sent or ended. What it reserved is released by the caller."""
    slot = state.slots[slot_index]
    slot["held"] = _NOTHING
    slot["held_quoted"] = 0
    slot["held_seq"] = 0
    slot["held_code"] = 0
    slot["held_replaces_id"] = 0
    _unlink(state, slot_index)


@kernel
def wait(state: State, slot_index: int, code: int, wake_ns: int, price_ticks: int) -> None:
    """Keep a wish in its slot until ``wake_ns``, or until a report if that is 0."""
    slot = state.slots[slot_index]
    journal_intent(state, slot_index)
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
        reserve(
            state.positions[instrument],
            state.instruments[instrument],
            slot["side"],
            slot["held_lots"],
            price_ticks,
        )


@kernel
def release_reserved(state: State, slot_index: int) -> None:
    """Stop counting what a waiting wish might trade."""
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
