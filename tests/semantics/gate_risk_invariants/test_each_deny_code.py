"""Every DenyCode is reachable, sends nothing, and stands in the log with its intent."""

from collections.abc import Callable

import pytest

from trading_platform.model.enums import DenyCode, EventKind, ReplacePolicy

from ..harness import BUY, IOC, POST_ONLY, SELL, Session


def end_of_data() -> Session:
    session = Session()
    session.finish()
    session.new(BUY, 1000, 1)
    return session


def not_found() -> Session:
    session = Session()
    session.replace(BUY, 1000, 1)
    return session


def duplicate() -> Session:
    session = Session()
    session.place(BUY, 1000, 1)
    session.new(BUY, 999, 1)
    return session


def halted() -> Session:
    session = Session(drawdown_money_max=0)
    session.hold_position(10, price=1006)
    session.new(BUY, 1000, 1)
    return session


def trading_disabled() -> Session:
    session = Session(trading_enabled=0)
    session.new(BUY, 1000, 1)
    return session


def bad_type() -> Session:
    session = Session()
    session.new(BUY, 1000, 1, tif=IOC + 1)
    return session


def bad_qty() -> Session:
    session = Session()
    session.new(BUY, 1000, 0)
    return session


def bad_price() -> Session:
    session = Session()
    session.new(BUY, 0, 1)
    return session


def no_book() -> Session:
    session = Session(bid=1000, ask=0)
    session.market(BUY, 1)
    return session


def post_only_would_cross() -> Session:
    session = Session()
    session.new(BUY, 1010, 1, tif=POST_ONLY)
    return session


def self_cross() -> Session:
    session = Session()
    session.rest(SELL, 1005, 1)
    session.new(BUY, 1005, 1)
    return session


def taker_sweep() -> Session:
    session = Session(taker_sweeps="deny")
    session.touch(1000, 1010, ask_lots=4)
    session.new(BUY, 1010, 5)
    return session


def limit(**limits: int) -> Callable[[], Session]:
    def build() -> Session:
        session = Session(**limits)
        session.new(BUY, 1000, 1)
        return session

    return build


def order_table_full() -> Session:
    session = Session(policy=ReplacePolicy.AT_ONCE)
    order_id = session.rest(BUY, 500, 1)
    for price in range(501, 501 + len(session.state.orders) // 2 - 1):
        session.replace(BUY, price, 1)
        _, new = session.decide()  # the cancel is never answered: the old order lives on
        order_id = new.order_id
        session.ack(order_id)
        session.decide()
    session.new(BUY, 400, 1, level=1)
    return session


BUILDERS: dict[DenyCode, Callable[[], Session]] = {
    DenyCode.END_OF_DATA: end_of_data,
    DenyCode.NOT_FOUND: not_found,
    DenyCode.DUPLICATE: duplicate,
    DenyCode.HALTED: halted,
    DenyCode.TRADING_DISABLED: trading_disabled,
    DenyCode.BAD_TYPE: bad_type,
    DenyCode.BAD_QTY: bad_qty,
    DenyCode.BAD_PRICE: bad_price,
    DenyCode.NO_BOOK: no_book,
    DenyCode.POST_ONLY_WOULD_CROSS: post_only_would_cross,
    DenyCode.SELF_CROSS: self_cross,
    DenyCode.TAKER_SWEEP: taker_sweep,
    DenyCode.MIN_ORDER_NOTIONAL: limit(order_notional_min=1001),
    DenyCode.SINGLE_ORDER_NOTIONAL: limit(order_notional_max=999),
    DenyCode.POSITION: limit(position_lots_max=0),
    DenyCode.GROSS_NOTIONAL: limit(gross_notional_max=999),
    DenyCode.QUOTE_GROSS_NOTIONAL: limit(quote_gross_notional_max=999),
    DenyCode.QUOTE_NET_NOTIONAL: limit(quote_net_notional_max=999),
    DenyCode.ACTIVE_QUOTES: limit(active_quotes_max=0),
    DenyCode.ORDER_TABLE_FULL: order_table_full,
}


def test_every_code_has_its_case() -> None:
    assert set(BUILDERS) == set(DenyCode) - {DenyCode.NONE}


@pytest.mark.parametrize("code", BUILDERS)
def test_code_is_told(code: DenyCode) -> None:
    session = BUILDERS[code]()
    session.forget()
    assert session.decide() == []
    assert session.denials() == [code]
    assert session.kinds() == [EventKind.INTENT, EventKind.DENIED]


@pytest.mark.parametrize("lots", [-1, 0, 11])
def test_quantity_outside_its_bounds_is_denied(lots: int) -> None:
    session = Session(order_lots_max=10)
    session.new(BUY, 1000, lots)
    assert session.decide() == []
    assert session.denials() == [DenyCode.BAD_QTY]


@pytest.mark.parametrize("price", [-5, 0, 499, 2001])
def test_price_outside_the_bounds_of_the_instrument_is_denied(price: int) -> None:
    session = Session()
    session.state.instruments["order_min_ticks"] = 500
    session.state.instruments["order_max_ticks"] = 2000
    session.new(BUY, price, 1)
    assert session.decide() == []
    assert session.denials() == [DenyCode.BAD_PRICE]


@pytest.mark.parametrize("price", [500, 2000])
def test_bounds_of_the_price_are_allowed(price: int) -> None:
    session = Session()
    session.state.instruments["order_min_ticks"] = 500
    session.state.instruments["order_max_ticks"] = 2000
    session.new(BUY, price, 1)
    assert len(session.decide()) == 1
