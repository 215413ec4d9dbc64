"""Policy at_once leaves the old order to its cancel: if the venue refuses it, the order must not be forgotten."""

from trading_platform.model.enums import CommandKind, OrderStatus, ReplacePolicy

from ..harness import BUY, Session


def orphan() -> tuple[Session, int, int]:
    """The old order works on after a refused cancel, the new one answers for the slot."""
    session = Session(policy=ReplacePolicy.AT_ONCE)
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    _, new = session.decide()
    session.ack(new.order_id)
    session.cancel_rejected(old)
    return session, old, new.order_id


def test_orphan_is_canceled_again() -> None:
    session, old, new = orphan()
    (again,) = session.decide()
    assert (again.kind, again.order_id) == (CommandKind.CANCEL, old)
    session.canceled(old)
    assert session.decide() == []
    assert session.status(new) == OrderStatus.WORKING
    assert session.position["open_buy_lots"] == 5


def test_orphan_waits_for_a_token_of_the_throttle() -> None:
    session, old, _new = orphan()
    session.rate(cancels=(1000, 1))
    session.state.throttles[1]["tat_ns"] = session.now_ns + 500
    assert session.decide() == []
    assert session.next_send_ns == session.now_ns + 500
    session.advance(500)
    session.fold()
    assert [command.order_id for command in session.decide()] == [old]


def test_old_order_answers_for_its_slot_again_if_the_new_one_is_gone() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    _, new = session.decide()
    session.rejected(new.order_id)
    session.decide()
    session.cancel_rejected(old)
    assert session.decide() == []
    session.cancel(BUY)
    assert [command.order_id for command in session.decide()] == [old]
