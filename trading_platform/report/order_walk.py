"""What a log says of each order: two compiled walks over its events."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .._jit import INT, Array, entry, kernel
from ..core.order_fsm import is_terminal
from ..eventlog.schema import EventArray
from ..model.enums import CommandKind, EventFlag, EventKind, ReportKind
from ..model.instrument import Instrument
from ..model.records import EVENT, Records
from .columns import require_instruments

NOT_YET: Final = -1  # a time that did not come
ORDER_PLACES: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("first", "<i8"),  # places of its first and last event in the log
        ("last", "<i8"),
        ("replaced_by", "<i8"),  # id of the order that took its place, 0 nobody
    ]
)
ORDER_FACTS: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("parent_order_id", "<i8"),
        ("replaced_by", "<i8"),
        ("sent_seq", "<i8"),  # 0: was not sent in this log
        ("sent_ns", "<i8"),
        ("acked_ns", "<i8"),
        ("ended_ns", "<i8"),
        ("price_ticks", "<i8"),
        ("order_lots", "<i8"),
        ("cum_lots", "<i8"),
        ("maker_lots", "<i8"),
        ("filled_lots", "<i8"),
        ("fill_count", "<i8"),
        ("fee_money", "<i8"),
        ("cancel_cause_seq", "<i8"),  # of the last request to cancel
        ("value", "<f8"),  # sum of lots times price of the fills
        ("first_kind", "<u1"),
        ("side", "<i1"),
        ("order_type", "<u1"),
        ("tif", "<u1"),
        ("last_kind", "<u1"),
        ("status_to", "<u1"),
        ("instrument", "<u2"),
        ("account", "<u2"),
        ("strategy", "<u2"),
        ("slot", "<u2"),
        ("tag", "<u2"),
    ],
    align=True,
)
_ROOM: Final = 1 << 12  # orders at first
_KINDS: Final = (EventKind.SENT, EventKind.STATUS, EventKind.FILL, EventKind.VENUE_REJECT, EventKind.REPLACED)
_IS_STEP: Final = np.isin(np.arange(256), _KINDS)
_SENT, _STATUS, _FILL, _REPLACED = (
    int(kind) for kind in (EventKind.SENT, EventKind.STATUS, EventKind.FILL, EventKind.REPLACED)
)
_NEW, _CANCEL = int(CommandKind.NEW), int(CommandKind.CANCEL)
_ACK, _MAKER = int(ReportKind.ACK), int(EventFlag.MAKER)


def order_places(events: EventArray) -> Records:
    """Return ORDER_PLACES, one per order of a log by id: all that is kept of all orders at a time."""
    found: Records = np.zeros(_ROOM, ORDER_PLACES)
    count, start = np.zeros(2, np.int64), 0
    while (start := _find_orders(events, found, count, start)) < len(events):
        found = np.concatenate([found, np.zeros(len(found), ORDER_PLACES)])
    return found[: count[0]]


def orders_at(events: EventArray, places: Records, instruments: Sequence[Instrument]) -> Records:
    """Return ORDER_FACTS, one for each of ``places``: neighbours of what `order_places` found in these events.

    Raises
    ------
    EventLogError : an event is of an instrument that is not given
    """
    orders = np.zeros(len(places), ORDER_FACTS)
    if not len(places):
        return orders
    orders["order_id"], orders["replaced_by"] = places["order_id"], places["replaced_by"]
    for name in ("sent_ns", "acked_ns", "ended_ns"):
        orders[name] = NOT_YET
    ticks = np.array([instrument.tick_size.as_integer_ratio() for instrument in instruments], np.float64)
    stop = int(places["last"].max()) + 1
    at = _fold_events(events, places, orders, ticks.reshape(-1, 2), int(places["first"].min()), stop)
    require_instruments(events["instrument"][at:stop], instruments)
    return orders


@kernel
def _row(orders: Records, count: int, order_id: int) -> int:
    """Return the first of ``count`` rows whose id is not below this one: a jump where ids count up, else a search."""
    if count == 0 or order_id > orders[count - 1]["order_id"]:
        return count
    near = count - 1 - int(orders[count - 1]["order_id"] - order_id)
    if 0 <= near < count and orders[near]["order_id"] == order_id:
        return near
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if orders[middle]["order_id"] < order_id:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _is_at(orders: Records, count: int, row: int, order_id: int) -> bool:
    return bool(row < count and orders[row]["order_id"] == order_id)


@entry(Array(EVENT), Array(ORDER_PLACES), Array(np.dtype(np.int64)), INT)
def _find_orders(events: EventArray, found: Records, count: npt.NDArray[np.int64], start: int) -> int:
    """Add the orders of the events from ``start`` on; return where there was no more room, else the end.

    Ids count up, so an order is added behind the others; one with a smaller id moves all with larger ones.
    ``count`` are the orders, and the replacements whose parent was not known when they came.
    """
    orders = count[0]
    for place in range(start, len(events)):
        if not _IS_STEP[events[place]["kind"]]:
            continue
        order_id = events[place]["order_id"]
        row = _row(found, orders, order_id)
        if not _is_at(found, orders, row, order_id):
            if orders == len(found):
                count[0] = orders
                return place
            for later in range(orders, row, -1):
                found[later] = found[later - 1]
            orders += 1
            found[row]["order_id"], found[row]["first"], found[row]["replaced_by"] = order_id, place, 0
        found[row]["last"] = place
        if events[place]["kind"] == _REPLACED:
            count[1] += not _note_heir(found, orders, events[place])
    count[0] = orders
    if count[1]:  # now that all are known
        for place in range(len(events)):
            if events[place]["kind"] == _REPLACED:
                _note_heir(found, orders, events[place])
    return len(events)


@kernel
def _note_heir(found: Records, count: int, event: np.void) -> bool:
    """Note at the order that was replaced who took its place; tell whether it is known."""
    row = _row(found, count, event["parent_order_id"])
    known = _is_at(found, count, row, event["parent_order_id"])
    if known:
        found[row]["replaced_by"] = max(found[row]["replaced_by"], event["order_id"])
    return known


@entry(Array(EVENT), Array(ORDER_PLACES), Array(ORDER_FACTS), Array(np.dtype(np.float64), 2), INT, INT)
def _fold_events(
    events: EventArray,
    places: Records,
    orders: Records,
    tick_sizes: npt.NDArray[np.float64],
    start: int,
    stop: int,
) -> int:
    """Add the events from start to stop to their orders; return where the instrument is unknown, else ``stop``."""
    for place in range(start, stop):
        event = events[place]
        if not _IS_STEP[event["kind"]]:
            continue
        row = _row(places, len(places), event["order_id"])
        if not _is_at(places, len(places), row, event["order_id"]):
            continue
        if event["instrument"] >= len(tick_sizes):
            return place
        order = orders[row]
        if place == places[row]["first"]:
            _begin(order, event)
        _follow(order, event)
        if event["kind"] == _FILL:
            _fill(order, event, tick_sizes[event["instrument"]])
    return stop


@kernel
def _begin(order: np.void, event: np.void) -> None:
    """Copy what an order's first event says of it."""
    order["parent_order_id"] = event["parent_order_id"]
    order["instrument"], order["account"] = event["instrument"], event["account"]
    order["strategy"], order["slot"], order["tag"] = event["strategy"], event["slot"], event["tag"]
    order["first_kind"] = event["kind"]
    order["side"], order["order_type"], order["tif"] = event["side"], event["order_type"], event["tif"]


