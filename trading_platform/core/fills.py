"""Fills are money: booked before the status is judged, in every status, even for orders we do not know."""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    AnomalyCode,
    EventFlag,
    EventKind,
    HaltCode,
    OrderEvent,
    ReportKind,
)
from . import journal
from .lifecycle import anomaly, complete_replace, move
from .order_fsm import INVALID, is_terminal, next_pending, next_status
from .position import apply_fill, fee_money, release
from .state import State

_FILL: Final = int(ReportKind.FILL)
_MAKER: Final = int(EventFlag.MAKER)
_LATE: Final = int(EventFlag.LATE)
_EV_FILL: Final = int(EventKind.FILL)
_EV_ANOMALY: Final = int(EventKind.ANOMALY)
_E_PARTIAL: Final = int(OrderEvent.PARTIAL_FILL)
_E_FILL: Final = int(OrderEvent.FILL)
_IMPOSSIBLE_STATUS: Final = int(AnomalyCode.IMPOSSIBLE_STATUS)
_UNKNOWN_ORDER: Final = int(AnomalyCode.UNKNOWN_ORDER)
_OVERFILL: Final = int(AnomalyCode.OVERFILL)
_HALT_ANOMALY: Final = int(HaltCode.ANOMALY)


@kernel
def book_fill(state: State, row: int, report: np.void) -> None:
    """Book a fill of one of our orders, then judge its status; late, impossible and over-fills are money too."""
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
    order["accepted"] = 1
    if not impossible:
        move(state, row, status, next_pending(order["pending"], _FILL))
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
    complete_replace(state, row, report["ts_exch_ns"])
    if impossible or overfill:
        anomaly(state, row, report, _OVERFILL if overfill else _IMPOSSIBLE_STATUS)


@kernel
def report_of_unknown_order(state: State, report: np.void) -> None:
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
