"""What waits in the outbox counts in the worst case; what leaves it does not."""

from trading_platform.model.enums import CommandKind, DenyCode, HoldCode, ReplacePolicy

from ..harness import BUY, SECOND_NS, Session, kinds_of


def test_order_that_waits_for_a_token_counts() -> None:
    session = Session(position_lots_max=5)
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 1000, 1, level=0)
    session.new(BUY, 999, 3, level=1)
    session.new(BUY, 998, 3, level=2)
    assert [command.qty_lots for command in session.decide()] == [1]
    assert session.queued() == [HoldCode.RATE_LIMIT]
    assert session.denials() == [DenyCode.POSITION]
    assert session.position["open_buy_lots"] == 4


def test_new_half_of_a_replace_counts_while_it_waits() -> None:
    session = Session(position_lots_max=5, policy=ReplacePolicy.AFTER_ACK)
    order_id = session.rest(BUY, 1000, 2)
    session.replace(BUY, 999, 4)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.new(BUY, 998, 2, level=1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]

    session.canceled(order_id)
    (command,) = session.decide()
    assert (command.kind, command.qty_lots) == (CommandKind.NEW, 4)
    assert session.position["open_buy_lots"] == 4


def test_what_is_canceled_in_the_queue_counts_no_longer() -> None:
    session = Session(position_lots_max=5)
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 1000, 1, level=0)
    session.new(BUY, 999, 4, level=1)
    session.decide()
    session.cancel(BUY, level=1)
    session.decide()
    assert session.position["open_buy_lots"] == 1
    session.new(BUY, 999, 4, level=2)
    session.decide()
    assert session.denials() == []
