"""Orders sent and not yet acknowledged count in the worst case, and so do cancels without answer."""

from trading_platform.model.enums import DenyCode, EventKind

from ..harness import BUY, SELL, Session


def test_unacknowledged_order_counts() -> None:
    session = Session(position_lots_max=5)
    session.place(BUY, 1000, 3)
    session.new(BUY, 999, 3, level=1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]
    assert session.event(EventKind.DENIED)["a"] == 6


def test_order_with_a_cancel_in_flight_counts() -> None:
    session = Session(position_lots_max=5)
    order_id = session.rest(BUY, 1000, 3)
    session.cancel(BUY)
    session.decide()
    session.new(BUY, 999, 3, level=1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]

    session.canceled(order_id)
    session.new(BUY, 999, 3, level=1)
    assert len(session.decide()) == 1


def test_position_and_open_orders_add_up() -> None:
    session = Session(position_lots_max=5)
    order_id = session.rest(BUY, 1000, 3)
    session.fill(order_id, 2, 1000)  # 2 held, 1 open
    session.new(BUY, 999, 3, level=1)
    assert session.decide() == []
    session.new(BUY, 999, 2, level=1)
    assert len(session.decide()) == 1


def test_orders_of_the_other_side_give_no_room() -> None:
    session = Session(position_lots_max=5)
    session.rest(SELL, 1010, 5)
    session.new(BUY, 1000, 6)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]


def test_rejected_order_no_longer_counts() -> None:
    session = Session(position_lots_max=5)
    session.rejected(session.place(BUY, 1000, 5))
    session.new(BUY, 1000, 5, level=1)
    assert len(session.decide()) == 1
