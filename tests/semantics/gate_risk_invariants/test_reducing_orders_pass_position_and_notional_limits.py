"""Who is over a limit can always get out: reducing orders pass position and notional limits."""

import pytest

from trading_platform.model.enums import DenyCode, EventFlag, EventKind

from ..harness import BUY, SELL, Session

RULES = [
    ("position_lots_max", DenyCode.POSITION),
    ("order_notional_max", DenyCode.SINGLE_ORDER_NOTIONAL),
    ("gross_notional_max", DenyCode.GROSS_NOTIONAL),
]


@pytest.mark.parametrize(("name", "code"), RULES)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_reducing_order_passes_and_its_opposite_does_not(name: str, code: DenyCode, side: int) -> None:
    session = Session()
    session.hold_position(side * 10)
    session.limit(**{name: 1})
    session.new(side, 1000 if side > 0 else 1010, 10)
    assert session.decide() == []
    assert session.denials() == [code]

    session.forget()
    session.new(-side, 1010 if side > 0 else 1000, 10, level=1)
    assert len(session.decide()) == 1
    assert session.event(EventKind.SENT)["flags"] & EventFlag.REDUCING


def test_one_lot_more_than_the_position_is_not_reducing() -> None:
    session = Session()
    session.hold_position(10)
    session.limit(order_notional_max=1)
    session.new(SELL, 1010, 11)
    assert session.decide() == []
    assert session.denials() == [DenyCode.SINGLE_ORDER_NOTIONAL]


def test_growing_order_is_not_flagged_as_reducing() -> None:
    session = Session()
    session.hold_position(10)
    session.new(SELL, 1010, 11)
    session.decide()
    assert not session.event(EventKind.SENT)["flags"] & EventFlag.REDUCING
