"""An order below the venue's minimum is denied here, whatever it would do to the position."""

import pytest

from trading_platform.model.enums import DenyCode

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize(("lots", "sent"), [(4, 0), (5, 1), (6, 1)])
def test_minimum_itself_is_allowed(lots: int, sent: int) -> None:
    session = Session(order_notional_min=5000)
    session.new(BUY, 1000, lots)
    assert len(session.decide()) == sent


def test_reducing_order_below_the_minimum_is_denied_too() -> None:
    """The venue would reject it: passing it on would only hide that."""
    session = Session()
    session.hold_position(2)
    session.limit(order_notional_min=5000)
    session.new(SELL, 1010, 2)
    assert session.decide() == []
    assert session.denials() == [DenyCode.MIN_ORDER_NOTIONAL]
