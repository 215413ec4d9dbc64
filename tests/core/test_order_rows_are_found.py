"""An order is found by its id as long as its row is not needed; a live order never loses its row."""

from semantics.harness import BUY, Session

from trading_platform.model.enums import EventKind, OrderStatus


def churn(session: Session, count: int) -> None:
    """Send and end orders in slot 1, so that rows are used up."""
    for _ in range(count):
        session.rejected(session.place(BUY, 900, 1, level=1))
        session.decide()


def test_live_order_keeps_its_row_and_its_id_is_skipped() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    rows = len(session.state.orders)
    session.session["order_id_last"] = order_id + rows - 2
    churn(session, 3)
    assert session.order(order_id)["leaves_lots"] == 5
    sent = {command.order_id for command in session.sent}
    assert order_id + rows not in sent
    assert {order_id + rows - 1, order_id + rows + 1} <= sent
    session.fill(order_id, 5, 1000)
    session.decide()
    assert session.status(order_id) == OrderStatus.FILLED
    assert session.events(EventKind.ANOMALY) == []


def test_late_fill_finds_its_order_until_the_row_is_used_again() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 5)
    session.canceled(order_id)
    session.decide()
    rows = len(session.state.orders)
    session.session["order_id_last"] = order_id + rows - 2
    churn(session, 1)
    session.fill(order_id, 1, 1000)
    session.decide()
    assert session.events(EventKind.ANOMALY) == []
    churn(session, 1)  # its id falls on the row
    assert session.state.orders[order_id & (rows - 1)]["order_id"] == order_id + rows


def test_live_orders_are_linked_in_ascending_id() -> None:
    session = Session()
    ids = [session.rest(BUY, 1000 - level, 1, level) for level in range(4)]
    session.canceled(ids[1])
    session.decide()
    chain, row = [], int(session.session["live_head"])
    while row >= 0:
        chain.append(int(session.state.orders[row]["order_id"]))
        row = int(session.state.orders[row]["next_row"])
    assert chain == [ids[0], ids[2], ids[3]]
    assert session.session["live_count"] == 3
