"""Each rule passes what equals its limit and denies one more, on either side, with the numbers it saw."""

from dataclasses import replace

import numpy as np
import pytest
from semantics.harness import BUY, GTC, LINEAR, POST_ONLY, SELL, Session

from trading_platform.core.orders import open_order, unlink
from trading_platform.core.position import apply_fill, count_order, release, reserve
from trading_platform.core.risk import check_book, check_exposure, check_trading, is_reducing
from trading_platform.model.enums import DenyCode, OrderStatus, OrderType
from trading_platform.model.records import POSITION

INVERSE = replace(LINEAR, name="INVERSE", inverse=True, contract_size=LINEAR.contract_size * 100)
PRICE, LOTS = 1000, 5
PASSES = (0, 0, 0)
SIDES = pytest.mark.parametrize("side", [BUY, SELL])


def exposed(side: int, **limits: int) -> Session:
    """Return a session that is 7 lots into a side, with 3 open lots there and 2 on the other, marked at 1004.5."""
    session = Session(bid=1000, ask=1009)
    session.limit(**limits)
    position, record = session.position, session.state.instruments[0]
    position["net_lots"] = 7 * side
    reserve(position, record, side, 3, 990)
    reserve(position, record, -side, 2, 1020)
    position["open_count"] = 4
    session.session["live_count"] = 4
    return session


def checked(session: Session, side: int, lots: int = LOTS, price: int = PRICE) -> tuple[int, ...]:
    return tuple(int(number) for number in check_exposure(session.state, 0, side, price, lots))


OPEN = 3 * 990 + 2 * 1020
OBSERVED = {
    ("order_notional_max", DenyCode.SINGLE_ORDER_NOTIONAL): LOTS * PRICE,
    ("position_lots_max", DenyCode.POSITION): 7 + 3 + LOTS,
    ("gross_notional_max", DenyCode.GROSS_NOTIONAL): 7032 + OPEN + LOTS * PRICE,  # 7 * 1004.5 is rounded up
    ("quote_gross_notional_max", DenyCode.QUOTE_GROSS_NOTIONAL): OPEN + LOTS * PRICE,
    ("quote_net_notional_max", DenyCode.QUOTE_NET_NOTIONAL): 3 * 990 - 2 * 1020 + LOTS * PRICE,
    ("active_quotes_max", DenyCode.ACTIVE_QUOTES): 5,
}


@SIDES
@pytest.mark.parametrize(("rule", "observed"), OBSERVED.items(), ids=str)
def test_limit_itself_passes_and_one_less_denies(
    rule: tuple[str, DenyCode], observed: int, side: int
) -> None:
    name, code = rule
    assert checked(exposed(side, **{name: observed}), side) == PASSES
    assert checked(exposed(side, **{name: observed - 1}), side) == (code, observed, observed - 1)


@SIDES
def test_smallest_order_passes_and_a_smaller_one_is_denied(side: int) -> None:
    least = LOTS * PRICE
    assert checked(exposed(side, order_notional_min=least), side) == PASSES
    told = checked(exposed(side, order_notional_min=least + 1), side)
    assert told == (DenyCode.MIN_ORDER_NOTIONAL, least, least + 1)


@SIDES
def test_quotes_of_the_other_side_are_taken_off_the_net(side: int) -> None:
    """2,970 of one side stand against 2,040 of the other: an order on the lighter side turns the sign."""
    net = abs(2 * 1020 + LOTS * PRICE - 3 * 990)
    assert checked(exposed(side, quote_net_notional_max=net), -side) == PASSES
    told = checked(exposed(side, quote_net_notional_max=net - 1), -side)
    assert told == (DenyCode.QUOTE_NET_NOTIONAL, net, net - 1)


@SIDES
def test_order_table_has_room_for_half_of_its_rows(side: int) -> None:
    session = exposed(side)
    half = len(session.state.orders) // 2
    session.session["live_count"] = half - 1
    assert checked(session, side) == PASSES
    session.session["live_count"] = half
    assert checked(session, side) == (DenyCode.ORDER_TABLE_FULL, half + 1, half)


@SIDES
def test_first_broken_rule_is_told_and_order_is_the_order_of_the_codes(side: int) -> None:
    names = [name for name, _ in OBSERVED]
    session = exposed(side, **dict.fromkeys(names, 0), order_notional_min=10**9)
    session.session["live_count"] = len(session.state.orders)
    told = [checked(session, side)[0]]
    for name in ("order_notional_min", *names):
        session.limit(**{name: 0 if name == "order_notional_min" else 10**12})
        told.append(checked(session, side)[0])
    codes = [DenyCode.MIN_ORDER_NOTIONAL, *(code for _, code in OBSERVED), DenyCode.ORDER_TABLE_FULL]
    assert told == codes == sorted(codes)


