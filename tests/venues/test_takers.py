"""Orders that take liquidity: the collar, and what is told of a sweep whose levels the engine does not show."""

import pytest

from trading_platform.model.enums import CommandKind, DenyCode, EventFlag, EventKind, OrderType, Stop

from .play import (
    BUY,
    ENTRY_MS,
    IOC,
    LOCAL_MS,
    MS,
    RESPONSE_MS,
    SELL,
    START_NS,
    Play,
    Row,
    book,
    clear,
    depth,
    ticks_of_time,
)

BIDS = [(1000, 50), (999, 80), (997, 200)]
ASKS = [(1002, 60), (1003, 90), (1005, 200)]
T_MS = 10 + LOCAL_MS
DONE_MS = T_MS + ENTRY_MS + RESPONSE_MS
ESTIMATED = int(EventFlag.ESTIMATED)


def play(*rows: Row, partial: bool, sweeps: str = "estimate") -> Play:
    session = Play([*book(0, BIDS, ASKS), *ticks_of_time(1, 100), *rows], partial=partial, sweeps=sweeps)
    session.until(T_MS)
    return session


def sent(session: Play) -> tuple[int, int, int]:
    """Return price, quantity and time in force of the only order that was sent."""
    (event,) = [event for event in session.of(EventKind.SENT) if event["a"] == CommandKind.NEW]
    return int(event["price_ticks"]), int(event["qty_lots"]), int(event["tif"])


@pytest.mark.parametrize(("side", "limit_ticks", "touch_ticks"), [(BUY, 1012, 1002), (SELL, 990, 1000)])
def test_market_order_is_an_ioc_at_the_collar_and_fills_at_the_touch(
    side: int, limit_ticks: int, touch_ticks: int
) -> None:
    """Without partial fills the engine trades the whole quantity at the best price."""
    session = play(partial=False)
    session.view.market_order(side, 0, 100)
    session.finish()

    assert sent(session) == (limit_ticks, 100, IOC)
    assert session.fills() == [(touch_ticks, 100, 0)]
    (event,) = session.of(EventKind.FILL)
    assert event["order_type"] == OrderType.MARKET
    assert event["now_ns"] == START_NS + DONE_MS * MS
    assert event["a"] == 100 * touch_ticks * 10**5 * 5 // 10**4, "the taker fee of 0.05 %, in 1e-9"


@pytest.mark.parametrize(
    ("side", "fills"),
    [
        (BUY, [(1002, 60, ESTIMATED), (1003, 90, ESTIMATED), (1005, 50, 0)]),
        (SELL, [(1000, 50, ESTIMATED), (999, 80, ESTIMATED), (997, 70, 0)]),
    ],
)
def test_sweep_is_estimated_down_the_local_book_with_exact_quantity(
    side: int, fills: list[tuple[int, int, int]]
) -> None:
    session = play(partial=True)
    session.view.market_order(side, 0, 200)
    session.finish()

    assert session.fills() == fills
    assert session.net_lots == side * 200
    assert session.order(1)["leaves_lots"] == 0


def test_estimate_is_bounded_by_the_last_price_when_the_book_has_moved_on() -> None:
    """Before the report arrives the asks have fled: what the book cannot explain is booked at the last price."""
    gone = [
        depth(17, SELL, 1002, 5),
        depth(17, SELL, 1003, 0),
        depth(17, SELL, 1005, 0),
        depth(17, SELL, 1006, 999),
    ]
    session = play(*gone, partial=True)
    session.view.market_order(BUY, 0, 200)
    session.finish()

    fills = session.fills()
    assert sum(lots for _, lots, _ in fills) == 200
    assert max(price for price, _, _ in fills) == 1005
    assert fills == [(1002, 5, ESTIMATED), (1005, 145, ESTIMATED), (1005, 50, 0)]


def test_fill_of_one_level_is_not_estimated() -> None:
    session = play(partial=True)
    session.view.market_order(BUY, 0, 40)
    session.finish()

    assert session.fills() == [(1002, 40, 0)]


def test_collar_bounds_the_sweep_and_the_rest_expires() -> None:
    """The collar of 1 % ends at 1012; the only offers beyond the first level stand at 1020."""
    far = [depth(5, SELL, 1003, 0), depth(5, SELL, 1005, 0), depth(5, SELL, 1020, 500)]
    session = play(*far, partial=True)
    session.view.market_order(BUY, 0, 100)
    session.finish()

    assert session.fills() == [(1002, 60, 0)]
    assert session.story(1)[-1] == ("EXPIRED", DONE_MS)


@pytest.mark.parametrize("partial", [False, True])
def test_best_level_sends_no_more_than_is_there(partial: bool) -> None:
    session = play(partial=partial, sweeps="best_level")
    session.view.market_order(BUY, 0, 100)
    session.finish()

    assert sent(session)[1] == 60
    assert session.fills() == [(1002, 60, 0)]
    (intent,) = session.of(EventKind.INTENT)
    assert intent["qty_lots"] == 100, "the log keeps what was asked"


@pytest.mark.parametrize("lots", [60, 61])
def test_deny_refuses_what_exceeds_the_best_level(lots: int) -> None:
    session = play(partial=True, sweeps="deny")
    session.view.new_order(BUY, 0, 1003, lots, tif=IOC)
    session.finish()

    denied = [
        (int(event["code"]), int(event["a"]), int(event["b"])) for event in session.of(EventKind.DENIED)
    ]
    assert denied == ([] if lots == 60 else [(int(DenyCode.TAKER_SWEEP), 61, 60)])
    assert session.net_lots == (60 if lots == 60 else 0)


def test_market_order_without_an_opposite_side_is_denied() -> None:
    """The engine would fill it at tick int64 max."""
    session = play(clear(5, SELL, 1005), partial=False)
    session.view.market_order(BUY, 0, 10)

    assert session.finish() == Stop.END_OF_DATA
    assert [int(event["code"]) for event in session.of(EventKind.DENIED)] == [DenyCode.NO_BOOK]
    assert session.of(EventKind.SENT) == []


def test_opposite_side_that_empties_while_a_market_order_travels_gives_no_fill() -> None:
    """What reaches an empty book is an IOC limit: it expires."""
    session = play(clear(12, SELL, 1005), partial=False)
    session.view.market_order(BUY, 0, 10)

    assert session.finish() == Stop.END_OF_DATA
    assert session.story(1) == [("EXPIRED", DONE_MS)]
    assert session.net_lots == 0
