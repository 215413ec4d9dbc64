"""The journal: one EVENT record per fact, in a bounded buffer that Python empties. Only this module writes events.

A fresh row is all zeros (Python clears what it has flushed), so each function writes only what its kind carries;
which fields belong to a kind is told by EVENT_RULES in model/records.py.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import ConnectionCode, EventFlag, EventKind, OrderType, TimeInForce
from ..model.records import INTENT_TAG_MAX, NO_SLOT
from .state import State

_INTENT: Final = int(EventKind.INTENT)
_DENIED: Final = int(EventKind.DENIED)
_QUEUED: Final = int(EventKind.QUEUED)
_DEQUEUED: Final = int(EventKind.DEQUEUED)
_POSITION: Final = int(EventKind.POSITION)
_PNL: Final = int(EventKind.PNL)
_HALT: Final = int(EventKind.HALT)
_TIMER: Final = int(EventKind.TIMER)
_TOUCH: Final = int(EventKind.TOUCH)
_OPENING: Final = int(EventKind.OPENING)
_CONNECTION: Final = int(EventKind.CONNECTION)
_RESYNC: Final = int(ConnectionCode.RESYNC)
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
def _of_instrument(state: State, kind: int, cause_seq: int, instrument: int) -> int:
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
    index = _of_instrument(state, kind, cause_seq, slot["instrument"])
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
    index = _of_instrument(state, _DENIED, slot["denied_seq"], slot["instrument"])
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
    index = _of_instrument(state, kind, cause_seq, order["instrument"])
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
def _money(event: np.void, position: np.void) -> None:
    event["qty_lots"] = position["net_lots"]
    event["a"] = position["cash_ticklots"]
    event["b"] = position["cash_money"]
    event["c"] = position["fee_money"]


@kernel
def opening(state: State, instrument: int) -> None:
    """What a session starts from."""
    _money(state.events[_of_instrument(state, _OPENING, 0, instrument)], state.positions[instrument])


@kernel
def position(state: State, instrument: int) -> None:
    """The position after a block with fills."""
    index = _of_instrument(state, _POSITION, state.session[0]["seq"], instrument)
    _money(state.events[index], state.positions[instrument])


@kernel
def pnl(state: State, instrument: int) -> None:
    """Equity as it is now."""
    event = state.events[_of_instrument(state, _PNL, 0, instrument)]
    event["qty_lots"] = state.positions[instrument]["net_lots"]
    event["a"] = state.losses[instrument]["equity_money"]
    event["b"] = state.books[instrument]["mark_halfticks"]
    event["c"] = state.losses[instrument]["drawdown_money"]


@kernel
def halt(state: State, instrument: int, code: int, observed: int, limit: int) -> None:
    """Trading stopped."""
    event = state.events[_of_instrument(state, _HALT, state.session[0]["block_seq"], instrument)]
    event["code"] = code
    event["a"] = observed
    event["b"] = limit


@kernel
def timer(state: State, set_ns: int) -> None:
    """The strategy's timer went off."""
    event = state.events[next_event(state, _TIMER, 0)]
    event["slot"] = NO_SLOT
    event["strategy"] = state.session[0]["strategy"]
    event["a"] = set_ns


@kernel
def touch(state: State, instrument: int) -> None:
    """Best bid and ask changed."""
    book = state.books[instrument]
    event = state.events[_of_instrument(state, _TOUCH, 0, instrument)]
    event["price_ticks"] = book["bid_ticks"]
    event["qty_lots"] = book["bid_lots"]
    event["a"] = book["ask_ticks"]
    event["b"] = book["ask_lots"]
    event["ts_exch_ns"] = book["ts_exch_ns"]


@kernel
def unknown_order(state: State, kind: int, report: np.void) -> int:
    """Claim a row for an event of an order that is not in the table."""
    index = _of_instrument(state, kind, state.session[0]["block_seq"], report["instrument"])
    event = state.events[index]
    event["order_id"] = report["order_id"]
    event["side"] = report["side"]
    event["ts_exch_ns"] = report["ts_exch_ns"]
    event["a"] = report["kind"]
    return index


@kernel
def resync(state: State, instrument: int, at_ns: int) -> None:
    """The data starts the book anew."""
    event = state.events[_of_instrument(state, _CONNECTION, 0, instrument)]
    event["code"] = _RESYNC
    event["a"] = at_ns


@kernel
def audit(state: State, instrument: int, rule: int, observed: int, limit: int) -> None:
    """Record one look at a limit in the audit stream."""
    session = state.session[0]
    record = state.audit[session["audit_count"]]
    session["audit_count"] += 1
    record["seq"] = session["seq"]
    record["now_ns"] = session["now_ns"]
    record["instrument"] = instrument
    record["rule"] = rule
    record["observed"] = observed
    record["limit"] = limit
    record["headroom"] = limit - observed
