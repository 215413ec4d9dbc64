"""A replace beats a new of the same slot: the new neither overwrites it nor is sent beside it."""

from trading_platform.model.enums import CommandKind, ReplacePolicy

from ..harness import BUY, SECOND_NS, Session, kinds_of, prices_of


def test_new_after_a_replace_is_dropped() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    session.rest(BUY, 1000, 1)
    session.replace(BUY, 999, 1)
    session.new(BUY, 998, 1)
    commands = session.decide()
    assert kinds_of(commands) == [CommandKind.CANCEL, CommandKind.NEW]
    assert commands[1].price_ticks == 999


def test_replace_after_a_new_takes_its_place() -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    session.rest(BUY, 1000, 1)
    session.new(BUY, 998, 1)
    session.replace(BUY, 999, 1)
    commands = session.decide()
    assert kinds_of(commands) == [CommandKind.CANCEL, CommandKind.NEW]
    assert commands[1].price_ticks == 999


def test_replace_of_a_new_that_was_never_sent_is_a_new() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    session.place(BUY, 1000, 1, level=1)
    session.new(BUY, 998, 1)
    session.decide()
    session.replace(BUY, 997, 1)
    session.decide()
    session.advance(SECOND_NS)
    commands = session.decide()
    assert kinds_of(commands) == [CommandKind.NEW]
    assert prices_of(commands) == [997]
    assert session.denials() == []
