"""Policy at_once: cancel and new leave together; both can fill, and both count."""

from trading_platform.model.enums import CommandKind, DenyCode, EventKind, OrderStatus, Pending, ReplacePolicy

from ..harness import BUY, Session


def replacing(**limits: int) -> tuple[Session, int, int]:
    """An order of 5 at 1000 and its replacement at 999: cancel and new are on their way."""
    session = Session(policy=ReplacePolicy.AT_ONCE, **limits)
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    cancel, new = session.decide()
    assert (cancel.kind, cancel.order_id, new.kind) == (CommandKind.CANCEL, old, CommandKind.NEW)
    session.forget()
    return session, old, new.order_id


def test_pair_runs_to_one_replaced() -> None:
    session, old, new = replacing()
    assert session.pending(old) == Pending.CANCEL | Pending.REPLACE
    assert session.pending(new) == Pending.NEW
    session.canceled(old)
    session.ack(new)
    session.decide()
    event = session.event(EventKind.REPLACED)
    assert (event["order_id"], event["parent_order_id"]) == (new, old)


def test_replaced_is_journaled_when_the_old_is_gone_and_not_before() -> None:
    session, old, new = replacing()
    session.ack(new)
    session.decide()
    assert session.events(EventKind.REPLACED) == []
    session.canceled(old)
    session.decide()
    assert session.event(EventKind.REPLACED)["order_id"] == new


def test_each_pair_of_a_chain_is_journaled() -> None:
    """The second order is replaced by a third before the cancel of the first is acknowledged."""
    session, first, second = replacing()
    session.ack(second)
    session.decide()
    session.replace(BUY, 998, 5)
    _, new = session.decide()
    third = new.order_id
    session.canceled(first)
    session.decide()
    session.canceled(second)
    session.ack(third)
    session.decide()
    pairs = [
        (int(event["order_id"]), int(event["parent_order_id"]))
        for event in session.events(EventKind.REPLACED)
    ]
    assert pairs == [(second, first), (third, second)]


def test_both_orders_count_until_the_old_is_gone() -> None:
    session, old, _new = replacing(position_lots_max=12)
    assert session.position["open_buy_lots"] == 10
    session.new(BUY, 990, 3, level=1)
    assert session.decide() == []
    session.canceled(old)
    session.new(BUY, 990, 3, level=1)
    assert len(session.decide()) == 1


def test_replacement_is_denied_if_both_together_break_a_limit() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE, position_lots_max=9)
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 5)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]
    assert session.pending(old) == Pending.NONE


def test_fills_of_both_are_booked() -> None:
    session, old, new = replacing()
    session.fill(old, 5, 1000)
    session.fill(new, 5, 999)
    session.decide()
    assert session.net_lots == 10
    assert session.status(old) == session.status(new) == OrderStatus.FILLED
    assert session.events(EventKind.ANOMALY) == []


def test_slot_is_answered_for_by_the_new_order() -> None:
    session, old, new = replacing()
    order = session.view.order(BUY, 0)
    assert order is not None
    assert order.order_id == new
    session.canceled(old)
    session.decide()
    order = session.view.order(BUY, 0)
    assert order is not None
    assert order.order_id == new


def test_refused_cancel_leaves_two_orders_that_both_count() -> None:
    session, old, new = replacing()
    session.cancel_rejected(old)
    session.ack(new)
    session.decide()
    assert session.status(old) == OrderStatus.WORKING
    assert session.position["open_buy_lots"] == 10
    assert session.position["open_count"] == 2
