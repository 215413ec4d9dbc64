"""A wish that changes nothing sends nothing; a quote that changes nothing is counted, not journaled."""

from trading_platform.model.enums import EventKind, HoldCode

from ..harness import BUY, Session


def test_replace_by_the_same_is_dropped() -> None:
    session = Session()
    session.rest(BUY, 1000, 5)
    session.forget()
    session.replace(BUY, 1000, 5)
    assert session.decide() == []
    assert session.dequeued() == [HoldCode.NO_CHANGE]
    assert session.session["noop_count"] == 1


def test_replace_to_what_is_left_is_dropped() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.fill(order_id, 2, 1000)
    session.decide()
    session.replace(BUY, 1000, 3)
    assert session.decide() == []
    assert session.dequeued() == [HoldCode.NO_CHANGE]


def test_same_quote_is_counted_and_not_journaled() -> None:
    session = Session()
    session.quote(BUY, 1000, 5)
    session.decide()
    session.forget()
    for _ in range(3):
        session.quote(BUY, 1000, 5)
        assert session.decide() == []
    assert session.kinds() == []
    assert session.session["noop_count"] == 3


def test_quote_keeps_a_partly_filled_order_in_its_place() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.fill(order_id, 2, 1000)
    session.quote(BUY, 1000, 5)
    assert session.decide() == []
    assert EventKind.INTENT not in session.kinds()[2:]


def test_quote_of_what_is_left_is_not_journaled() -> None:
    """A maker that quotes limit - position asks for exactly this at every wakeup after a partial fill."""
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.fill(order_id, 2, 1000)
    session.decide()
    session.forget()
    session.quote(BUY, 1000, 3)
    assert session.decide() == []
    assert session.kinds() == []


def test_quote_of_nothing_for_an_empty_slot_is_not_journaled() -> None:
    session = Session()
    session.quote(BUY, 0, 0)
    assert session.decide() == []
    assert session.kinds() == []


def test_quote_of_nothing_cancels_once() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.quote(BUY, 0, 0)
    (command,) = session.decide()
    assert command.order_id == order_id
    session.quote(BUY, 0, 0)
    assert session.decide() == []


def test_replace_by_another_time_in_force_is_no_noop() -> None:
    session = Session()
    old = session.rest(BUY, 1000, 5)
    asked = 1 - int(session.order(old)["tif"])
    session.replace(BUY, 1000, 5, tif=asked)
    assert [command.order_id for command in session.decide()] == [old]
