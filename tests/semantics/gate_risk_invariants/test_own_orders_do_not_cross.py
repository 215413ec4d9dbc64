"""The venue does not prevent self-trades: an order that would meet one of our own is denied SELF_CROSS."""

import pytest

from trading_platform.model.enums import DenyCode

from ..harness import BUY, SECOND_NS, SELL, Session


@pytest.mark.parametrize(
    ("side", "own", "price", "denied"),
    [
        (BUY, 1005, 1004, False),
        (BUY, 1005, 1005, True),
        (BUY, 1005, 1006, True),
        (SELL, 1005, 1006, False),
        (SELL, 1005, 1005, True),
        (SELL, 1005, 1004, True),
    ],
)
def test_price_that_meets_an_own_order_is_denied(side: int, own: int, price: int, denied: bool) -> None:
    session = Session()
    session.rest(-side, own, 1)
    session.new(side, price, 1)
    assert len(session.decide()) == (0 if denied else 1)
    assert session.denials() == ([DenyCode.SELF_CROSS] if denied else [])


def test_order_in_flight_counts() -> None:
    session = Session()
    session.place(SELL, 1005, 1)
    session.new(BUY, 1005, 1)
    assert session.decide() == []


def test_order_with_a_cancel_in_flight_counts_until_it_is_gone() -> None:
    session = Session()
    order_id = session.rest(SELL, 1005, 1)
    session.cancel(SELL)
    session.decide()
    session.new(BUY, 1005, 1)
    assert session.decide() == []
    session.canceled(order_id)
    session.new(BUY, 1005, 1)
    assert len(session.decide()) == 1


def test_two_orders_of_one_batch_do_not_cross() -> None:
    session = Session()
    session.new(SELL, 1005, 1)
    session.new(BUY, 1005, 1)
    assert [command.side for command in session.decide()] == [SELL]


def test_queued_order_is_judged_again_when_it_goes() -> None:
    """Nothing was in its way when it was queued; an ask that the same tokens let out first is now."""
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 900, 1, level=1)
    session.new(SELL, 1005, 1)
    session.new(BUY, 1005, 1)
    assert len(session.decide()) == 1
    session.advance(SECOND_NS)
    assert [command.side for command in session.decide()] == [SELL]
    session.advance(SECOND_NS)
    assert session.decide() == []
    assert session.denials() == [DenyCode.SELF_CROSS]


def test_market_order_does_not_reach_through_the_book_to_our_own() -> None:
    session = Session(bid=1000, ask=1010)
    session.rest(SELL, 1015, 1)
    session.market(BUY, 5)  # goes up to 1020
    assert session.decide() == []
    assert session.denials() == [DenyCode.SELF_CROSS]


def test_other_instruments_and_the_same_side_do_not_matter() -> None:
    session = Session(instruments=2)
    session.rest(SELL, 1005, 1)
    session.new(SELL, 1001, 1, level=1)
    session.new(BUY, 1005, 1, instrument=1)
    assert len(session.decide()) == 2
