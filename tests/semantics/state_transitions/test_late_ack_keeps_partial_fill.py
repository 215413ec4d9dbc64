"""A fill may overtake the ack: the late ack must not erase it."""

from trading_platform.model.enums import OrderStatus, Pending

from ..harness import BUY, Session


def test_ack_after_a_partial_fill() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.fill(order_id, 2, 1000)
    session.decide()
    assert session.status(order_id) == OrderStatus.PARTIALLY_FILLED
    session.ack(order_id)
    session.decide()
    order = session.order(order_id)
    assert session.status(order_id) == OrderStatus.PARTIALLY_FILLED
    assert (order["cum_lots"], order["leaves_lots"]) == (2, 3)
    assert session.pending(order_id) == Pending.NONE


def test_ack_after_the_whole_fill() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.fill(order_id, 5, 1000)
    session.decide()
    session.ack(order_id)
    session.decide()
    assert session.status(order_id) == OrderStatus.FILLED
    assert session.net_lots == 5


def test_ack_and_fill_of_one_block_in_the_wrong_order() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.ack(order_id)
    session.fill(order_id, 2, 1000)
    session.decide()
    assert session.status(order_id) == OrderStatus.PARTIALLY_FILLED
