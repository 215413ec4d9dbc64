"""A venue that rejected an order and fills it all the same: the money is booked, and trading stops."""

from trading_platform.model.enums import AnomalyCode, EventFlag, EventKind, HaltCode, OrderStatus

from ..harness import BUY, Session


def test_fill_after_reject() -> None:
    session = Session()
    order_id = session.place(BUY, 1000, 5)
    session.rejected(order_id)
    session.decide()
    session.forget()
    session.fill(order_id, 5, 1000)
    session.decide()
    assert session.net_lots == 5
    assert session.position["cash_ticklots"] == -5000
    assert session.status(order_id) == OrderStatus.REJECTED
    assert session.event(EventKind.FILL)["flags"] & EventFlag.LATE
    assert session.event(EventKind.ANOMALY)["code"] == AnomalyCode.IMPOSSIBLE_STATUS
    assert session.event(EventKind.HALT)["code"] == HaltCode.ANOMALY
    assert session.position["open_buy_lots"] == 0
