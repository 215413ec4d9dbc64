"""A request without report within ack_timeout_ns becomes one QUERY; nothing is assumed about it."""

import pytest

from trading_platform.model.enums import CommandKind, EventKind, OrderStatus, Pending

from ..harness import BUY, SECOND_NS, START_NS, Session, kinds_of

TIMEOUT_NS = 5 * SECOND_NS


def session_with_timeout() -> Session:
    session = Session()
    session.session["ack_timeout_ns"] = TIMEOUT_NS
    return session


def test_query_leaves_exactly_at_the_timeout_and_once() -> None:
    session = session_with_timeout()
    order_id = session.place(BUY, 1000, 5)
    assert session.session["next_ack_timeout_ns"] == START_NS + TIMEOUT_NS
    session.advance(TIMEOUT_NS - 1)
    assert session.decide() == []
    session.advance(1)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.QUERY, order_id)
    assert session.pending(order_id) == Pending.NEW | Pending.UNKNOWN
    assert session.event(EventKind.QUERY)["a"] == START_NS
    session.advance(100 * TIMEOUT_NS)
    assert session.decide() == []


def test_unanswered_order_still_counts() -> None:
    session = session_with_timeout()
    order_id = session.place(BUY, 1000, 5)
    session.advance(TIMEOUT_NS)
    session.decide()
    assert session.status(order_id) == OrderStatus.PENDING_NEW
    assert session.position["open_buy_lots"] == 5


def test_answer_clears_the_unknown() -> None:
    session = session_with_timeout()
    order_id = session.place(BUY, 1000, 5)
    session.advance(TIMEOUT_NS)
    session.decide()
    session.ack(order_id)
    session.decide()
    assert session.pending(order_id) == Pending.NONE
    assert session.status(order_id) == OrderStatus.WORKING


def test_cancel_has_a_timeout_of_its_own() -> None:
    session = session_with_timeout()
    order_id = session.rest(BUY, 1000, 5)
    session.advance(100 * TIMEOUT_NS)
    assert session.decide() == []  # nothing is in flight
    session.cancel(BUY)
    session.decide()
    session.advance(TIMEOUT_NS - 1)
    assert session.decide() == []
    session.advance(1)
    assert kinds_of(session.decide()) == [CommandKind.QUERY]
    assert session.pending(order_id) == Pending.CANCEL | Pending.UNKNOWN


@pytest.mark.parametrize("answered", [True, False])
def test_switched_off_nothing_is_asked(answered: bool) -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    if answered:
        session.ack(order_id)
    session.advance(10**18)
    assert session.decide() == []
