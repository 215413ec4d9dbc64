"""The venue's answer to a replace must not erase a cancel that is still on its way."""

from trading_platform.model.enums import EventKind, OrderStatus, Pending, ReportKind

from ..harness import BUY, Session


def test_amended_order_still_waits_for_its_cancel() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, 4)
    session.decide()
    assert session.pending(order_id) == Pending.REPLACE | Pending.CANCEL

    session.report(ReportKind.REPLACED, order_id, last_lots=4, last_ticks=999)
    session.decide()
    assert session.pending(order_id) == Pending.CANCEL
    assert session.status(order_id) == OrderStatus.WORKING
    order = session.order(order_id)
    assert (order["price_ticks"], order["leaves_lots"], order["order_lots"]) == (999, 4, 4)
    assert session.event(EventKind.REPLACED)["order_id"] == order_id
    session.canceled(order_id)
    session.decide()
    assert session.status(order_id) == OrderStatus.CANCELED


def test_exposure_follows_the_amended_order() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.fill(order_id, 1, 1000)
    session.replace(BUY, 990, 7)
    session.decide()
    session.cancel(BUY)  # no new half to count
    session.decide()
    session.report(ReportKind.REPLACED, order_id, last_lots=7, last_ticks=990)
    session.decide()
    order = session.order(order_id)
    assert (order["order_lots"], order["cum_lots"], order["leaves_lots"]) == (8, 1, 7)
    assert session.position["open_buy_lots"] == 7
    assert session.position["open_buy_notional"] == 7 * 990
