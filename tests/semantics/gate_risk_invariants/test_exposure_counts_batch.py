"""What the same batch passed already counts: two orders that fit alone do not fit together."""

import pytest

from trading_platform.model.enums import DenyCode

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize(("side", "price"), [(BUY, 1000), (SELL, 1010)])
def test_second_order_of_a_batch_sees_the_first(side: int, price: int) -> None:
    session = Session(position_lots_max=5)
    session.new(side, price, 3, level=0)
    session.new(side, price, 3, level=1)
    session.new(side, price, 2, level=2)
    assert [command.qty_lots for command in session.decide()] == [3, 2]
    assert session.denials() == [DenyCode.POSITION]


def test_gross_notional_sees_the_batch_on_both_sides() -> None:
    session = Session(gross_notional_max=1000 * 3 + 1010 * 3 - 1)
    session.new(BUY, 1000, 3)
    session.new(SELL, 1010, 3)
    assert [command.side for command in session.decide()] == [BUY]
    assert session.denials() == [DenyCode.GROSS_NOTIONAL]
