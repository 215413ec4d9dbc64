"""The ack of the submit must not erase a request that was made since."""

from trading_platform.model.enums import OrderStatus, Pending

from ..harness import BUY, Session


def test_second_ack_leaves_the_cancel_in_flight() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.cancel(BUY)
    session.decide()
    session.ack(order_id)
    session.decide()
    assert session.pending(order_id) == Pending.CANCEL
    assert session.status(order_id) == OrderStatus.WORKING


def test_ack_that_a_fill_overtook_leaves_the_cancel_in_flight() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.fill(order_id, 1, 1000)
    session.cancel(BUY)
    session.decide()
    assert session.pending(order_id) == Pending.CANCEL
    session.ack(order_id)
    session.decide()
    assert session.pending(order_id) == Pending.CANCEL
    assert session.status(order_id) == OrderStatus.PARTIALLY_FILLED


def test_partial_fill_leaves_the_cancel_in_flight() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.cancel(BUY)
    session.decide()
    session.fill(order_id, 2, 1000)
    session.decide()
    assert session.pending(order_id) == Pending.CANCEL
    session.cancel(BUY)
    assert session.decide() == []  # it is asked for already
