"""trading_enabled = 0: nothing new and no replace leaves; what works stays, and can be canceled."""

from trading_platform.model.enums import CommandKind, DenyCode

from ..harness import BUY, SELL, Session, kinds_of


def test_new_and_replace_are_denied_and_cancels_pass() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.limit(trading_enabled=0)
    session.new(SELL, 1010, 1)
    session.replace(BUY, 999, 5)
    assert session.decide() == []
    assert session.denials() == [DenyCode.TRADING_DISABLED, DenyCode.TRADING_DISABLED]
    assert session.order(order_id)["leaves_lots"] == 5

    session.cancel(BUY)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]


def test_even_a_reducing_order_is_denied() -> None:
    session = Session()
    session.hold_position(10)
    session.limit(trading_enabled=0)
    session.new(SELL, 1010, 10)
    assert session.decide() == []
    assert session.denials() == [DenyCode.TRADING_DISABLED]


def test_queued_order_does_not_slip_out() -> None:
    session = Session()
    session.rate(orders=(10**9, 1))
    session.new(BUY, 1000, 1, level=0)
    session.new(BUY, 1000, 1, level=1)
    session.decide()
    session.limit(trading_enabled=0)
    session.advance(10**9)
    assert session.decide() == []
    assert session.denials() == [DenyCode.TRADING_DISABLED]
