"""A denial says which rule, what was observed, what the limit is and what room is left."""

import pytest

from trading_platform.model.enums import DenyCode, EventKind

from ..harness import BUY, SELL, Session

CASES = [
    # limit, value, position, open bid, order lots at 1000 -> code, observed
    ("order_lots_max", 5, 0, 0, 6, DenyCode.BAD_QTY, 6),
    ("order_notional_min", 5000, 0, 0, 4, DenyCode.MIN_ORDER_NOTIONAL, 4000),
    ("order_notional_max", 5000, 0, 0, 6, DenyCode.SINGLE_ORDER_NOTIONAL, 6000),
    ("position_lots_max", 9, 3, 4, 3, DenyCode.POSITION, 10),
    ("gross_notional_max", 9974, 3, 4, 3, DenyCode.GROSS_NOTIONAL, 3 * 1005 + 4 * 990 + 3000),
    ("quote_gross_notional_max", 5000, 3, 4, 3, DenyCode.QUOTE_GROSS_NOTIONAL, 4 * 990 + 3000),
    ("quote_net_notional_max", 5000, 3, 4, 3, DenyCode.QUOTE_NET_NOTIONAL, 4 * 990 + 3000),
    ("active_quotes_max", 1, 3, 4, 3, DenyCode.ACTIVE_QUOTES, 2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_numbers_of_the_denial(case: tuple[str, int, int, int, int, DenyCode, int]) -> None:
    name, limit, net_lots, open_lots, lots, code, observed = case
    session = Session(bid=1000, ask=1010)
    if net_lots:
        session.hold_position(net_lots)
    if open_lots:
        session.rest(BUY, 990, open_lots, level=1)
    session.limit(**{name: limit})
    session.forget()
    session.new(BUY, 1000, lots)
    assert session.decide() == []
    event = session.event(EventKind.DENIED)
    assert event["code"] == code
    assert (event["a"], event["b"], event["c"]) == (observed, limit, limit - observed)
    assert event["cause_seq"] == session.event(EventKind.INTENT)["seq"]
    assert (event["price_ticks"], event["qty_lots"], event["side"]) == (1000, lots, BUY)


def test_one_unit_of_room_is_enough() -> None:
    """The limit itself is allowed: denied is what is above it."""
    for name, limit, net_lots, open_lots, lots, _, observed in CASES:
        if name == "order_notional_min":
            continue
        session = Session(bid=1000, ask=1010)
        if net_lots:
            session.hold_position(net_lots)
        if open_lots:
            session.rest(BUY, 990, open_lots, level=1)
        assert observed > limit
        session.limit(**{name: observed})
        session.new(BUY, 1000, lots)
        assert len(session.decide()) == 1, name


def test_half_a_tick_of_the_mark_does_not_hide_a_breach() -> None:
    """Position 1 at mark 1000.5 and an order of 1 at 1000: worth 2000.5, counted as 2001."""
    session = Session(bid=1000, ask=1001)
    session.hold_position(1)
    session.limit(gross_notional_max=2000)
    session.new(BUY, 1000, 1)
    assert session.decide() == []
    assert session.event(EventKind.DENIED)["a"] == 2001


def test_net_quotes_are_bids_minus_asks() -> None:
    session = Session(bid=1000, ask=1010, quote_net_notional_max=2000)
    session.rest(BUY, 1000, 2)
    session.new(SELL, 1010, 3, level=1)
    assert len(session.decide()) == 1  # |2000 - 3030|
    session.new(SELL, 1010, 1, level=2)
    assert session.decide() == []  # |2000 - 4040|
    assert session.denials() == [DenyCode.QUOTE_NET_NOTIONAL]
    assert session.event(EventKind.DENIED)["a"] == 2040
