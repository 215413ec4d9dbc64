"""A terminal status ends the order: no request is in flight, nothing counts, and the slot is free."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import OrderStatus, Pending

from ..harness import BUY, Session

ENDS: dict[OrderStatus, Callable[[Session, int], object]] = {
    OrderStatus.FILLED: lambda session, order_id: session.fill(order_id, 5, 1000),
    OrderStatus.CANCELED: Session.canceled,
    OrderStatus.EXPIRED: Session.expired,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("replacing", [False, True])
def test_end_with_a_request_in_flight(end: OrderStatus, replacing: bool) -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    if replacing:
        session.replace(BUY, 999, 5)
    else:
        session.cancel(BUY)
    session.decide()
    assert session.pending(order_id) & Pending.CANCEL
    session.limit(trading_enabled=0)  # no new half shall hide what is looked at
    ENDS[end](session, order_id)
    session.decide()
    assert session.status(order_id) == end
    assert session.pending(order_id) == Pending.NONE
    assert session.order(order_id)["leaves_lots"] == 0
    assert session.position["open_buy_lots"] == 0
    assert session.position["open_buy_notional"] == 0
    assert session.position["open_count"] == 0
    assert session.session["live_count"] == 0
    assert session.view.order(BUY, 0) is None


def test_refused_cancel_of_an_order_that_ended_is_merely_late() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.cancel(BUY)
    session.decide()
    session.fill(order_id, 5, 1000)
    session.decide()
    session.cancel_rejected(order_id)
    session.decide()
    assert session.status(order_id) == OrderStatus.FILLED
    assert not session.state.losses[0]["halted"]
