"""Policy after_ack: cancel; once acknowledged the new is checked again and sent; REPLACED when it works."""

import pytest

from trading_platform.model.enums import CommandKind, DenyCode, EventKind, HoldCode, OrderStatus, Pending

from ..harness import BUY, POST_ONLY, Session, kinds_of


def replacing(lots: int = 5, **limits: int) -> tuple[Session, int]:
    """An order of 5 at 1000 whose cancel is on its way, to be replaced at 999."""
    session = Session(**limits)
    order_id = session.rest(BUY, 1000, 5)
    session.replace(BUY, 999, lots)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.forget()
    return session, order_id


def test_pair_runs_to_one_replaced() -> None:
    session, old = replacing()
    assert session.pending(old) == Pending.CANCEL | Pending.REPLACE
    session.canceled(old)
    (new,) = session.decide()
    assert (new.kind, new.price_ticks, new.qty_lots) == (CommandKind.NEW, 999, 5)
    assert session.events(EventKind.REPLACED) == []
    session.ack(new.order_id)
    session.decide()
    session.ack(new.order_id)
    session.decide()
    event = session.event(EventKind.REPLACED)
    assert (event["order_id"], event["parent_order_id"]) == (new.order_id, old)


@pytest.mark.parametrize("lots", [2, 5])
def test_replacement_that_fills_before_its_ack_is_a_replaced_too(lots: int) -> None:
    """A taker's fill overtakes its ack, and on some venues there is no ack at all: the pair is complete."""
    session, old = replacing()
    session.canceled(old)
    (new,) = session.decide()
    session.fill(new.order_id, lots, 999)
    session.decide()
    session.ack(new.order_id)
    session.decide()
    assert session.event(EventKind.REPLACED)["order_id"] == new.order_id


def test_new_half_is_checked_again() -> None:
    session, old = replacing()
    session.limit(position_lots_max=4)
    session.canceled(old)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]
    assert session.events(EventKind.REPLACED) == []


def test_book_is_judged_when_the_new_half_goes() -> None:
    session = Session()
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 1009, 5, tif=POST_ONLY)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.touch(1000, 1009)
    session.canceled(old)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POST_ONLY_WOULD_CROSS]


def test_book_is_not_judged_before_the_new_half_goes() -> None:
    """It would cross now, and does not when it is sent: the market moved away while the cancel travelled."""
    session = Session()
    old = session.rest(BUY, 1000, 5)
    session.replace(BUY, 1010, 5, tif=POST_ONLY)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]
    session.touch(1005, 1011)
    session.canceled(old)
    assert kinds_of(session.decide()) == [CommandKind.NEW]
    assert session.denials() == []


def test_partial_fill_of_the_old_counts_against_the_new() -> None:
    session, old = replacing(position_lots_max=5)
    session.fill(old, 1, 1000)
    session.canceled(old)
    assert session.decide() == []
    assert session.denials() == [DenyCode.POSITION]
    assert session.net_lots == 1


def test_new_half_does_not_count_beside_the_order_it_replaces() -> None:
    session, old = replacing(position_lots_max=5, active_quotes_max=1)
    session.canceled(old)
    assert kinds_of(session.decide()) == [CommandKind.NEW]
    assert session.denials() == []


def test_fill_wins_the_race() -> None:
    session, old = replacing()
    session.fill(old, 5, 1000)
    assert session.decide() == []
    event = session.event(EventKind.DEQUEUED)
    assert (event["code"], event["ref"]) == (HoldCode.FILL_WON, old)
    assert session.events(EventKind.REPLACED) == []
    assert session.position["open_buy_lots"] == 0


def test_refused_cancel_leaves_the_old_order() -> None:
    session, old = replacing()
    session.cancel_rejected(old)
    assert session.decide() == []
    event = session.event(EventKind.DEQUEUED)
    assert (event["code"], event["ref"]) == (HoldCode.VENUE_REFUSED, old)
    assert session.event(EventKind.VENUE_REJECT)["order_id"] == old
    assert session.pending(old) == Pending.NONE
    assert session.position["open_buy_lots"] == 5

    session.replace(BUY, 999, 5)
    assert kinds_of(session.decide()) == [CommandKind.CANCEL]


def test_rejected_new_half_is_no_replaced() -> None:
    session, old = replacing()
    session.canceled(old)
    (new,) = session.decide()
    session.rejected(new.order_id)
    session.decide()
    assert session.status(new.order_id) == OrderStatus.REJECTED
    assert session.events(EventKind.REPLACED) == []


def test_old_order_that_expires_is_as_good_as_canceled() -> None:
    session, old = replacing()
    session.expired(old)
    (new,) = session.decide()
    session.ack(new.order_id)
    session.decide()
    assert session.event(EventKind.REPLACED)["parent_order_id"] == old


def test_later_wish_takes_over_the_half_done_replace() -> None:
    session, old = replacing()
    session.replace(BUY, 998, 3)
    assert session.decide() == []
    session.canceled(old)
    (new,) = session.decide()
    assert (new.price_ticks, new.qty_lots) == (998, 3)
    session.ack(new.order_id)
    session.decide()
    assert session.event(EventKind.REPLACED)["parent_order_id"] == old


def test_intent_is_the_cause_of_both_commands() -> None:
    session, old = replacing()
    session.canceled(old)
    session.decide()
    sent = [event for event in session.log if event["kind"] == EventKind.SENT][1:]
    intent = [event for event in session.log if event["kind"] == EventKind.INTENT][1]
    assert [event["cause_seq"] for event in sent] == [intent["seq"], intent["seq"]]