@SIDES
def test_reducing_order_is_held_by_the_rules_on_quotes_only(side: int) -> None:
    closed = dict.fromkeys(("order_notional_max", "position_lots_max", "gross_notional_max"), 0)
    session = exposed(side, **closed)
    assert checked(session, -side) == PASSES  # 7 held, 2 work already: 5 are left
    assert checked(session, -side, lots=6)[0] == DenyCode.SINGLE_ORDER_NOTIONAL
    session.limit(quote_gross_notional_max=OPEN + LOTS * PRICE - 1)
    assert checked(session, -side)[0] == DenyCode.QUOTE_GROSS_NOTIONAL


@SIDES
@pytest.mark.parametrize(
    ("held", "working", "lots", "reducing"),
    [
        (5, 0, 4, True),
        (5, 0, 5, True),
        (5, 0, 6, False),
        (5, 2, 1, True),
        (5, 2, 3, True),
        (5, 2, 4, False),
        (0, 0, 1, False),
        (-5, 0, 1, False),
    ],
)
def test_order_is_reducing_up_to_what_is_held_and_not_yet_worked(
    side: int, held: int, working: int, lots: int, reducing: bool
) -> None:
    """``held`` is on the other side of the order."""
    session = Session()
    session.position["net_lots"] = -side * held
    reserve(session.position, session.state.instruments[0], side, working, PRICE)
    reserve(session.position, session.state.instruments[0], -side, 9, PRICE)
    assert bool(is_reducing(session.state, 0, side, lots)) == reducing


@SIDES
@pytest.mark.parametrize(
    ("net_lots", "mark", "worth"), [(7, 2009, 7032), (7, 2008, 7028), (8, 2009, 8036), (0, 2009, 0)]
)
def test_position_counts_at_its_mark_and_half_a_tick_is_rounded_up(
    side: int, net_lots: int, mark: int, worth: int
) -> None:
    session = Session(gross_notional_max=worth + PRICE)
    session.position["net_lots"] = side * net_lots
    session.state.books[0]["mark_halfticks"] = mark
    assert checked(session, side, lots=1) == PASSES
    session.limit(gross_notional_max=worth + PRICE - 1)
    assert checked(session, side, lots=1) == (DenyCode.GROSS_NOTIONAL, worth + PRICE, worth + PRICE - 1)


@SIDES
def test_inverse_position_counts_its_contracts_at_any_mark(side: int) -> None:
    session = Session(instrument=INVERSE, gross_notional_max=8)
    session.position["net_lots"] = side * 7
    assert checked(session, side, lots=1) == PASSES
    assert checked(session, side, lots=2) == (DenyCode.GROSS_NOTIONAL, 9, 8)


def test_halt_is_told_before_trading_that_is_switched_off() -> None:
    state = Session(instruments=2).state
    assert tuple(check_trading(state, 1)) == PASSES
    state.limits[1]["trading_enabled"] = 0
    assert tuple(check_trading(state, 1)) == (DenyCode.TRADING_DISABLED, 0, 1)
    state.losses[1]["halted"] = 3
    assert tuple(check_trading(state, 1)) == (DenyCode.HALTED, 3, 0)
    assert tuple(check_trading(state, 0)) == PASSES


def book_says(session: Session, side: int, price: int, lots: int = 1, tif: int = GTC) -> tuple[int, ...]:
    return tuple(int(number) for number in check_book(session.state, 0, side, tif, price, lots))


@pytest.mark.parametrize(("side", "crossing", "resting"), [(BUY, 1010, 1009), (SELL, 1000, 1001)])
def test_post_only_order_that_would_trade_is_told_the_touch(side: int, crossing: int, resting: int) -> None:
    session = Session()
    assert book_says(session, side, resting, tif=POST_ONLY) == PASSES
    for beyond in (0, side):
        told = book_says(session, side, crossing + beyond, tif=POST_ONLY)
        assert told == (DenyCode.POST_ONLY_WOULD_CROSS, crossing + beyond, crossing)
        assert book_says(session, side, crossing + beyond) == PASSES


