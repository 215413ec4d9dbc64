"""A fill that arrives after CANCELED or EXPIRED is real money: booked, flagged late, and no anomaly."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import EventFlag, EventKind, OrderStatus

from ..harness import BUY, Session

ENDS: dict[OrderStatus, Callable[[Session, int], None]] = {
    OrderStatus.CANCELED: Session.canceled,
    OrderStatus.EXPIRED: Session.expired,
}


@pytest.mark.parametrize("end", ENDS)
def test_late_partial_fill(end: OrderStatus) -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    ENDS[end](session, order_id)
    session.decide()
    session.fill(order_id, 2, 1000)
    session.decide()
    event = session.event(EventKind.FILL)
    assert session.net_lots == 2
    assert session.status(order_id) == end
    assert event["flags"] == EventFlag.LATE | EventFlag.MAKER
    assert (event["b"], event["c"], event["leaves_lots"]) == (2, 2, 0)
    assert session.events(EventKind.ANOMALY) == []


@pytest.mark.parametrize("end", ENDS)
def test_late_fill_of_the_whole_order(end: OrderStatus) -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    ENDS[end](session, order_id)
    session.decide()
    session.fill(order_id, 5, 1000)
    session.decide()
    assert session.net_lots == 5
    assert session.status(order_id) == OrderStatus.FILLED
    assert session.events(EventKind.ANOMALY) == []


def test_exposure_is_released_once() -> None:
    session = Session()
    other = session.rest(BUY, 990, 3, level=1)
    order_id = session.rest(BUY, 1000, 5)
    session.canceled(order_id)
    session.decide()
    session.fill(order_id, 5, 1000)
    session.decide()
    assert session.position["open_buy_lots"] == 3
    assert session.position["open_buy_notional"] == 3 * 990
    assert session.position["open_count"] == 1
    assert session.order(other)["leaves_lots"] == 3


def test_late_fill_takes_room_from_what_comes_next() -> None:
    session = Session(position_lots_max=5)
    order_id = session.rest(BUY, 1000, 5)
    session.canceled(order_id)
    session.decide()
    session.fill(order_id, 5, 1000)
    session.new(BUY, 1000, 1)
    assert session.decide() == []
    assert len(session.denials()) == 1


def test_fill_and_cancel_of_one_block_in_the_wrong_order() -> None:
    """Fills are folded before statuses: the fill is not late."""
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.canceled(order_id)
    session.fill(order_id, 2, 1000)
    session.decide()
    assert session.event(EventKind.FILL)["flags"] == EventFlag.MAKER
    assert session.event(EventKind.FILL)["leaves_lots"] == 3
    assert session.status(order_id) == OrderStatus.CANCELED
