"""What may go goes in the order cancels, replaces, news; the oldest first in each."""

import pytest

from trading_platform.model.enums import CommandKind, ReplacePolicy

from ..harness import BUY, SECOND_NS, SELL, Session


def ask_backwards(session: Session) -> None:
    """News first, then replaces, then cancels; slots in no order."""
    for level in (2, 0):
        session.new(SELL, 1020 + level, 1, level)
    for level in (3, 1):
        session.replace(BUY, 980 + level, 1, level)
    for level in (2, 0):
        session.cancel(BUY, level)


@pytest.mark.parametrize("queued", [False, True])
def test_order_of_commands(queued: bool) -> None:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    for level in range(4):
        session.rest(BUY, 990 + level, 1, level)
    if queued:
        session.rate(orders=(SECOND_NS, 6), cancels=(SECOND_NS, 4))
        for throttle in session.state.throttles:  # every token was spent just now
            throttle["tat_ns"] = session.now_ns + throttle["tolerance_ns"] + throttle["interval_ns"]
    ask_backwards(session)
    commands = session.decide()
    if queued:
        assert commands == []
        session.advance(100 * SECOND_NS)
        commands = session.decide()
    assert [(command.kind, command.side, command.price_ticks) for command in commands] == [
        (CommandKind.CANCEL, BUY, 992),
        (CommandKind.CANCEL, BUY, 990),
        (CommandKind.CANCEL, BUY, 993),
        (CommandKind.NEW, BUY, 983),
        (CommandKind.CANCEL, BUY, 991),
        (CommandKind.NEW, BUY, 981),
        (CommandKind.NEW, SELL, 1022),
        (CommandKind.NEW, SELL, 1020),
    ]


def test_scarce_token_goes_to_the_oldest() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    for level in (3, 1, 2, 0):
        session.new(BUY, 1000 - level, 1, level)
    prices = [command.price_ticks for command in session.decide()]
    for _ in range(3):
        session.advance(SECOND_NS)
        prices += [command.price_ticks for command in session.decide()]
    assert prices == [997, 999, 998, 1000]


def test_updated_wish_keeps_its_place() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 1))
    for level in range(3):
        session.new(BUY, 1000 - level, 1, level)
    session.decide()
    session.new(BUY, 900, 1, level=1)
    session.decide()
    session.advance(SECOND_NS)
    assert [command.price_ticks for command in session.decide()] == [900]
