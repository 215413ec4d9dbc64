"""Order reports: what the venue said becomes status, position and journal. Writes ORDER records like orders.py does.

A fill is money: it is booked before the status is judged, in every status.
"""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    AnomalyCode,
    EventFlag,
    EventKind,
    HaltCode,
    OrderEvent,
    OrderStatus,
    Pending,
    ReportKind,
)
from . import journal
from .order_fsm import INVALID, is_terminal, next_pending, next_status
from .orders import find, unlink
from .position import apply_fill, count_order, fee_money, release, reserve
from .state import State

_FILL: Final = int(ReportKind.FILL)
_ACK: Final = int(ReportKind.ACK)
_REPLACED: Final = int(ReportKind.REPLACED)
_CANCELED: Final = int(ReportKind.CANCELED)
_EXPIRED: Final = int(ReportKind.EXPIRED)
_REJECTED: Final = int(ReportKind.REJECTED)
_STATUS_EXPIRED: Final = int(OrderStatus.EXPIRED)
_STATUS_CANCELED: Final = int(OrderStatus.CANCELED)
_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)
_P_REPLACE: Final = int(Pending.REPLACE)
_MAKER: Final = int(EventFlag.MAKER)
_LATE: Final = int(EventFlag.LATE)
_EV_FILL: Final = int(EventKind.FILL)
_EV_STATUS: Final = int(EventKind.STATUS)
_EV_VENUE_REJECT: Final = int(EventKind.VENUE_REJECT)
_EV_REPLACED: Final = int(EventKind.REPLACED)
_EV_ANOMALY: Final = int(EventKind.ANOMALY)
_E_ACK: Final = int(OrderEvent.ACK)
_E_PARTIAL: Final = int(OrderEvent.PARTIAL_FILL)
_E_FILL: Final = int(OrderEvent.FILL)
_E_CANCEL: Final = int(OrderEvent.CANCEL)
_E_EXPIRE: Final = int(OrderEvent.EXPIRE)
_E_REJECT: Final = int(OrderEvent.REJECT)
_IMPOSSIBLE_STATUS: Final = int(AnomalyCode.IMPOSSIBLE_STATUS)
_IMPOSSIBLE_PENDING: Final = int(AnomalyCode.IMPOSSIBLE_PENDING)
_UNKNOWN_ORDER: Final = int(AnomalyCode.UNKNOWN_ORDER)
_OVERFILL: Final = int(AnomalyCode.OVERFILL)
_HALT_ANOMALY: Final = int(HaltCode.ANOMALY)


@kernel
def apply_report(state: State, report: np.void) -> None:
    """Fold one order report. A fill is money: booked first, in every status; the status is judged after."""
    state.session[0]["recheck"] = 1
    state.session[0]["reports_changed"] = 1
    row = find(state, report["order_id"])
    if row < 0:
        _report_of_unknown_order(state, report)
    elif report["kind"] == _FILL:
        _fill(state, row, report)
    elif report["kind"] <= _REJECTED:
        _status(state, row, report)
    else:
        _request_refused(state, row, report)
    state.session[0]["block_seq"] = state.session[0]["seq"]


@kernel
def _fill(state: State, row: int, report: np.void) -> None:
    order = state.orders[row]
    lots, price_ticks = report["last_lots"], report["last_ticks"]
    instrument = state.instruments[order["instrument"]]
    position = state.positions[order["instrument"]]
    fee = fee_money(instrument, lots, price_ticks, (report["flags"] & _MAKER) != 0)
    apply_fill(position, instrument, order["side"], lots, price_ticks, fee)

    late = is_terminal(order["status"])
    overfill = order["cum_lots"] + lots > order["order_lots"]
    complete = order["cum_lots"] + lots >= order["order_lots"]
    status = next_status(order["status"], _E_FILL if complete else _E_PARTIAL)
    impossible = status == INVALID
    index = journal.of_order(state, _EV_FILL, order["new_seq"], row)
    if not late:
        counted = min(lots, order["leaves_lots"])
        release(position, instrument, order["side"], counted, order["price_ticks"])
        order["leaves_lots"] -= counted
    order["cum_lots"] += lots
    if not impossible:
        _move(state, row, status, next_pending(order["pending"], _FILL))
    event = state.events[index]
    event["price_ticks"] = price_ticks
    event["qty_lots"] = lots
    event["ts_exch_ns"] = report["ts_exch_ns"]
    event["leaves_lots"] = order["leaves_lots"]
    event["status_to"] = order["status"]
    event["pending_to"] = order["pending"]
    event["flags"] = report["flags"] | _LATE if late else report["flags"]
    event["a"] = fee
    event["b"] = order["cum_lots"]
    event["c"] = position["net_lots"]
    _complete_replace(state, row, report["ts_exch_ns"])
    if impossible or overfill:
        _anomaly(state, row, report, _OVERFILL if overfill else _IMPOSSIBLE_STATUS)


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
        _anomaly(state, row, report, _IMPOSSIBLE_STATUS if status == INVALID else _IMPOSSIBLE_PENDING)
        return
    cause = order["cancel_seq"] if kind == _CANCELED and order["cancel_seq"] else order["new_seq"]
    index = journal.of_order(state, _EV_VENUE_REJECT if kind == _REJECTED else _EV_STATUS, cause, row)
    if kind == _REPLACED:
        _amend(state, row, report["last_lots"], report["last_ticks"])
    _move(state, row, status, pending)
    _complete(state, index, row, report)
    if kind == _REPLACED:
        replaced = state.events[journal.of_order(state, _EV_REPLACED, order["new_seq"], row)]
        replaced["ts_exch_ns"] = report["ts_exch_ns"]
        replaced["parent_order_id"] = order["order_id"]
    elif kind == _ACK:
        _complete_replace(state, row, report["ts_exch_ns"])
    elif kind == _CANCELED or kind == _EXPIRED:
        _complete_replaces_of(state, order["order_id"], report["ts_exch_ns"])


