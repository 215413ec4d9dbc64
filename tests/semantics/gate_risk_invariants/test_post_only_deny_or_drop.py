"""A post-only order that would cross when it is sent never leaves: denied or dropped, as the config says."""

import pytest

from trading_platform.model.enums import DenyCode, EventKind, HoldCode, PostOnlyMode

from ..harness import BUY, GTC, POST_ONLY, SECOND_NS, SELL, Session

CROSSING = [(BUY, 1010), (BUY, 1011), (SELL, 1000), (SELL, 999)]
RESTING = [(BUY, 1009), (SELL, 1001)]


@pytest.mark.parametrize(("side", "price"), CROSSING)
def test_deny_mode_denies(side: int, price: int) -> None:
    session = Session(post_only_mode=PostOnlyMode.DENY)
    session.new(side, price, 1, tif=POST_ONLY)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POST_ONLY_WOULD_CROSS]
    assert session.session["dropped_count"] == 0


@pytest.mark.parametrize(("side", "price"), CROSSING)
def test_drop_mode_drops_and_counts(side: int, price: int) -> None:
    session = Session(post_only_mode=PostOnlyMode.DROP)
    session.new(side, price, 1, tif=POST_ONLY)
    assert session.decide() == []
    assert session.dequeued() == [HoldCode.DROPPED]
    assert session.events(EventKind.DENIED) == []
    assert session.session["dropped_count"] == 1


@pytest.mark.parametrize("mode", PostOnlyMode)
@pytest.mark.parametrize(("side", "price"), RESTING)
def test_order_that_does_not_cross_is_sent(mode: PostOnlyMode, side: int, price: int) -> None:
    session = Session(post_only_mode=mode)
    session.new(side, price, 1, tif=POST_ONLY)
    (command,) = session.decide()
    assert (command.price_ticks, command.tif) == (price, POST_ONLY)


@pytest.mark.parametrize("mode", PostOnlyMode)
def test_other_orders_may_cross(mode: PostOnlyMode) -> None:
    session = Session(post_only_mode=mode)
    session.new(BUY, 1010, 1, tif=GTC)
    assert len(session.decide()) == 1


def test_book_is_judged_when_the_order_goes() -> None:
    """Fine when it was queued, crossing when its token came."""
    session = Session(post_only_mode=PostOnlyMode.DENY)
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 900, 1)
    session.new(BUY, 1005, 1, level=1, tif=POST_ONLY)
    assert len(session.decide()) == 1
    session.touch(990, 1004)
    session.advance(SECOND_NS)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POST_ONLY_WOULD_CROSS]


def test_empty_side_cannot_be_crossed() -> None:
    session = Session(bid=1000, ask=0)
    session.new(BUY, 5000, 1, tif=POST_ONLY)
    assert len(session.decide()) == 1
