"""Commands to the venue: an approved wish is journaled as SENT, marked in flight and appended to state.commands."""

from typing import Final

from .._jit import kernel
from ..model.enums import CommandKind, EventFlag, EventKind, OrderType, Pending, TimeInForce
from ..model.records import NEVER
from . import journal
from .held import clear
from .orders import mark_unknown, open_order, request_cancel
from .risk import is_reducing
from .state import State
from .throttle import ORDERS, take

_P_UNKNOWN: Final = int(Pending.UNKNOWN)
_MARKET: Final = int(OrderType.MARKET)
_IOC: Final = int(TimeInForce.IOC)
_SEND_NEW: Final = int(CommandKind.NEW)
_SEND_CANCEL: Final = int(CommandKind.CANCEL)
_SEND_QUERY: Final = int(CommandKind.QUERY)
_EV_SENT: Final = int(EventKind.SENT)
_EV_QUERY: Final = int(EventKind.QUERY)
_QUOTED: Final = int(EventFlag.QUOTED)
_REDUCING: Final = int(EventFlag.REDUCING)


@kernel
def send_new(state: State, slot_index: int, price_ticks: int, replaces_id: int) -> None:
    """Send the held order and free the slot's place in the outbox."""
    slot = state.slots[slot_index]
    reducing = is_reducing(state, slot["instrument"], slot["side"], slot["approved_lots"])
    tif = _IOC if slot["held_type"] == _MARKET else slot["held_tif"]
    row = open_order(
        state,
        slot_index,
        slot["held_type"],
        tif,
        price_ticks,
        slot["approved_lots"],
        slot["held_tag"],
        replaces_id,
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
    clear(state, slot_index)


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