@pytest.mark.parametrize(("side", "touch", "there"), [(BUY, 1010, 4), (SELL, 1000, 3)])
@pytest.mark.parametrize("policy", ["estimate", "best_level", "deny"])
def test_taker_sweep_is_told_what_the_level_holds(side: int, touch: int, there: int, policy: str) -> None:
    session = Session(taker_sweeps=policy)
    session.touch(1000, 1010, bid_lots=3, ask_lots=4)
    session.decide()
    assert book_says(session, side, touch, there) == PASSES
    assert book_says(session, side, touch - side, there + 1) == PASSES  # it rests
    wanted = PASSES if policy == "estimate" else (DenyCode.TAKER_SWEEP, there + 1, there)
    assert book_says(session, side, touch, there + 1) == wanted


@SIDES
@pytest.mark.parametrize("first_row", [0, 1])
def test_own_order_in_the_way_is_found_wherever_it_stands_in_the_list(side: int, first_row: int) -> None:
    """Three orders live: of another instrument, of the same side, and the one in the way, in any order."""
    for places in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        session = Session(instruments=2, bid=900, ask=1100)
        state = session.state
        session.session["order_id_last"] = len(state.orders) - 1 + first_row
        per_instrument = len(state.slots) // 2
        same, other = (0, 1) if side == BUY else (1, 0)
        wanted = [(per_instrument + other, PRICE), (same, PRICE), (other, PRICE + side)]
        for place in places:
            slot, price = wanted[place]
            open_order(state, slot, int(OrderType.LIMIT), GTC, price, 1, 0, 0)
        assert book_says(session, side, PRICE) == PASSES
        assert book_says(session, side, PRICE + side) == (DenyCode.SELF_CROSS, PRICE + side, PRICE + side)
        assert book_says(session, side, PRICE + 2 * side) == (
            DenyCode.SELF_CROSS,
            PRICE + 2 * side,
            PRICE + side,
        )


def test_own_order_that_is_over_is_not_in_the_way_before_it_is_unlinked() -> None:
    """Within the block of its last report it is still in the list."""
    session = Session(bid=900, ask=1100)
    row = open_order(session.state, 1, int(OrderType.LIMIT), GTC, PRICE, 1, 0, 0)
    session.state.orders[row]["status"] = OrderStatus.FILLED
    assert book_says(session, BUY, PRICE) == PASSES
    unlink(session.state, row)
    assert book_says(session, BUY, PRICE) == PASSES


def test_release_takes_back_what_reserve_counted() -> None:
    record, position = LINEAR.to_record(), np.zeros(1, POSITION)[0]
    for side in (BUY, SELL):
        reserve(position, record, side, 4, 10)
        release(position, record, side, 3, 10)
        reserve(position, record, side, 2, 11)
    count_order(position, 1)
    count_order(position, 1)
    count_order(position, -1)
    told = {name: int(position[name]) for name in POSITION.names or () if position[name]}
    assert told == {
        "open_buy_lots": 3,
        "open_buy_notional": 32,
        "open_sell_lots": 3,
        "open_sell_notional": 32,
        "open_count": 1,
    }


@pytest.mark.parametrize("inverse", [False, True])
def test_fills_of_both_sides_are_booked_field_by_field(inverse: bool) -> None:
    record, position = (INVERSE if inverse else LINEAR).to_record(), np.zeros(1, POSITION)[0]
    apply_fill(position, record, BUY, 4, 1000, 7)
    apply_fill(position, record, BUY, 1, 2000, -2)
    apply_fill(position, record, SELL, 2, 1250, 4)
    told = {name: int(position[name]) for name in POSITION.names or () if position[name]}
    worth = 100 * 10**12 // 1000 * 4 + 100 * 10**12 // 2000 - 100 * 10**12 // 1250 * 2
    cash = {"cash_money": worth} if inverse else {"cash_ticklots": -4000 - 2000 + 2500}
    assert told == cash | {"net_lots": 3, "fee_money": 9, "fill_count": 3, "buy_lots": 5, "sell_lots": 2}


@pytest.mark.parametrize(("side", "lots"), [(0, 1), (2, 1), (-2, 1), (BUY, 0), (SELL, 0), (BUY, -1)])
def test_fill_of_no_side_or_no_quantity_is_a_fault(side: int, lots: int) -> None:
    position = np.zeros(1, POSITION)[0]
    with pytest.raises(AssertionError):
        apply_fill(position, LINEAR.to_record(), side, lots, 1000, 0)
    assert position == np.zeros(1, POSITION)[0]
