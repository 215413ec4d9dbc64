"""A strategy is called for the reasons it declared, once a book has two sides, and for nothing else."""

import pytest
from semantics.harness import BUY, SECOND_NS, START_NS, Session

from trading_platform.model.enums import EventKind, Wake
from trading_platform.model.records import NEVER

EVERY = Wake.FEED | Wake.TOUCH | Wake.PRICE | Wake.TRADES | Wake.ORDERS | Wake.TIMER | Wake.INTERVAL


def started(mask: Wake = EVERY) -> Session:
    session = Session()
    session.session["wake_mask"] = mask
    assert session.session["started"]
    return session


def woken(session: Session) -> Wake:
    reason = Wake(session.fold())
    session.decide()
    return reason


def test_first_book_with_two_sides_starts() -> None:
    session = Session(bid=0, ask=0)
    session.touch(1000, 0)
    assert woken(session) == Wake.NONE
    session.touch(1000, 1010)
    assert woken(session) == Wake.START  # given, whatever the mask says
    assert woken(session) == Wake.NONE


def test_start_waits_for_every_instrument() -> None:
    session = Session(instruments=2, bid=0, ask=0)
    session.touch(1000, 1010)
    assert woken(session) == Wake.NONE
    session.touch(1000, 1010, instrument=1)
    assert woken(session) == Wake.START


def test_quiet_block_wakes_nobody() -> None:
    assert woken(started()) == Wake.NONE


def test_feed_without_a_change_of_the_touch() -> None:
    session = started()
    session.touch(1000, 1010)
    assert woken(session) == Wake.FEED


@pytest.mark.parametrize("lots", [{"bid_lots": 7}, {"ask_lots": 7}])
def test_quantity_at_the_touch_changed(lots: dict[str, int]) -> None:
    session = started()
    session.touch(1000, 1010, **lots)
    assert woken(session) == Wake.FEED | Wake.TOUCH


@pytest.mark.parametrize(("bid", "ask"), [(999, 1010), (1000, 1011), (1001, 1012), (0, 1010)])
def test_price_at_the_touch_changed(bid: int, ask: int) -> None:
    session = started()
    session.touch(bid, ask)
    assert woken(session) == Wake.FEED | Wake.TOUCH | Wake.PRICE
    assert woken(session) == Wake.NONE


def test_order_report() -> None:
    session = started()
    order_id = session.place(BUY, 1000, 1)
    session.ack(order_id)
    assert woken(session) == Wake.ORDERS


def test_timer_goes_off_once_and_is_journaled() -> None:
    session = started()
    session.view.set_timer(START_NS + SECOND_NS)
    session.advance(SECOND_NS - 1)
    assert woken(session) == Wake.NONE
    session.advance(1)
    assert woken(session) == Wake.TIMER
    assert session.event(EventKind.TIMER)["a"] == START_NS + SECOND_NS
    assert session.session["timer_ns"] == NEVER
    session.advance(SECOND_NS)
    assert woken(session) == Wake.NONE


def test_interval_stays_on_its_grid_when_blocks_are_late() -> None:
    session = started()
    session.session["interval_ns"] = SECOND_NS
    session.session["next_interval_ns"] = START_NS + SECOND_NS
    session.advance(SECOND_NS * 7 // 2)
    assert woken(session) == Wake.INTERVAL
    assert session.session["next_interval_ns"] == START_NS + 4 * SECOND_NS
    session.advance(SECOND_NS // 2)
    assert woken(session) == Wake.INTERVAL


@pytest.mark.parametrize("mask", [Wake.NONE, Wake.ORDERS, Wake.TOUCH, Wake.PRICE, Wake.FEED])
def test_only_declared_reasons_wake(mask: Wake) -> None:
    session = started(mask)
    session.ack(session.place(BUY, 1000, 1))
    session.touch(1001, 1010)
    before = int(session.session["wakeup_count"])
    assert woken(session) == mask
    assert session.session["wakeup_count"] == before + (1 if mask else 0)
