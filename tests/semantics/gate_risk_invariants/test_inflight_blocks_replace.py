"""A slot with a request in flight waits for its report: no second request is sent, and no timer sends one."""

from trading_platform.model.enums import CommandKind, HoldCode, Pending

from ..harness import BUY, SECOND_NS, Session, kinds_of


def test_replace_waits_for_the_ack_of_the_new() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    assert session.decide() == []
    assert session.queued() == [HoldCode.IN_FLIGHT]
    session.advance(3600 * SECOND_NS)
    assert session.decide() == []

    session.ack(order_id)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    assert session.pending(order_id) == Pending.CANCEL | Pending.REPLACE


def test_cancel_waits_for_the_ack_of_the_new() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.cancel(BUY)
    assert session.decide() == []
    assert session.queued() == [HoldCode.IN_FLIGHT]

    session.ack(order_id)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)


def test_second_replace_waits_for_the_cancel_of_the_first() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.replace(BUY, 998, 5)
    assert session.decide() == []
    session.canceled(order_id)
    (command,) = session.decide()
    assert (command.kind, command.price_ticks) == (CommandKind.NEW, 998)
