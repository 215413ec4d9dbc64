"""A fill of an order we do not know is our money all the same: booked, written down, and trading stops."""

import pytest

from trading_platform.model.enums import AnomalyCode, CommandKind, EventFlag, EventKind, HaltCode, ReportKind

from ..harness import BUY, SELL, Session

STRANGER = 4711


@pytest.mark.parametrize("side", [BUY, SELL])
def test_fill_is_booked_and_trading_stops(side: int) -> None:
    session = Session()
    order_id = session.rest(BUY, 900, 1)
    session.forget()
    session.report(ReportKind.FILL, STRANGER, side=side, last_lots=3, last_ticks=1001)
    (command,) = session.decide()
    assert session.net_lots == 3 * side
    assert session.position["cash_ticklots"] == -side * 3 * 1001
    event = session.event(EventKind.FILL)
    assert (event["order_id"], event["qty_lots"], event["price_ticks"]) == (STRANGER, 3, 1001)
    assert event["flags"] & EventFlag.LATE
    assert session.event(EventKind.ANOMALY)["code"] == AnomalyCode.UNKNOWN_ORDER
    assert session.event(EventKind.HALT)["code"] == HaltCode.ANOMALY
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)


@pytest.mark.parametrize("kind", [kind for kind in ReportKind if kind != ReportKind.FILL])
def test_other_reports_are_written_down_and_book_nothing(kind: ReportKind) -> None:
    session = Session()
    session.report(kind, STRANGER, side=BUY)
    session.decide()
    assert session.net_lots == 0
    assert session.event(EventKind.ANOMALY)["code"] == AnomalyCode.UNKNOWN_ORDER
    assert session.event(EventKind.ANOMALY)["a"] == kind


def test_id_that_shares_a_row_with_ours_is_still_a_stranger() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    twin = order_id + len(session.state.orders)
    session.report(ReportKind.FILL, twin, side=BUY, last_lots=1, last_ticks=1000)
    session.decide()
    assert session.order(order_id)["cum_lots"] == 0
    assert session.event(EventKind.ANOMALY)["order_id"] == twin
