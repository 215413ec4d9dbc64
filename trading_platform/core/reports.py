"""Order reports: what the venue said becomes status, position and journal. Writes ORDER records like orders.py does.

A fill is money: it is booked before the status is judged, in every status.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    AnomalyCode,
    EventKind,
    OrderEvent,
    Pending,
    ReportKind,
)
from . import journal
from .fills import book_fill, report_of_unknown_order
from .lifecycle import add_outcome, anomaly, complete_replace, complete_replace_of, move
from .order_fsm import INVALID, is_terminal, next_pending, next_status
from .orders import find
from .position import release, reserve
from .state import State

_FILL: Final = int(ReportKind.FILL)
_ACK: Final = int(ReportKind.ACK)
_REPLACED: Final = int(ReportKind.REPLACED)
_CANCELED: Final = int(ReportKind.CANCELED)
_EXPIRED: Final = int(ReportKind.EXPIRED)
_REJECTED: Final = int(ReportKind.REJECTED)
_P_CANCEL: Final = int(Pending.CANCEL)
_P_REPLACE: Final = int(Pending.REPLACE)
_EV_STATUS: Final = int(EventKind.STATUS)
_EV_VENUE_REJECT: Final = int(EventKind.VENUE_REJECT)
_EV_REPLACED: Final = int(EventKind.REPLACED)
_E_ACK: Final = int(OrderEvent.ACK)
_E_CANCEL: Final = int(OrderEvent.CANCEL)
_E_EXPIRE: Final = int(OrderEvent.EXPIRE)
_E_REJECT: Final = int(OrderEvent.REJECT)
_IMPOSSIBLE_STATUS: Final = int(AnomalyCode.IMPOSSIBLE_STATUS)
_IMPOSSIBLE_PENDING: Final = int(AnomalyCode.IMPOSSIBLE_PENDING)


@kernel
def apply_report(state: State, report: np.void) -> None:
    """Fold one order report. A fill is money: booked first, in every status; the status is judged after."""
    state.session[0]["recheck"] = 1
    state.session[0]["reports_changed"] = 1
    row = find(state, report["order_id"])
    if row < 0:
        report_of_unknown_order(state, report)
    elif report["kind"] == _FILL:
        book_fill(state, row, report)
    elif report["kind"] <= _REJECTED:
        _status(state, row, report)
    else:
        _request_refused(state, row, report)
    state.session[0]["block_seq"] = state.session[0]["seq"]


@kernel
def _order_event(report_kind: int) -> int:
    if report_kind == _CANCELED:
        return _E_CANCEL
    if report_kind == _EXPIRED:
        return _E_EXPIRE
    if report_kind == _REJECTED:
        return _E_REJECT
    return _E_ACK


@kernel
def _status(state: State, row: int, report: np.void) -> None:
    """ACK, REPLACED, CANCELED, EXPIRED, REJECTED."""
    order = state.orders[row]
    kind = report["kind"]
    status = next_status(order["status"], _order_event(kind))
    pending = next_pending(order["pending"], kind)
    if status == INVALID or pending == INVALID:
        anomaly(state, row, report, _IMPOSSIBLE_STATUS if status == INVALID else _IMPOSSIBLE_PENDING)
        return
    cause = order["cancel_seq"] if kind == _CANCELED and order["cancel_seq"] else order["new_seq"]
    index = journal.of_order(state, _EV_VENUE_REJECT if kind == _REJECTED else _EV_STATUS, cause, row)
    if kind == _ACK or kind == _REPLACED:
        order["accepted"] = 1
    if kind == _REPLACED:
        _amend(state, row, report["last_lots"], report["last_ticks"])
    move(state, row, status, pending)
    add_outcome(state, index, row, report)
    if kind == _REPLACED:
        replaced = state.events[journal.of_order(state, _EV_REPLACED, order["new_seq"], row)]
        replaced["ts_exch_ns"] = report["ts_exch_ns"]
        replaced["parent_order_id"] = order["order_id"]
    elif kind == _ACK:
        complete_replace(state, row, report["ts_exch_ns"])
    elif kind == _CANCELED or kind == _EXPIRED:
        complete_replace_of(state, row, report["ts_exch_ns"])


@kernel
def _request_refused(state: State, row: int, report: np.void) -> None:
    """CANCEL_REJECTED, REPLACE_REJECTED: the order stays as it was. After its end such an answer is merely late."""
    order = state.orders[row]
    pending = next_pending(order["pending"], report["kind"])
    if is_terminal(order["status"]):
        pending = order["pending"]
    if pending == INVALID:
        anomaly(state, row, report, _IMPOSSIBLE_PENDING)
        return
    index = journal.of_order(state, _EV_VENUE_REJECT, order["cancel_seq"], row)
    if not pending & _P_CANCEL:
        pending &= ~_P_REPLACE  # the first half of the replace failed: the replace did
        order["cancel_refused"] = 1
        _answer_for(state, row)
    order["pending"] = pending
    add_outcome(state, index, row, report)


@kernel
def _answer_for(state: State, row: int) -> None:
    """An order that was left to its cancel works on: it answers for its slot again, or must be canceled again."""
    slot = state.slots[state.orders[row]["slot"]]
    if is_terminal(state.orders[row]["status"]) or slot["order_row"] == row:
        return
    if slot["order_row"] < 0:
        slot["order_row"] = row
    else:
        state.session[0]["orphan_count"] += 1


@kernel
def _amend(state: State, row: int, leaves_lots: int, price_ticks: int) -> None:
    """A venue amended the order in place."""
    order = state.orders[row]
    position, instrument = state.positions[order["instrument"]], state.instruments[order["instrument"]]
    release(position, instrument, order["side"], order["leaves_lots"], order["price_ticks"])
    order["price_ticks"] = price_ticks
    order["leaves_lots"] = leaves_lots
    order["order_lots"] = order["cum_lots"] + leaves_lots
    reserve(position, instrument, order["side"], leaves_lots, price_ticks)
