"""A cancel beats a replace of the same slot, before or after it, and also when the replace is half done."""

from trading_platform.model.enums import CommandKind, HoldCode

from ..harness import BUY, Session


def test_cancel_after_replace() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    session.replace(BUY, 999, 1)
    session.cancel(BUY)
    (command,) = session.decide()
    assert (command.kind, command.order_id) == (CommandKind.CANCEL, order_id)
    session.canceled(order_id)
    assert session.decide() == []


def test_replace_after_cancel() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    session.cancel(BUY)
    session.replace(BUY, 999, 1)
    session.decide()
    session.canceled(order_id)
    assert session.decide() == []


def test_cancel_stops_a_replace_whose_cancel_travels() -> None:
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    session.replace(BUY, 999, 1)
    session.decide()
    session.cancel(BUY)
    assert session.decide() == []
    assert session.dequeued() == [HoldCode.SUPERSEDED, HoldCode.NO_CHANGE]
    session.canceled(order_id)
    assert session.decide() == []
    assert session.position["open_buy_lots"] == 0


def test_cancel_stops_a_replace_whose_new_waits_for_a_token() -> None:
    """There is something to cancel, the half that was not sent: that is no NOT_FOUND."""
    session = Session()
    order_id = session.rest(BUY, 1000, 1)
    session.rate(orders=(10**12, 1))
    session.place(BUY, 990, 1, level=1)
    session.replace(BUY, 999, 1)
    session.decide()
    session.canceled(order_id)
    assert session.decide() == []
    assert session.queued() == [HoldCode.IN_FLIGHT, HoldCode.RATE_LIMIT]
    session.cancel(BUY)
    assert session.decide() == []
    assert session.session["held_count"] == 0
    assert session.denials() == []
