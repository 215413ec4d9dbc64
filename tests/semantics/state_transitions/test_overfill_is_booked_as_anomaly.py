"""More than was ordered: every lot is booked, nothing turns negative, and trading stops."""

import pytest

from trading_platform.model.enums import AnomalyCode, EventKind, HaltCode, OrderStatus

from ..harness import BUY, SELL, Session


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("first", [0, 2, 5])
def test_overfill(side: int, first: int) -> None:
    session = Session()
    order_id = session.rest(side, 1005, 5)
    if first:
        session.fill(order_id, first, 1005)
        session.decide()
    session.forget()
    session.fill(order_id, 7 - first, 1005)
    session.decide()
    order = session.order(order_id)
    assert session.net_lots == side * 7
    assert (order["cum_lots"], order["leaves_lots"]) == (7, 0)
    assert session.status(order_id) == OrderStatus.FILLED
    assert session.event(EventKind.ANOMALY)["code"] == AnomalyCode.OVERFILL
    assert session.event(EventKind.HALT)["code"] == HaltCode.ANOMALY
    for name in ("open_buy_lots", "open_sell_lots", "open_buy_notional", "open_sell_notional", "open_count"):
        assert session.position[name] == 0
