"""Each of three sells alone flattens the position; together they would flip it past the limit."""

import pytest

from trading_platform.model.enums import DenyCode, EventFlag, EventKind

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize("side", [BUY, SELL])
def test_only_the_first_flattening_order_is_reducing(side: int) -> None:
    session = Session()
    session.hold_position(side * 10)
    session.limit(position_lots_max=5)
    price = 1010 if side > 0 else 1000
    for level in range(3):
        session.new(-side, price, 10, level)
    commands = session.decide()
    assert [command.qty_lots for command in commands] == [10]
    assert session.denials() == [DenyCode.POSITION, DenyCode.POSITION]
    assert session.event(EventKind.SENT)["flags"] & EventFlag.REDUCING


def test_even_all_fills_leave_the_position_within_the_limit() -> None:
    session = Session()
    session.hold_position(10)
    session.limit(position_lots_max=5)
    for level in range(3):
        session.new(SELL, 1010, 5, level)
    commands = session.decide()
    for command in commands:
        session.fill(command.order_id, command.qty_lots, 1010)
    session.decide()
    assert len(commands) == 3
    assert session.net_lots == -5


def test_reducing_counts_what_waits_in_the_queue() -> None:
    session = Session()
    session.hold_position(10)
    session.limit(position_lots_max=5)
    session.rate(orders=(10**9, 1))
    for level in range(3):
        session.new(SELL, 1010, 10, level)
    assert len(session.decide()) == 1
    assert session.denials() == [DenyCode.POSITION, DenyCode.POSITION]
