"""What the core sees of the market: touch, levels and trades, against a book rebuilt from the rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hftbacktest.types import BUY_EVENT, LOCAL_EVENT, TRADE_EVENT
from oracle.builders import PARTS

from trading_platform.data.files import load_events
from trading_platform.model.enums import DenyCode, EventKind, Stop

from .play import BUY, LOCAL_MS, POST_ONLY, SELL, Events, Play, book, clear, depth, ticks_of_time, trade

LEVELS, ROWS = 12, 30_000
TICK, LOT = 0.1, 0.001


class Rebuilt:
    """The book as the local side must see it: level by level from the rows, in the order of arrival."""

    def __init__(self, events: Events) -> None:
        local = events[(events["ev"] & np.uint64(LOCAL_EVENT)) != 0]
        self._rows = iter(local[np.argsort(local["local_ts"], kind="stable")])
        self._row: Any = next(self._rows)
        self.sides: dict[int, dict[int, int]] = {1: {}, -1: {}}

    def advance(self, now_ns: int) -> list[tuple[int, int, int]]:
        """Apply all rows until ``now_ns`` and return the trades among them: price, quantity, side."""
        trades = []
        for row in self._until(now_ns):
            side = 1 if int(row["ev"]) & BUY_EVENT else -1
            price, lots = round(float(row["px"]) / TICK), round(float(row["qty"]) / LOT)
            if int(row["ev"]) & 0xFF == TRADE_EVENT:
                trades.append((price, lots, side))
            elif lots:
                self.sides[side][price] = lots
            else:
                self.sides[side].pop(price, None)
        return trades

    def _until(self, now_ns: int) -> Iterator[Any]:
        while self._row is not None and self._row["local_ts"] <= now_ns:
            yield self._row
            self._row = next(self._rows, None)

    def best(self, side: int) -> tuple[int, int]:
        """Return price and quantity of the touch, (0, 0) without one."""
        levels = self.sides[side]
        if not levels:
            return 0, 0
        price = max(levels) if side > 0 else min(levels)
        return price, levels[price]


@pytest.mark.parametrize("roi_ticks", [None, (500_000, 700_000)], ids=["hashmap", "roi"])
def test_touch_levels_and_trades_equal_the_book_rebuilt_from_the_rows(
    roi_ticks: tuple[int, int] | None,
) -> None:
    events = np.ascontiguousarray(load_events(PARTS[0])[:ROWS])
    session = Play(
        events, range_ticks=(1, 2_000_000), roi_ticks=roi_ticks, book_levels=LEVELS, trades_capacity=500
    )
    rebuilt, blocks, traded = Rebuilt(events), 0, 0
    pending: list[tuple[int, int, int]] = []
    while session.wake() == Stop.WAKE:
        view = session.view
        pending = rebuilt.advance(view.now_ns)
        (bid, bid_lots), (ask, ask_lots) = rebuilt.best(1), rebuilt.best(-1)
        assert (view.bid_ticks(), view.bid_lots(), view.ask_ticks(), view.ask_lots()) == (
            bid,
            bid_lots,
            ask,
            ask_lots,
        )
        assert view.mark_halfticks() == bid + ask
        for side, touch in ((1, bid), (-1, ask)):
            expected = [
                (touch - side * n, rebuilt.sides[side].get(touch - side * n, 0)) for n in range(LEVELS)
            ]
            assert view.levels(side) == expected, f"side {side} at {view.now_ns} ns"
        found = [(one.price_ticks, one.qty_lots, one.side) for one in view.trades()]
        if blocks:  # the first call comes when both sides are there: trades before it are not of its block
            assert found == pending, f"trades at {view.now_ns} ns"
        traded += len(found)
        blocks += 1
    session.close()

    assert blocks > 3000
    assert traded > 300


def test_trades_beyond_the_capacity_are_left_out_and_forgotten() -> None:
    rows = [trade(20, SELL, 1000, 1 + n) for n in range(3)] + [
        trade(30, BUY, 1002, 9),
        depth(40, BUY, 999, 1),
    ]
    session = Play([*book(0, [(1000, 50)], [(1002, 60)]), *rows], trades_capacity=2)
    session.until(20 + LOCAL_MS)
    first = [(one.price_ticks, one.qty_lots, one.side) for one in session.view.trades()]
    session.until(30 + LOCAL_MS)
    second = [(one.price_ticks, one.qty_lots, one.side) for one in session.view.trades()]
    session.close()

    assert first == [(1000, 1, -1), (1000, 2, -1)]
    assert second == [(1002, 9, 1)]


def test_strategy_starts_with_the_first_block_that_has_both_sides() -> None:
    session = Play(
        [depth(0, BUY, 1000, 5), depth(3, BUY, 999, 5), depth(7, SELL, 1002, 5), depth(9, BUY, 999, 6)]
    )

    assert session.wake() == Stop.WAKE
    assert session.at_ms == 7 + LOCAL_MS
    session.close()


def test_one_sided_book_survives_on_the_hash_map() -> None:
    """The mark stays, what needs the missing side is denied, and the run goes on when it is back."""
    rows = [
        *book(0, [(1000, 50)], [(1002, 60)]),
        *ticks_of_time(1, 100),
        clear(30, SELL, 1002),
        depth(60, SELL, 1004, 7),
    ]
    session = Play(rows)
    session.until(40)
    seen = (
        session.view.bid_ticks(),
        session.view.ask_ticks(),
        session.view.ask_lots(),
        session.view.mark_halfticks(),
    )
    session.view.market_order(BUY, 0, 5)
    session.view.new_order(BUY, 1, 1000, 5, tif=POST_ONLY)
    session.until(70)
    back = (session.view.ask_ticks(), session.view.ask_lots(), session.view.mark_halfticks())

    assert seen == (1000, 0, 0, 2002)
    assert back == (1004, 7, 2004)
    assert session.finish() == Stop.END_OF_DATA
    assert [int(event["code"]) for event in session.of(EventKind.DENIED)] == [DenyCode.NO_BOOK]
    assert [word for word, _ in session.story(1)] == ["ACK"]


def test_book_that_leaves_the_roi_stops_the_run() -> None:
    """Outside its bounds the vector book shows nonsense: it must not be traded on."""
    rows = [
        *book(0, [(1090, 50)], [(1092, 60)]),
        depth(20, SELL, 1092, 0),
        depth(20, SELL, 1101, 5),
        *ticks_of_time(21, 30),
    ]
    session = Play(rows, roi_ticks=(900, 1100))
    stop = session.finish()

    assert stop == Stop.BOOK_OUT_OF_RANGE
    assert session.at_ms == 20 + LOCAL_MS


def test_side_that_is_empty_far_from_the_bounds_of_the_roi_is_no_error() -> None:
    """A thin book, or one that is cleared and loaded anew in two messages: the side is empty, the run goes on."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), depth(20, SELL, 1002, 0), depth(25, SELL, 1003, 5)]
    session = Play(rows, roi_ticks=(900, 1100))
    session.until(20 + LOCAL_MS)
    assert (session.view.bid_ticks(), session.view.ask_ticks()) == (1000, 0)
    assert session.finish() == Stop.END_OF_DATA


def test_timer_set_to_now_for_ever_is_a_livelock_and_not_a_hang() -> None:
    session = Play([*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 100)])
    session.until(10)
    stops = []
    for _ in range(3):
        session.view.set_timer(session.view.now_ns)
        stops.append(session.wake())
    session.close()

    assert stops[0] == Stop.WAKE, "one wake that is due at once is granted"
    assert stops[1] == Stop.LIVELOCK
    assert session.session["stop_detail"] == session.session["now_ns"]


def test_timer_wakes_exactly_when_it_is_due() -> None:
    session = Play([*book(0, [(1000, 50)], [(1002, 60)]), depth(50, BUY, 999, 1)])
    session.wake()
    due_ns = session.view.now_ns + 12_345_678
    session.view.set_timer(due_ns)
    session.wake()
    woken_ns = session.view.now_ns
    session.close()

    assert woken_ns == due_ns
    assert [int(event["a"]) for event in session.of(EventKind.TIMER)] == [due_ns]
