"""A halt is for good: it clears the queue, cancels all that works past the throttle, lets nothing new out."""

from trading_platform.model.enums import CommandKind, DenyCode, EventKind, HaltCode, HoldCode, Pending

from ..harness import BUY, SECOND_NS, SELL, TICK_MONEY, Session, kinds_of


def losing_session() -> Session:
    """Long 10 lots from 1000, at a mark of 1005; a drawdown above 100 ticks on one lot halts."""
    session = Session(drawdown_money_max=100 * TICK_MONEY)
    session.hold_position(10, price=1000)
    return session


def crash(session: Session) -> None:
    session.touch(980, 990)


def test_halt_is_journaled_once_with_its_numbers() -> None:
    session = losing_session()
    crash(session)
    session.decide()
    session.decide()
    event = session.event(EventKind.HALT)
    assert event["code"] == HaltCode.DRAWDOWN
    assert (event["a"], event["b"]) == (200 * TICK_MONEY, 100 * TICK_MONEY)


def test_halt_cancels_what_works_past_the_throttle() -> None:
    session = losing_session()
    orders = [session.rest(BUY, 900 - level, 1, level) for level in range(3)]
    session.rate(orders=(SECOND_NS, 1), cancels=(3600 * SECOND_NS, 1))
    crash(session)
    commands = session.decide()
    assert kinds_of(commands) == [CommandKind.CANCEL] * 3
    assert [command.order_id for command in commands] == orders


def test_the_halt_is_the_cause_of_every_cancel_it_sends() -> None:
    session = losing_session()
    resting = [session.rest(BUY, 900 - level, 1, level) for level in range(3)]
    late = session.place(BUY, 890, 1, level=3)
    crash(session)
    session.decide()
    session.ack(late)
    session.decide()
    halt = session.event(EventKind.HALT)
    cancels = [event for event in session.events(EventKind.SENT) if event["a"] == CommandKind.CANCEL]
    assert [event["order_id"] for event in cancels] == [*resting, late]
    assert {int(event["cause_seq"]) for event in cancels} == {int(halt["seq"])}


def test_news_in_flight_are_canceled_as_soon_as_they_are_acknowledged() -> None:
    session = losing_session()
    order_id = session.place(BUY, 900, 1)
    crash(session)
    assert session.decide() == []
    session.ack(order_id)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)
    assert session.decide() == []  # asked once, not in every block


def test_queue_is_cleared() -> None:
    session = losing_session()
    session.rate(orders=(SECOND_NS, 1))
    session.new(BUY, 900, 1, level=0)
    session.new(BUY, 899, 1, level=1)
    session.decide()
    open_lots = int(session.position["open_buy_lots"])
    crash(session)
    session.decide()
    assert session.dequeued() == [HoldCode.CLEARED_BY_HALT]
    assert session.session["held_count"] == 0
    assert (open_lots, session.position["open_buy_lots"]) == (2, 1)
    session.advance(3600 * SECOND_NS)
    assert CommandKind.NEW not in kinds_of(session.decide())


def test_new_half_of_a_replace_dies_with_the_halt() -> None:
    session = losing_session()
    order_id = session.rest(BUY, 900, 1)
    session.replace(BUY, 899, 1)
    session.decide()
    crash(session)
    session.decide()
    session.canceled(order_id)
    assert session.decide() == []
    assert session.position["open_buy_lots"] == 0


def test_nothing_new_leaves_even_if_equity_recovers() -> None:
    session = losing_session()
    crash(session)
    session.decide()
    session.touch(1990, 2000)
    session.new(BUY, 900, 1)
    session.new(SELL, 2100, 1)  # would reduce
    assert session.decide() == []
    assert session.denials() == [DenyCode.HALTED, DenyCode.HALTED]


def test_replace_is_denied_and_its_order_canceled() -> None:
    session = losing_session()
    order_id = session.rest(BUY, 900, 1)
    crash(session)
    session.replace(BUY, 899, 1)
    assert [command.order_id for command in session.decide()] == [order_id]
    assert session.denials() == [DenyCode.HALTED]


def test_refused_cancel_is_asked_again() -> None:
    session = losing_session()
    order_id = session.rest(BUY, 900, 1)
    crash(session)
    session.decide()
    session.cancel_rejected(order_id)
    assert [command.order_id for command in session.decide()] == [order_id]
    assert session.pending(order_id) == Pending.CANCEL


def test_loss_stops_every_instrument_of_the_account() -> None:
    session = Session(instruments=2, drawdown_money_max=100 * TICK_MONEY)
    session.hold_position(10, price=1000)
    other = session.rest(BUY, 900, 1, instrument=1)
    crash(session)
    assert [command.order_id for command in session.decide()] == [other]
    assert len(session.events(EventKind.HALT)) == 2
    session.new(BUY, 900, 1, level=1, instrument=1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.HALTED]


def test_loss_at_the_limit_does_not_halt() -> None:
    session = losing_session()
    session.touch(990, 1000)  # the mark fell from 1005 to 995: 10 lots lost 10 ticks each, exactly the limit
    session.decide()
    assert session.events(EventKind.HALT) == []
    session.touch(990, 999)
    session.decide()
    assert len(session.events(EventKind.HALT)) == 1