@kernel
def _complete_replace(state: State, row: int, ts_exch_ns: int) -> None:
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
def _complete_replaces_of(state: State, order_id: int, ts_exch_ns: int) -> None:
    """Complete the replaces that waited for the end of an order; its slot may be further down the chain already."""
    row = state.session[0]["live_head"]
    while row >= 0:
        if state.orders[row]["replaces_id"] == order_id:
            _complete_replace(state, row, ts_exch_ns)
        row = state.orders[row]["next_row"]


@kernel
def _request_refused(state: State, row: int, report: np.void) -> None:
    """CANCEL_REJECTED, REPLACE_REJECTED: the order stays as it was. After its end such an answer is merely late."""
    order = state.orders[row]
    pending = next_pending(order["pending"], report["kind"])
    if is_terminal(order["status"]):
        pending = order["pending"]
    if pending == INVALID:
        _anomaly(state, row, report, _IMPOSSIBLE_PENDING)
        return
    index = journal.of_order(state, _EV_VENUE_REJECT, order["cancel_seq"], row)
    if not pending & _P_CANCEL:
        pending &= ~_P_REPLACE  # the first half of the replace failed: the replace did
        order["cancel_refused"] = 1
        _answer_for(state, row)
    order["pending"] = pending
    _complete(state, index, row, report)


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
def _complete(state: State, index: int, row: int, report: np.void) -> None:
    event, order = state.events[index], state.orders[row]
    event["ts_exch_ns"] = report["ts_exch_ns"]
    event["leaves_lots"] = order["leaves_lots"]
    event["price_ticks"] = order["price_ticks"]
    event["status_to"] = order["status"]
    event["pending_to"] = order["pending"]
    event["a"] = report["kind"]
    event["code"] = report["code"]


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


@kernel
def _move(state: State, row: int, status: int, pending: int) -> None:
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
def _anomaly(state: State, row: int, report: np.void, code: int) -> None:
    """Record what must not happen and stop trading the instrument."""
    index = journal.of_order(state, _EV_ANOMALY, state.orders[row]["last_seq"], row)
    _complete(state, index, row, report)
    state.events[index]["code"] = code
    loss = state.losses[state.orders[row]["instrument"]]
    if not loss["halted"]:
        loss["halted"] = _HALT_ANOMALY


@kernel
def _report_of_unknown_order(state: State, report: np.void) -> None:
    """Book the fill of an order we do not know: it is our money all the same."""
    instrument_index = report["instrument"]
    if report["kind"] == _FILL:
        instrument, position = state.instruments[instrument_index], state.positions[instrument_index]
        lots, price_ticks = report["last_lots"], report["last_ticks"]
        fee = fee_money(instrument, lots, price_ticks, (report["flags"] & _MAKER) != 0)
        apply_fill(position, instrument, report["side"], lots, price_ticks, fee)
        event = state.events[journal.unknown_order(state, _EV_FILL, report)]
        event["price_ticks"] = price_ticks
        event["qty_lots"] = lots
        event["flags"] = report["flags"] | _LATE
        event["a"] = fee
        event["c"] = position["net_lots"]
    state.events[journal.unknown_order(state, _EV_ANOMALY, report)]["code"] = _UNKNOWN_ORDER
    loss = state.losses[instrument_index]
    if not loss["halted"]:
        loss["halted"] = _HALT_ANOMALY
