"""Fills add up to the order: CumQty + LeavesQty = OrderQty, until nothing is left."""

import pytest

from trading_platform.model.enums import EventKind, OrderStatus

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize("side", [BUY, SELL])
def test_fills_one_by_one(side: int) -> None:
    session = Session()
    order_id = session.rest(side, 1005, 6)
    for count, (lots, price) in enumerate([(1, 1005), (2, 1004), (3, 1003)], start=1):
        session.fill(order_id, lots, price)
        session.decide()
        order = session.order(order_id)
        assert order["cum_lots"] + order["leaves_lots"] == 6
        expected = OrderStatus.FILLED if count == 3 else OrderStatus.PARTIALLY_FILLED
        assert session.status(order_id) == expected
    fills = session.events(EventKind.FILL)
    assert [(int(f["qty_lots"]), int(f["price_ticks"]), int(f["b"])) for f in fills] == [
        (1, 1005, 1),
        (2, 1004, 3),
        (3, 1003, 6),
    ]
    assert session.net_lots == 6 * side
    assert session.position["cash_ticklots"] == -side * (1005 + 2 * 1004 + 3 * 1003)


def test_two_fills_of_one_block_are_both_booked() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 6)
    session.fill(order_id, 2, 1000)
    session.fill(order_id, 4, 1000)
    session.decide()
    assert session.status(order_id) == OrderStatus.FILLED
    assert [int(event["leaves_lots"]) for event in session.events(EventKind.FILL)] == [4, 0]


def test_position_is_journaled_once_per_block_with_fills() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 6)
    session.fill(order_id, 2, 1000)
    session.fill(order_id, 1, 1000)
    session.decide()
    session.decide()
    assert session.event(EventKind.POSITION)["qty_lots"] == 3
    assert session.event(EventKind.POSITION)["a"] == -3000


def test_reports_are_folded_by_order_id() -> None:
    session = Session()
    first = session.rest(BUY, 1000, 1)
    second = session.rest(BUY, 999, 1, level=1)
    session.fill(second, 1, 999)
    session.fill(first, 1, 1000)
    session.decide()
    assert [int(event["order_id"]) for event in session.events(EventKind.FILL)] == [first, second]
