"""A cancel removes a new of its slot that was not sent yet, whether it waits or came in the same batch."""

from trading_platform.model.enums import EventKind, HoldCode

from ..harness import BUY, SECOND_NS, Session


def test_in_one_batch() -> None:
    session = Session()
    session.new(BUY, 1000, 1)
    session.cancel(BUY)
    assert session.decide() == []
    assert session.dequeued() == [HoldCode.SUPERSEDED, HoldCode.NO_CHANGE]
    assert session.events(EventKind.DENIED) == []


def test_in_the_queue() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.place(BUY, 1000, 1)
    session.new(BUY, 999, 1, level=1)
    session.decide()
    session.cancel(BUY, level=1)
    assert session.decide() == []
    session.advance(100 * SECOND_NS)
    assert session.decide() == []
    assert session.position["open_buy_lots"] == 1
    assert session.events(EventKind.DENIED) == []