@kernel
def _follow(order: np.void, event: np.void) -> None:
    """Note when the order was sent, acknowledged, asked to end and ended, and its status so far."""
    kind, now_ns = event["kind"], event["now_ns"]
    order["last_kind"], order["status_to"] = kind, event["status_to"]
    if kind == _SENT and event["a"] == _NEW and order["sent_seq"] == 0:
        order["sent_seq"], order["sent_ns"] = event["seq"], now_ns
        order["price_ticks"], order["order_lots"] = event["price_ticks"], event["qty_lots"]
    elif kind == _SENT and event["a"] == _CANCEL:
        order["cancel_cause_seq"] = event["cause_seq"]
    elif kind == _STATUS and event["a"] == _ACK and order["acked_ns"] == NOT_YET:
        order["acked_ns"] = now_ns
    if (
        order["ended_ns"] == NOT_YET
        and is_terminal(event["status_to"])
        and not is_terminal(event["status_from"])
    ):
        order["ended_ns"] = now_ns


@kernel
def _fill(order: np.void, event: np.void, tick_size: npt.NDArray[np.float64]) -> None:
    lots = event["qty_lots"]
    order["fill_count"] += 1
    order["cum_lots"] = max(order["cum_lots"], event["b"])
    order["filled_lots"] += lots
    if event["flags"] & _MAKER:
        order["maker_lots"] += lots
    order["fee_money"] += event["a"]
    order["value"] += lots * (event["price_ticks"] * tick_size[0] / tick_size[1])
