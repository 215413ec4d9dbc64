"""The order table: what we sent, what the venue said. Only this module writes ORDER records (the adapter its notes).

A row is found by id: row = id modulo the length of the table. Rows of ended orders stay until their place is needed,
so late fills still find them. Orders that may still trade are linked in ascending id.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import Pending
from .order_fsm import is_terminal
from .position import count_order, reserve
from .state import State

_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)
_P_REPLACE: Final = int(Pending.REPLACE)
_P_UNKNOWN: Final = int(Pending.UNKNOWN)


@kernel
def find(state: State, order_id: int) -> int:
    """Return the row of an order, or -1."""
    row = order_id & (len(state.orders) - 1)
    return row if order_id > 0 and state.orders[row]["order_id"] == order_id else -1


@kernel
def is_live(order: np.void) -> bool:
    """Tell whether the row holds an order that may still trade."""
    return order["order_id"] != 0 and not is_terminal(order["status"])


@kernel
def table_full(state: State) -> bool:
    """Tell whether no row is left for another order."""
    return state.session[0]["live_count"] >= len(state.orders) // 2


@kernel
def open_order(
    state: State,
    slot_index: int,
    order_type: int,
    tif: int,
    price_ticks: int,
    lots: int,
    tag: int,
    replaces_id: int,
) -> int:
    """Enter a new order that is about to be sent, and return its row. The table must not be full.

    Ids grow by one; an id whose row still holds a live order is skipped.
    """
    assert not table_full(state)
    session, slot = state.session[0], state.slots[slot_index]
    order_id = session["order_id_last"] + 1
    while is_live(state.orders[order_id & (len(state.orders) - 1)]):
        order_id += 1
    session["order_id_last"] = order_id
    row = order_id & (len(state.orders) - 1)
    order = state.orders[row]
    order["order_id"] = order_id
    order["replaces_id"] = replaces_id
    order["instrument"] = slot["instrument"]
    order["account"] = session["account"]
    order["strategy"] = session["strategy"]
    order["slot"] = slot_index
    order["side"] = slot["side"]
    order["order_type"] = order_type
    order["tif"] = tif
    order["price_ticks"] = price_ticks
    order["order_lots"] = lots
    order["cum_lots"] = 0
    order["leaves_lots"] = lots
    order["status"] = 0
    order["pending"] = _P_NEW
    order["pending_since_ns"] = session["now_ns"]
    order["sent_ns"] = session["now_ns"]
    order["new_seq"] = 0
    order["replace_seq"] = 0
    order["cancel_seq"] = 0
    order["cancel_refused"] = 0
    order["replaced_by_id"] = 0
    order["replace_done"] = 0
    order["accepted"] = 0
    order["tag"] = tag
    order["venue_ts_ns"] = 0
    order["venue_leaves_lots"] = lots
    order["venue_request"] = _P_NEW
    _link(state, row)
    replaced_row = find(state, replaces_id)
    if replaced_row >= 0:
        state.orders[replaced_row]["replaced_by_id"] = order_id
    position = state.positions[slot["instrument"]]
    reserve(position, state.instruments[slot["instrument"]], slot["side"], lots, price_ticks)
    count_order(position, 1)
    return row


@kernel
def request_cancel(state: State, row: int, for_replace: bool) -> None:
    """Mark a cancel as in flight; ``for_replace``: it is the first half of a replace."""
    order = state.orders[row]
    order["pending"] |= _P_CANCEL | _P_REPLACE if for_replace else _P_CANCEL
    order["pending_since_ns"] = state.session[0]["now_ns"]
    order["cancel_refused"] = 0
    order["venue_request"] = _P_CANCEL


@kernel
def mark_unknown(state: State, row: int) -> None:
    """No report came in time: nothing is known about the requests of this order until one does."""
    state.orders[row]["pending"] |= _P_UNKNOWN


@kernel
def _link(state: State, row: int) -> None:
    session, order = state.session[0], state.orders[row]
    tail = session["live_tail"]
    order["prev_row"] = tail
    order["next_row"] = -1
    if tail >= 0:
        state.orders[tail]["next_row"] = row
    else:
        session["live_head"] = row
    session["live_tail"] = row
    session["live_count"] += 1


@kernel
def unlink(state: State, row: int) -> None:
    """Take an order that is over out of the list of live ones; its row stays for late fills."""
    session, order = state.session[0], state.orders[row]
    before, after = order["prev_row"], order["next_row"]
    if before >= 0:
        state.orders[before]["next_row"] = after
    else:
        session["live_head"] = after
    if after >= 0:
        state.orders[after]["prev_row"] = before
    else:
        session["live_tail"] = before
    session["live_count"] -= 1
