"""A new order is PENDING_NEW with its request in flight until the venue acknowledges it."""

from trading_platform.model.enums import EventKind, OrderStatus, Pending, ReportKind

from ..harness import BUY, Session


def test_life_until_the_ack() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    assert session.status(order_id) == OrderStatus.PENDING_NEW
    assert session.pending(order_id) == Pending.NEW
    sent = session.event(EventKind.SENT)
    assert (sent["pending_from"], sent["pending_to"]) == (Pending.NONE, Pending.NEW)

    session.ack(order_id)
    session.decide()
    assert session.status(order_id) == OrderStatus.WORKING
    assert session.pending(order_id) == Pending.NONE
    event = session.event(EventKind.STATUS)
    assert (event["status_from"], event["status_to"]) == (OrderStatus.PENDING_NEW, OrderStatus.WORKING)
    assert (event["pending_from"], event["pending_to"]) == (Pending.NEW, Pending.NONE)
    assert event["a"] == ReportKind.ACK
    assert event["cause_seq"] == sent["seq"]


def test_ids_grow_and_are_not_reused() -> None:
    session = Session()
    ids = []
    for _ in range(5):
        ids.append(session.place(BUY, 1000, 1))
        session.rejected(ids[-1])
        session.decide()
    assert ids == sorted(set(ids))


def test_venue_reject_is_journaled_with_the_reason() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.rejected(order_id)
    session.decide()
    event = session.event(EventKind.VENUE_REJECT)
    assert (event["order_id"], event["code"], event["status_to"]) == (order_id, 7, OrderStatus.REJECTED)
    assert session.events(EventKind.DENIED) == []  # we deny, a venue rejects
