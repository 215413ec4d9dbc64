"""The same no to the same wish is written once and counted while it repeats; the count comes at the end."""

from trading_platform.model.enums import DenyCode, EventFlag, EventKind

from ..harness import BUY, Session


def refused(times: int) -> Session:
    session = Session(position_lots_max=5)
    for _ in range(times):
        session.quote(BUY, 1000, 9)
        session.decide()
    return session


def test_repetitions_are_not_written_one_by_one() -> None:
    session = refused(times=100)
    assert session.kinds() == [EventKind.INTENT, EventKind.DENIED]


def test_count_is_written_at_the_end() -> None:
    session = refused(times=100)
    first = session.event(EventKind.DENIED)
    session.forget()
    session.finish()
    again = session.event(EventKind.DENIED)
    assert again["flags"] & EventFlag.COALESCED
    assert again["c"] == 99
    assert again["code"] == DenyCode.POSITION
    assert again["cause_seq"] == first["seq"]
    assert (again["price_ticks"], again["qty_lots"]) == (1000, 9)


def test_count_is_written_before_another_wish_of_the_slot() -> None:
    session = refused(times=4)
    session.forget()
    session.quote(BUY, 1000, 8)
    session.decide()
    assert session.kinds() == [EventKind.DENIED, EventKind.INTENT, EventKind.DENIED]
    assert [int(event["c"]) for event in session.events(EventKind.DENIED)] == [3, 5 - 8]


def test_another_reason_is_written() -> None:
    session = refused(times=2)
    session.limit(trading_enabled=0)
    session.quote(BUY, 1000, 9)
    session.decide()
    assert session.denials() == [DenyCode.POSITION, DenyCode.POSITION, DenyCode.TRADING_DISABLED]


def test_wish_that_passes_at_last_is_journaled_with_its_intent() -> None:
    session = refused(times=3)
    session.limit(position_lots_max=9)
    session.forget()
    session.quote(BUY, 1000, 9)
    assert len(session.decide()) == 1
    assert session.kinds() == [EventKind.DENIED, EventKind.INTENT, EventKind.SENT]
    assert session.event(EventKind.SENT)["cause_seq"] == session.event(EventKind.INTENT)["seq"]


def test_denial_after_the_same_wish_was_sent_is_written_anew() -> None:
    session = refused(times=1)
    session.limit(position_lots_max=9)
    session.quote(BUY, 1000, 9)
    (command,) = session.decide()
    session.rejected(command.order_id)
    session.decide()
    session.limit(position_lots_max=5)
    session.forget()
    session.quote(BUY, 1000, 9)
    assert session.decide() == []
    assert session.kinds() == [EventKind.INTENT, EventKind.DENIED]


def test_single_denial_leaves_nothing_to_count() -> None:
    session = refused(times=1)
    session.forget()
    session.finish()
    assert session.kinds() == [EventKind.PNL]


def test_slots_are_counted_apart() -> None:
    session = Session(position_lots_max=5)
    for _ in range(3):
        session.quote(BUY, 1000, 9, level=0)
        session.quote(BUY, 1000, 9, level=1)
        session.decide()
    session.forget()
    session.finish()
    assert [(int(e["slot"]), int(e["c"])) for e in session.events(EventKind.DENIED)] == [(0, 2), (2, 2)]
