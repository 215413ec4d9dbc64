"""A row of the order table says one order, whatever it held before; live orders are linked both ways."""

import pytest
from semantics.harness import BUY, IOC, SELL, Session

from trading_platform.core.orders import (
    find,
    is_live,
    mark_unknown,
    open_order,
    request_cancel,
    table_full,
    unlink,
)
from trading_platform.core.state import State
from trading_platform.model.enums import OrderStatus, OrderType, Pending
from trading_platform.model.records import ORDER

LIMIT = int(OrderType.LIMIT)
RUBBISH = 77
KEPT = {"quoted", "last_seq"}  # set by who sends the order and journals it


def opened(state: State, count: int) -> list[int]:
    """Open orders in the slots of the first instrument and return their rows."""
    return [open_order(state, slot, LIMIT, 0, 1000, 5, 0, 0) for slot in range(count)]


def chain(state: State, start: str, step: str) -> list[int]:
    """Return the rows of the list of live orders from one of its ends."""
    rows: list[int] = []
    row = int(state.session[0][start])
    while row >= 0 and len(rows) <= len(state.orders):
        rows.append(row)
        row = int(state.orders[row][step])
    return rows


@pytest.mark.parametrize("slot", [2, 3])
def test_new_order_takes_nothing_from_the_one_whose_row_it_gets(slot: int) -> None:
    session = Session(instruments=2)
    state, asked = session.state, session.session
    asked["account"], asked["strategy"], asked["order_id_last"] = 3, 4, 40
    side = int(state.slots[slot]["side"])
    assert side == (BUY if slot % 2 == 0 else SELL)
    for name in ORDER.names or ():
        state.orders[41][name] = RUBBISH
    state.orders[41]["status"] = OrderStatus.CANCELED
    assert open_order(state, slot, LIMIT, IOC, 1001, 6, 9, 12) == 41
    told = dict(zip(ORDER.names or (), state.orders[41].tolist(), strict=True))
    assert told == dict.fromkeys(ORDER.names or (), 0) | dict.fromkeys(KEPT, RUBBISH) | {
        "order_id": 41,
        "replaces_id": 12,
        "account": 3,
        "strategy": 4,
        "slot": slot,
        "side": side,
        "order_type": LIMIT,
        "tif": IOC,
        "price_ticks": 1001,
        "order_lots": 6,
        "leaves_lots": 6,
        "pending": Pending.NEW,
        "pending_since_ns": session.now_ns,
        "sent_ns": session.now_ns,
        "tag": 9,
        "next_row": -1,
        "prev_row": -1,
        "venue_leaves_lots": 6,
        "venue_request": Pending.NEW,
    }
    assert asked["order_id_last"] == 41


def test_new_order_counts_for_its_own_instrument_and_side() -> None:
    session = Session(instruments=2)
    state = session.state
    slot = len(state.slots) // 2 + 1  # the best ask of the second instrument
    row = open_order(state, slot, LIMIT, 0, 1001, 6, 0, 0)
    assert state.orders[row]["instrument"] == 1
    counted = ("open_buy_lots", "open_buy_notional", "open_sell_lots", "open_sell_notional", "open_count")
    assert [int(state.positions[1][name]) for name in counted] == [0, 0, 6, 6006, 1]
    assert [int(state.positions[0][name]) for name in counted] == [0] * 5
    open_order(state, slot, LIMIT, 0, 1002, 1, 0, 0)
    assert [int(state.positions[1][name]) for name in counted] == [0, 0, 7, 7008, 2]


def test_order_that_is_replaced_knows_the_newest_that_takes_its_place() -> None:
    session = Session()
    state = session.state
    (old,) = opened(state, 1)
    old_id = int(state.orders[old]["order_id"])
    first = open_order(state, 0, LIMIT, 0, 1001, 6, 0, old_id)
    assert state.orders[old]["replaced_by_id"] == state.orders[first]["order_id"]
    second = open_order(state, 0, LIMIT, 0, 1002, 6, 0, old_id)
    assert state.orders[old]["replaced_by_id"] == state.orders[second]["order_id"]
    assert state.orders[first]["replaced_by_id"] == 0


def test_order_that_replaces_one_in_the_first_row_is_known_there() -> None:
    session = Session()
    state = session.state
    session.session["order_id_last"] = len(state.orders) - 1
    (old,) = opened(state, 1)
    assert old == 0
    new = open_order(state, 0, LIMIT, 0, 1001, 6, 0, len(state.orders))
    assert state.orders[0]["replaced_by_id"] == state.orders[new]["order_id"]


def test_order_that_replaces_one_whose_row_is_gone_touches_no_other() -> None:
    session = Session()
    state = session.state
    rows = opened(state, 2)
    before = state.orders.copy()
    gone = int(state.orders[rows[0]]["order_id"]) + len(state.orders)  # the same row, another id
    new = open_order(state, 2, LIMIT, 0, 1000, 5, 0, gone)
    before["next_row"][rows[1]] = new
    others = [row for row in range(len(before)) if row != new]
    assert (state.orders[others] == before[others]).all()


@pytest.mark.parametrize("order_id", [0, -1, -1024, 2, 1025])
def test_id_of_no_order_is_not_found(order_id: int) -> None:
    """0 stands for `none`: the rows that were never used hold it too."""
    state = Session().state
    assert len(state.orders) == 1024
    (row,) = opened(state, 1)
    assert find(state, 1) == row == 1
    assert find(state, order_id) == -1


