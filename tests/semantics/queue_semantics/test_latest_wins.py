"""Among equal wishes of one slot the latest wins, in one batch and in the queue."""

from trading_platform.model.enums import CommandKind, HoldCode

from ..harness import BUY, SECOND_NS, Session, prices_of


def test_latest_new_of_a_batch() -> None:
    session = Session()
    for price in (1000, 999, 998):
        session.new(BUY, price, 1)
    assert prices_of(session.decide()) == [998]
    assert session.dequeued() == [HoldCode.SUPERSEDED, HoldCode.SUPERSEDED]


def test_latest_replace_of_a_batch() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    for price in (999, 998):
        session.replace(BUY, price, 1)
    assert [command.kind for command in session.decide()] == [CommandKind.CANCEL]
    session.canceled(order_id)
    assert prices_of(session.decide()) == [998]


def test_latest_quote_of_a_batch() -> None:
    session = Session()
    for price in (1000, 999, 998):
        session.quote(BUY, price, 1)
    assert prices_of(session.decide()) == [998]


def test_latest_new_in_the_queue() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.place(BUY, 1000, 1, level=1)
    for price in (999, 998, 997):
        session.new(BUY, price, 1)
        assert session.decide() == []
    session.advance(SECOND_NS)
    assert prices_of(session.decide()) == [997]


def test_quote_supersedes_a_waiting_quote_back_to_what_works() -> None:
    session = Session()
    session.rate(cancels=(SECOND_NS, 1))
    session.rest(BUY, 1000, 1, level=1)
    session.cancel(BUY, level=1)
    session.decide()
    session.rest(BUY, 1000, 1)
    session.quote(BUY, 999, 1)
    assert session.decide() == []
    session.quote(BUY, 1000, 1)
    session.decide()
    session.advance(10 * SECOND_NS)
    assert session.decide() == []
    assert session.session["held_count"] == 0


def test_quote_supersedes_the_waiting_cancel_of_an_earlier_quote() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 1)
    session.quote(BUY, 0, 0)
    assert session.decide() == []
    session.quote(BUY, 999, 1)
    assert session.decide() == []
    session.ack(order_id)
    session.decide()
    session.canceled(order_id)
    assert prices_of(session.decide()) == [999]


def test_quote_supersedes_the_waiting_half_of_a_replace() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    session.rate(orders=(SECOND_NS, 1))
    session.place(BUY, 900, 1, level=1)
    session.quote(BUY, 999, 1)
    session.decide()
    session.canceled(order_id)
    assert session.decide() == []
    session.quote(BUY, 998, 1)
    session.decide()
    session.advance(SECOND_NS)
    assert prices_of(session.decide()) == [998]
