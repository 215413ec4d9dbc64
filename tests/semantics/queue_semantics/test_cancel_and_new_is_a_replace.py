"""Cancel and then new of one slot in one batch is a replace, under either policy."""

from trading_platform.model.enums import CommandKind, ReplacePolicy

from ..harness import BUY, Session, kinds_of


def ask(session: Session) -> None:
    session.cancel(BUY)
    session.new(BUY, 999, 4)


def test_after_ack_sends_the_new_when_the_cancel_is_acknowledged() -> None:
    session = Session(policy=ReplacePolicy.AFTER_ACK)
    order_id = session.rest(BUY, 1000, 5)
    ask(session)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.canceled(order_id)
    (command,) = session.decide()
    assert (command.kind, command.price_ticks, command.qty_lots) == (CommandKind.NEW, 999, 4)
    assert session.order(command.order_id)["replaces_id"] == order_id


def test_at_once_sends_both() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    order_id = session.rest(BUY, 1000, 5)
    ask(session)
    cancel, new = session.decide()
    assert (cancel.kind, cancel.order_id) == (CommandKind.CANCEL, order_id)
    assert (new.kind, new.price_ticks) == (CommandKind.NEW, 999)
    assert session.order(new.order_id)["replaces_id"] == order_id


def test_without_a_live_order_it_is_a_new() -> None:
    session = Session()
    ask(session)
    assert kinds_of(session.decide()) == [CommandKind.NEW]
    assert session.denials() == []


def test_the_other_way_round_is_a_cancel() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.new(BUY, 999, 4)
    session.cancel(BUY)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)
    session.canceled(order_id)
    assert session.decide() == []
