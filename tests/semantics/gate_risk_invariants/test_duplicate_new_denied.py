"""A new for a slot that has an order is denied DUPLICATE, whatever that order waits for."""

from trading_platform.model.enums import CommandKind, DenyCode, EventKind

from ..harness import BUY, Session, kinds_of


def test_new_beside_a_working_order_is_denied_and_names_it() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.forget()
    session.new(BUY, 999, 1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.DUPLICATE]
    assert session.event(EventKind.DENIED)["a"] == order_id


def test_new_beside_an_order_in_flight_is_denied() -> None:
    session = Session()
    session.place(BUY, 1000, 5)
    session.new(BUY, 999, 1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.DUPLICATE]


def test_another_level_is_another_slot() -> None:
    session = Session()
    session.rest(BUY, 1000, 5)
    session.new(BUY, 999, 1, level=1)
    assert kinds_of(session.decide()) == [CommandKind.NEW]


def test_new_after_the_order_ended_is_sent() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.canceled(order_id)
    session.new(BUY, 999, 1)
    assert kinds_of(session.decide()) == [CommandKind.NEW]