def test_old_id_does_not_find_the_order_that_has_its_row_now() -> None:
    """A late fill of the old one would be booked to the new one."""
    session = Session()
    session.session["order_id_last"] = 1024
    (row,) = opened(session.state, 1)
    assert find(session.state, 1025) == row == 1
    assert find(session.state, 1) == -1


def test_negative_number_in_a_row_is_no_order() -> None:
    state = Session().state
    state.orders[len(state.orders) - 1]["order_id"] = -1
    assert find(state, -1) == -1


@pytest.mark.parametrize("status", OrderStatus)
def test_order_lives_until_its_status_is_terminal(status: OrderStatus) -> None:
    state = Session().state
    (row,) = opened(state, 1)
    state.orders[row]["status"] = status
    assert is_live(state.orders[row]) == (status < OrderStatus.FILLED)
    state.orders[row]["order_id"] = 0
    assert not is_live(state.orders[row])


def test_table_is_full_at_half_of_its_rows() -> None:
    session = Session()
    half = len(session.state.orders) // 2
    for count, full in ((0, False), (half - 1, False), (half, True), (half + 1, True)):
        session.session["live_count"] = count
        assert table_full(session.state) == full


def test_order_for_a_full_table_is_a_fault() -> None:
    session = Session()
    session.session["live_count"] = len(session.state.orders) // 2
    with pytest.raises(AssertionError):
        opened(session.state, 1)


def test_ids_of_rows_in_use_are_skipped_and_no_more() -> None:
    session = Session()
    state = session.state
    rows = opened(state, 3)
    session.session["order_id_last"] = rows[0] + len(state.orders) - 1
    (row,) = opened(state, 1)
    assert state.orders[row]["order_id"] == rows[2] + len(state.orders) + 1
    assert session.session["order_id_last"] == rows[2] + len(state.orders) + 1


@pytest.mark.parametrize("for_replace", [False, True])
def test_cancel_joins_what_is_in_flight_and_starts_its_own_clock(for_replace: bool) -> None:
    session = Session()
    state = session.state
    (row,) = opened(state, 1)
    order = state.orders[row]
    order["cancel_refused"] = 1
    order["pending"] = Pending.NEW | Pending.UNKNOWN
    sent_ns = session.now_ns
    session.advance(5)
    request_cancel(state, row, for_replace)
    asked = Pending.CANCEL | Pending.REPLACE if for_replace else Pending.CANCEL
    assert order["pending"] == Pending.NEW | Pending.UNKNOWN | asked
    assert (order["sent_ns"], order["pending_since_ns"]) == (sent_ns, sent_ns + 5)
    assert (order["cancel_refused"], order["venue_request"]) == (0, Pending.CANCEL)


@pytest.mark.parametrize("pending", [Pending.NEW, Pending.CANCEL, Pending.CANCEL | Pending.REPLACE])
def test_silence_forgets_no_request(pending: Pending) -> None:
    state = Session().state
    (row,) = opened(state, 1)
    state.orders[row]["pending"] = pending
    mark_unknown(state, row)
    assert state.orders[row]["pending"] == pending | Pending.UNKNOWN
    mark_unknown(state, row)
    assert state.orders[row]["pending"] == pending | Pending.UNKNOWN


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("gone", [[0], [1], [3], [0, 1], [3, 2], [1, 2], [2, 0, 3], [0, 1, 2, 3]])
def test_live_orders_are_linked_both_ways_whoever_leaves(first: int, gone: list[int]) -> None:
    """Row 0 and row -1 (no row) must not be taken for each other: the list starts in row 0 once."""
    session = Session()
    state = session.state
    session.session["order_id_last"] = len(state.orders) - 1 + first
    rows = opened(state, 4)
    assert rows[0] == first
    assert chain(state, "live_head", "next_row") == rows
    assert chain(state, "live_tail", "prev_row") == rows[::-1]
    for index in gone:
        unlink(state, rows[index])
    left = [row for index, row in enumerate(rows) if index not in gone]
    assert chain(state, "live_head", "next_row") == left
    assert chain(state, "live_tail", "prev_row") == left[::-1]
    assert session.session["live_count"] == len(left)
    for row in rows:
        state.orders[row]["status"] = OrderStatus.CANCELED
    (row,) = opened(state, 1)
    assert chain(state, "live_head", "next_row") == [*left, row]
    assert chain(state, "live_tail", "prev_row") == [row, *left[::-1]]


def test_list_may_go_through_the_first_row() -> None:
    """The ids go round: row 0 stands in the middle."""
    session = Session()
    state = session.state
    session.session["order_id_last"] = len(state.orders) - 2
    rows = opened(state, 3)
    assert rows == [len(state.orders) - 1, 0, 1]
    assert chain(state, "live_head", "next_row") == rows
    assert chain(state, "live_tail", "prev_row") == rows[::-1]
    unlink(state, rows[0])
    assert chain(state, "live_tail", "prev_row") == [1, 0]
    unlink(state, rows[2])
    assert chain(state, "live_head", "next_row") == chain(state, "live_tail", "prev_row") == [0]
