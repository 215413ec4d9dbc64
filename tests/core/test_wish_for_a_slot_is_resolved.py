"""What an intent asks of its slot: explicit ones as they are, a quote by the order that answers for the slot."""

import pytest
from semantics.harness import BUY, GTC, IOC, POST_ONLY, Session

from trading_platform.core.merge import resolve
from trading_platform.model.enums import Held, IntentKind, OrderStatus, Pending

NEW, REPLACE, CANCEL, KEEP = (int(held) for held in (Held.NEW, Held.REPLACE, Held.CANCEL, Held.KEEP))
SLOT = 0  # the best bid
PRICE, LOTS = 1000, 5


def resting(row: int = 1, pending: Pending = Pending.NONE, left: int = LOTS) -> Session:
    """Return a session with an order of PRICE and LOTS in the slot, in a row of the order table."""
    session = Session()
    session.session["order_id_last"] = len(session.state.orders) + row - 1
    order_id = session.rest(BUY, PRICE, LOTS)
    if left < LOTS:
        session.fill(order_id, LOTS - left, PRICE)
        session.decide()
    assert session.state.slots[SLOT]["order_row"] == row
    session.state.orders[row]["pending"] = pending
    return session


def asked(session: Session, kind: IntentKind, price: int = PRICE, lots: int = LOTS, tif: int = GTC) -> int:
    return int(resolve(session.state, int(kind), SLOT, price, lots, tif))


@pytest.mark.parametrize(
    ("kind", "held"),
    [(IntentKind.NEW, NEW), (IntentKind.REPLACE, REPLACE), (IntentKind.CANCEL, CANCEL)],
)
def test_explicit_intent_is_taken_as_it_is_said(kind: IntentKind, held: int) -> None:
    for session in (Session(), resting(), resting(pending=Pending.CANCEL)):
        for lots in (0, LOTS):
            assert asked(session, kind, lots=lots) == held


@pytest.mark.parametrize(("lots", "held"), [(-1, NEW), (0, KEEP), (1, NEW)])
def test_quote_for_an_empty_slot_is_a_new_order(lots: int, held: int) -> None:
    assert asked(Session(), IntentKind.QUOTE, lots=lots) == held


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize(
    ("price", "lots", "tif", "held"),
    [
        (PRICE, LOTS, GTC, KEEP),
        (PRICE - 1, LOTS, GTC, REPLACE),
        (PRICE + 1, LOTS, GTC, REPLACE),
        (PRICE, LOTS - 1, GTC, REPLACE),
        (PRICE, LOTS + 1, GTC, REPLACE),
        (PRICE, -1, GTC, REPLACE),
        (PRICE, LOTS, POST_ONLY, REPLACE),
        (PRICE, LOTS, IOC, REPLACE),
        (PRICE, 0, GTC, CANCEL),
        (PRICE - 1, 0, GTC, CANCEL),
    ],
)
def test_quote_keeps_the_same_order_and_replaces_another(
    row: int, price: int, lots: int, tif: int, held: int
) -> None:
    assert asked(resting(row), IntentKind.QUOTE, price, lots, tif) == held


@pytest.mark.parametrize("tif", [GTC, POST_ONLY])
def test_quote_of_a_lower_time_in_force_replaces_too(tif: int) -> None:
    session = resting()
    session.state.orders[1]["tif"] = IOC
    assert asked(session, IntentKind.QUOTE, tif=tif) == REPLACE


@pytest.mark.parametrize(
    ("lots", "held"), [(1, REPLACE), (2, KEEP), (3, REPLACE), (4, REPLACE), (5, KEEP), (6, REPLACE)]
)
def test_partly_filled_order_answers_for_what_was_ordered_and_for_what_is_left(lots: int, held: int) -> None:
    assert asked(resting(left=2), IntentKind.QUOTE, lots=lots) == held


@pytest.mark.parametrize("pending", [Pending.CANCEL, Pending.CANCEL | Pending.REPLACE | Pending.NEW])
@pytest.mark.parametrize(("lots", "held"), [(-1, REPLACE), (0, KEEP), (1, REPLACE), (LOTS, REPLACE)])
def test_order_that_is_being_canceled_satisfies_no_quote(pending: Pending, lots: int, held: int) -> None:
    """It will be gone: the same price and quantity are a wish for a new order, and nothing needs no second cancel."""
    assert asked(resting(pending=pending), IntentKind.QUOTE, lots=lots) == held


@pytest.mark.parametrize("pending", [Pending.NEW, Pending.REPLACE, Pending.UNKNOWN])
def test_order_with_another_request_in_flight_satisfies_a_quote(pending: Pending) -> None:
    session = resting(pending=pending)
    assert asked(session, IntentKind.QUOTE) == KEEP
    assert asked(session, IntentKind.QUOTE, lots=0) == CANCEL
    assert session.status(int(session.state.orders[1]["order_id"])) == OrderStatus.WORKING
