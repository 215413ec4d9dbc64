"""Steps in the life of an order that every report shares: entering a status, completing a replace, an anomaly."""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    EventKind,
    HaltCode,
    OrderStatus,
    Pending,
)
from . import journal
from .order_fsm import is_terminal
from .orders import find, unlink
from .position import count_order, release
from .state import State

_STATUS_EXPIRED: Final = int(OrderStatus.EXPIRED)
_STATUS_CANCELED: Final = int(OrderStatus.CANCELED)
_P_NEW: Final = int(Pending.NEW)
_EV_REPLACED: Final = int(EventKind.REPLACED)
_EV_ANOMALY: Final = int(EventKind.ANOMALY)
_HALT_ANOMALY: Final = int(HaltCode.ANOMALY)


@kernel
def move(state: State, row: int, status: int, pending: int) -> None:
    """Enter a status; a terminal one ends the order's part in the worst case and frees its slot."""
    order = state.orders[row]
    ended_before = is_terminal(order["status"])
    order["status"] = status
    order["pending"] = 0 if is_terminal(status) else pending
    if not is_terminal(status) or ended_before:
        return
    position, instrument = state.positions[order["instrument"]], state.instruments[order["instrument"]]
    release(position, instrument, order["side"], order["leaves_lots"], order["price_ticks"])
    count_order(position, -1)
    order["leaves_lots"] = 0
    unlink(state, row)
    slot = state.slots[order["slot"]]
    if slot["order_row"] == row:
        slot["order_row"] = -1


@kernel
def complete_replace(state: State, row: int, ts_exch_ns: int) -> None:
    """Journal REPLACED once the venue has the new order and the old is gone: one record for the pair.

    If a fill of the old order won the race, nothing was replaced: its FILL says so.
    """
    order = state.orders[row]
    if order["replaces_id"] == 0 or order["replace_done"] or order["pending"] & _P_NEW:
        return
    old_row = find(state, order["replaces_id"])
    old_status = state.orders[old_row]["status"] if old_row >= 0 else _STATUS_CANCELED
    if old_status == _STATUS_CANCELED or old_status == _STATUS_EXPIRED:
        order["replace_done"] = 1
        state.events[journal.of_order(state, _EV_REPLACED, order["new_seq"], row)]["ts_exch_ns"] = ts_exch_ns


@kernel
def complete_replace_of(state: State, row: int, ts_exch_ns: int) -> None:
    """Complete the replace that waited for the end of an order, even if the new one has ended meanwhile."""
    new_row = find(state, state.orders[row]["replaced_by_id"])
    if new_row >= 0 and state.orders[new_row]["accepted"]:
        complete_replace(state, new_row, ts_exch_ns)


@kernel
def anomaly(state: State, row: int, report: np.void, code: int) -> None:
    """Record what must not happen and stop trading the instrument."""
    index = journal.of_order(state, _EV_ANOMALY, state.orders[row]["last_seq"], row)
    add_outcome(state, index, row, report)
    state.events[index]["code"] = code
    loss = state.losses[state.orders[row]["instrument"]]
    if not loss["halted"]:
        loss["halted"] = _HALT_ANOMALY


@kernel
def add_outcome(state: State, index: int, row: int, report: np.void) -> None:
    """Add to an event what the order became, and what the report said."""
    event, order = state.events[index], state.orders[row]
    event["ts_exch_ns"] = report["ts_exch_ns"]
    event["leaves_lots"] = order["leaves_lots"]
    event["price_ticks"] = order["price_ticks"]
    event["qty_lots"] = order["order_lots"]
    event["status_to"] = order["status"]
    event["pending_to"] = order["pending"]
    event["a"] = report["kind"]
    event["code"] = report["code"]
