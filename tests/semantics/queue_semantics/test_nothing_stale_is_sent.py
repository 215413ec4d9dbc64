"""A queued wish that was superseded, or that fails its second check, is never sent."""

from trading_platform.model.enums import CommandKind, DenyCode, HoldCode

from ..harness import BUY, SECOND_NS, SELL, Session, prices_of


def queued_bid(price: int = 999) -> Session:
    """A bid that waits ten seconds for its token, in slot 0."""
    session = Session()
    session.rate(orders=(10 * SECOND_NS, 1))
    session.place(BUY, 900, 1, level=1)
    session.quote(BUY, price, 2)
    assert session.decide() == []
    session.forget()
    return session


def wait(session: Session) -> list[int]:
    session.advance(10 * SECOND_NS)
    return prices_of(session.decide())


def test_superseded_price_is_never_sent() -> None:
    session = queued_bid(price=999)
    session.quote(BUY, 998, 2)
    session.decide()
    assert wait(session) == [998]
    assert wait(session) == []


def test_withdrawn_quote_is_never_sent() -> None:
    session = queued_bid()
    session.quote(BUY, 0, 0)
    session.decide()
    assert session.dequeued() == [HoldCode.SUPERSEDED]
    assert wait(session) == []


def test_check_is_repeated_when_the_token_comes() -> None:
    session = queued_bid()
    session.limit(position_lots_max=2)
    assert wait(session) == []
    assert session.denials() == [DenyCode.POSITION]
    assert wait(session) == []


def test_check_is_repeated_when_a_fill_takes_the_room() -> None:
    session = Session(position_lots_max=5)
    session.rate(orders=(10 * SECOND_NS, 2))
    session.rest(SELL, 1010, 5, level=2)
    bid = session.rest(BUY, 1000, 3)
    session.new(BUY, 999, 2, level=1)
    session.decide()
    session.limit(position_lots_max=4)
    session.fill(bid, 1, 1000)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]


def test_quoted_replace_of_an_order_that_filled_meanwhile_is_not_sent() -> None:
    session = Session()
    session.rate(cancels=(10 * SECOND_NS, 1))
    session.rest(BUY, 900, 1, level=1)
    session.cancel(BUY, level=1)
    session.decide()
    order_id = session.rest(BUY, 1000, 2)
    session.replace(BUY, 999, 2)
    assert session.decide() == []
    session.fill(order_id, 2, 1000)
    session.decide()
    session.advance(10 * SECOND_NS)
    assert session.decide() == []
    assert CommandKind.CANCEL not in [
        command.kind for command in session.sent if command.order_id == order_id
    ]
