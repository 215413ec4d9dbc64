"""A market order is sent as an IOC limit at the opposite touch plus the collar, and counts at that price."""

import pytest

from trading_platform.model.enums import DenyCode, EventKind, OrderType

from ..harness import BUY, IOC, SELL, Session


@pytest.mark.parametrize(("side", "sent"), [(BUY, 1020), (SELL, 990)])
def test_market_order_is_an_ioc_limit_at_the_collar(side: int, sent: int) -> None:
    session = Session(bid=1000, ask=1010, market_collar_e9=10**7)
    session.market(side, 5)
    (command,) = session.decide()
    assert (command.price_ticks, command.tif, command.qty_lots) == (sent, IOC, 5)
    assert session.event(EventKind.SENT)["price_ticks"] == sent
    assert session.event(EventKind.SENT)["order_type"] == OrderType.MARKET


@pytest.mark.parametrize(("side", "sent"), [(BUY, 1011), (SELL, 999)])
def test_collar_is_at_least_one_tick(side: int, sent: int) -> None:
    session = Session(bid=1000, ask=1010, market_collar_e9=0)
    session.market(side, 5)
    (command,) = session.decide()
    assert command.price_ticks == sent


def test_collar_never_reaches_price_zero() -> None:
    session = Session(bid=1, ask=2, market_collar_e9=10**9)
    session.market(SELL, 5)
    (command,) = session.decide()
    assert command.price_ticks == 1


@pytest.mark.parametrize("name", ["gross_notional_max", "order_notional_max", "quote_gross_notional_max"])
def test_limits_see_the_collar_price(name: str) -> None:
    session = Session(bid=1000, ask=1010, **{name: 5 * 1020 - 1})
    session.market(BUY, 5)
    assert session.decide() == []
    assert session.event(EventKind.DENIED)["a"] == 5 * 1020

    session.limit(**{name: 5 * 1020})
    session.market(BUY, 5)
    assert len(session.decide()) == 1


@pytest.mark.parametrize(("side", "bid", "ask"), [(BUY, 1000, 0), (SELL, 0, 1010)])
def test_market_order_without_opposite_side_is_denied(side: int, bid: int, ask: int) -> None:
    session = Session(bid=bid, ask=ask)
    session.market(side, 5)
    assert session.decide() == []
    assert session.denials() == [DenyCode.NO_BOOK]

    session.market(-side, 5, level=1)
    assert len(session.decide()) == 1


def test_market_order_is_priced_when_it_goes() -> None:
    session = Session(bid=1000, ask=1010)
    session.rate(orders=(10**9, 1))
    session.new(BUY, 900, 1)
    session.market(BUY, 5, level=1)
    assert len(session.decide()) == 1
    session.touch(1090, 1100)
    session.advance(10**9)
    (command,) = session.decide()
    assert command.price_ticks == 1111
