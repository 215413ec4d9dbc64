"""Without a token an order waits, it is not denied; with one it leaves as it was asked."""

import pytest

from trading_platform.model.enums import CommandKind, EventKind, HoldCode, ReplacePolicy

from ..harness import BUY, SECOND_NS, Session, kinds_of


def test_new_waits_for_its_token_and_is_sent_then() -> None:
    session = Session()
    session.rate(orders=(SECOND_NS, 2))
    for level in range(3):
        session.new(BUY, 1000 - level, 1, level)
    assert len(session.decide()) == 2
    assert session.queued() == [HoldCode.RATE_LIMIT]
    assert session.denials() == []

    session.forget()
    session.advance(SECOND_NS)
    (command,) = session.decide()
    assert (command.kind, command.price_ticks, command.qty_lots) == (CommandKind.NEW, 998, 1)
    assert session.kinds() == [EventKind.SENT]


def test_waiting_is_journaled_once_however_long_it_lasts() -> None:
    session = Session()
    session.rate(orders=(1000 * SECOND_NS, 1))
    session.place(BUY, 1000, 1)
    session.new(BUY, 999, 1, level=1)
    session.decide()
    for _ in range(5):
        session.advance(SECOND_NS)
        session.quote(BUY, 998, 0, level=2)  # something else is decided meanwhile
        assert session.decide() == []
    assert session.queued() == [HoldCode.RATE_LIMIT]


def test_cancels_have_a_throttle_of_their_own() -> None:
    session = Session()
    session.rate(cancels=(SECOND_NS, 1))
    for level in range(2):
        session.rest(BUY, 1000 - level, 1, level)
    for level in range(2):
        session.cancel(BUY, level)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    assert session.queued() == [HoldCode.RATE_LIMIT]
    session.new(BUY, 990, 1, level=2)
    assert kinds_of(session.decide()) == [CommandKind.NEW]
    session.advance(SECOND_NS)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]


@pytest.mark.parametrize("policy", ReplacePolicy)
def test_replace_takes_a_token_of_each(policy: ReplacePolicy) -> None:
    session = Session(policy=policy)
    for level in range(2):
        session.rest(BUY, 1000 - level, 1, level)
    session.rate(cancels=(SECOND_NS, 1))
    for level in range(2):
        session.replace(BUY, 990 - level, 1, level)
    assert kinds_of(session.decide()).count(CommandKind.CANCEL) == 1
    session.cancel(BUY, level=1)
    assert session.decide() == []
    session.advance(SECOND_NS)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
