"""The journal: one EVENT record per fact, in a bounded buffer that Python empties. Only this module writes events.

A fresh row is all zeros (Python clears what it has flushed), so each function writes only what its kind carries;
which fields belong to a kind is told by EVENT_RULES in model/records.py.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    EventFlag,
    EventKind,
    OrderType,
    TimeInForce,
)
from ..model.records import INTENT_TAG_MAX, NO_SLOT
from .state import State

_INTENT: Final = int(EventKind.INTENT)
_DENIED: Final = int(EventKind.DENIED)
_QUEUED: Final = int(EventKind.QUEUED)
_DEQUEUED: Final = int(EventKind.DEQUEUED)
_ORDER_TYPE_LAST: Final = int(max(OrderType))
_TIF_LAST: Final = int(max(TimeInForce))
_QUOTED: Final = int(EventFlag.QUOTED)
_COALESCED: Final = int(EventFlag.COALESCED)


@kernel
def next_event(state: State, kind: int, cause_seq: int) -> int:
    """Claim the next row, number it and return its index."""
    session = state.session[0]
    index = session["event_count"]
    assert index < len(state.events)
    session["event_count"] = index + 1
    session["seq"] += 1
    event = state.events[index]
    event["seq"] = session["seq"]
    event["cause_seq"] = cause_seq
    event["now_ns"] = session["now_ns"]
    event["kind"] = kind
    return index


@kernel
def of_instrument(state: State, kind: int, cause_seq: int, instrument: int) -> int:
    """Claim a row for an event of an instrument."""
    index = next_event(state, kind, cause_seq)
    event, session = state.events[index], state.session[0]
    event["instrument"] = instrument
    event["account"] = session["account"]
    event["strategy"] = session["strategy"]
    event["slot"] = NO_SLOT
    return index


@kernel
def _known(value: int, last: int) -> int:
    """Return 0 for a value that an event cannot carry: its denial tells it as the observed one."""
    return value if 0 <= value <= last else 0


@kernel
def _wish(state: State, kind: int, cause_seq: int, slot_index: int) -> int:
    """Journal something about what a slot holds."""
    slot = state.slots[slot_index]
    index = of_instrument(state, kind, cause_seq, slot["instrument"])
    event = state.events[index]
    event["slot"] = slot_index - slot["instrument"] * 2 * state.session[0]["levels_per_side"]
    event["side"] = slot["side"]
    event["order_type"] = _known(slot["held_type"], _ORDER_TYPE_LAST)
    event["tif"] = _known(slot["held_tif"], _TIF_LAST)
    event["price_ticks"] = slot["held_price_ticks"]
    event["qty_lots"] = slot["held_lots"]
    event["tag"] = slot["held_tag"] & INTENT_TAG_MAX
    if slot["held_quoted"]:
        event["flags"] = _QUOTED
    return index


@kernel
def intent(state: State, slot_index: int) -> int:
    """The strategy asked for what the slot now holds. Returns the seq."""
    slot = state.slots[slot_index]
    index = _wish(state, _INTENT, state.session[0]["block_seq"], slot_index)
    event = state.events[index]
    event["a"] = slot["held_kind"]
    if slot["order_row"] >= 0:
        event["ref"] = state.orders[slot["order_row"]]["order_id"]
    return state.session[0]["seq"]


@kernel
def denied(state: State, slot_index: int, code: int, observed: int, limit: int) -> int:
    """We said no to what the slot holds. Returns the seq."""
    event = state.events[_wish(state, _DENIED, state.slots[slot_index]["held_seq"], slot_index)]
    event["code"] = code
    event["a"] = observed
    event["b"] = limit
    event["c"] = limit - observed
    return state.session[0]["seq"]


@kernel
def denied_again(state: State, slot_index: int) -> None:
    """Write the denials of a slot that were counted instead of written."""
    slot = state.slots[slot_index]
    index = of_instrument(state, _DENIED, slot["denied_seq"], slot["instrument"])
    event = state.events[index]
    event["slot"] = slot_index - slot["instrument"] * 2 * state.session[0]["levels_per_side"]
    event["side"] = slot["side"]
    event["order_type"] = _known(slot["denied_type"], _ORDER_TYPE_LAST)
    event["tif"] = _known(slot["denied_tif"], _TIF_LAST)
    event["price_ticks"] = slot["denied_price_ticks"]
    event["qty_lots"] = slot["denied_lots"]
    event["code"] = slot["denied_code"]
    event["c"] = slot["denied_count"]
    event["flags"] = _COALESCED


@kernel
def queued(state: State, slot_index: int, code: int, wake_ns: int) -> None:
    """What the slot holds has to wait."""
    event = state.events[_wish(state, _QUEUED, state.slots[slot_index]["held_seq"], slot_index)]
    event["code"] = code
    event["a"] = wake_ns


@kernel
def dequeued(state: State, slot_index: int, code: int, ref: int) -> None:
    """What the slot held is given up without being sent."""
    event = state.events[_wish(state, _DEQUEUED, state.slots[slot_index]["held_seq"], slot_index)]
    event["code"] = code
    event["ref"] = ref


@kernel
def of_order(state: State, kind: int, cause_seq: int, row: int) -> int:
    """Claim a row for an event of an order, filled from the order as it is now; the caller adds what changed."""
    order = state.orders[row]
    index = of_instrument(state, kind, cause_seq, order["instrument"])
    event = state.events[index]
    event["slot"] = order["slot"] - order["instrument"] * 2 * state.session[0]["levels_per_side"]
    event["order_id"] = order["order_id"]
    event["parent_order_id"] = order["replaces_id"]
    event["side"] = order["side"]
    event["order_type"] = order["order_type"]
    event["tif"] = order["tif"]
    event["price_ticks"] = order["price_ticks"]
    event["qty_lots"] = order["order_lots"]
    event["leaves_lots"] = order["leaves_lots"]
    event["status_from"] = order["status"]
    event["status_to"] = order["status"]
    event["pending_from"] = order["pending"]
    event["pending_to"] = order["pending"]
    event["tag"] = order["tag"]
    order["last_seq"] = state.session[0]["seq"]
    return index


@kernel
def unknown_order(state: State, kind: int, report: np.void) -> int:
    """Claim a row for an event of an order that is not in the table."""
    index = of_instrument(state, kind, state.session[0]["block_seq"], report["instrument"])
    event = state.events[index]
    event["order_id"] = report["order_id"]
    event["side"] = report["side"]
    event["ts_exch_ns"] = report["ts_exch_ns"]
    event["a"] = report["kind"]
    return index
