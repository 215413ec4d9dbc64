"""A cancel without a live target is denied NOT_FOUND, and nothing is sent."""

from trading_platform.model.enums import DenyCode, EventKind

from ..harness import BUY, SELL, Session


def test_cancel_of_an_empty_slot_is_denied() -> None:
    session = Session()
    session.cancel(BUY)
    assert session.decide() == []
    assert session.denials() == [DenyCode.NOT_FOUND]
    assert session.kinds() == [EventKind.INTENT, EventKind.DENIED]


def test_cancel_of_another_slot_does_not_touch_this_one() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.forget()
    session.cancel(SELL)
    session.cancel(BUY, level=1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.NOT_FOUND, DenyCode.NOT_FOUND]
    assert session.order(order_id)["leaves_lots"] == 5


def test_cancel_of_an_order_that_ended_is_denied() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.fill(order_id, 5, 1000)
    session.cancel(BUY)
    assert session.decide() == []
    assert session.denials() == [DenyCode.NOT_FOUND]
