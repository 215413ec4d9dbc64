"""Blocks of a session: trades meet the touch of the block before, the clock closes time bars, and bars wake."""

from decimal import Decimal

import pytest

from trading_platform.core import book, step
from trading_platform.core.bars.live import bar_count, bar_index
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.core.state import State, new_state
from trading_platform.core.wake import next_wait_ns
from trading_platform.model.enums import Wake
from trading_platform.model.errors import ConfigError
from trading_platform.model.records import NEVER

from .builders import SECOND_NS, START_NS

GRID = BarGrid(Decimal(1), Decimal(1))


def session(*specs: BarSpec, wake: Wake = Wake.BAR, instruments: int = 1) -> State:
    state = new_state(
        instruments=instruments, trades_capacity=8, bars=[spec.to_record(GRID) for spec in specs]
    )
    state.session[0]["wake_mask"] = int(wake | Wake.START)
    state.session[0]["started"] = 1
    return state


def block(state: State, seconds: float, *trades: tuple[int, int], bid: int = 0, ask: int = 0) -> Wake:
    """Fold one block: trades of (price, signed lots), then the touch that it leaves."""
    now_ns = START_NS + round(seconds * SECOND_NS)
    state.session[0]["now_ns"] = now_ns
    if bid or ask:
        book.set_touch(state, 0, bid, ask, 1, 1)
    for index, (price_ticks, lots) in enumerate(trades):
        side = 1 if lots > 0 else -1
        state.trades[index] = (price_ticks, abs(lots), side, now_ns - 1, now_ns)
    state.books[0]["trade_count"] = len(trades)
    return Wake(int(step.fold(state)))


def test_a_block_that_closes_a_bar_wakes_and_others_do_not() -> None:
    state = session(BarSpec("tick", 3))
    assert block(state, 0, (100, 1), (101, 1), bid=99, ask=101) == Wake.NONE
    assert block(state, 1, (102, -1)) == Wake.BAR
    assert block(state, 2, (102, -1)) == Wake.NONE
    bar = state.bars[bar_index(state, 0, 0)]
    assert (bar["open_ticks"], bar["close_ticks"], bar["trades"]) == (100, 102, 3)
    assert (bar["open_mid_halfticks"], bar["close_mid_halfticks"]) == (0, 200), (
        "the touch of the block before"
    )


def test_several_bars_of_one_block_are_all_kept_and_wake_once() -> None:
    state = session(BarSpec("tick", 2, capacity=2))
    assert block(state, 0, *((price, 1) for price in range(100, 107))) == Wake.BAR
    assert bar_count(state, 0) == 3
    closes = [int(state.bars[bar_index(state, 0, back)]["close_ticks"]) for back in (0, 1)]
    assert closes == [105, 103]
    assert [bar_index(state, 0, back) for back in (-1, 2, 3)] == [-1, -1, -1]
    assert state.session[0]["wakeup_count"] == 1


@pytest.mark.parametrize(("wake", "due"), [(Wake.BAR, True), (Wake.TRADES | Wake.FEED, False)])
def test_the_end_of_a_time_bar_is_waited_for_by_who_wakes_for_bars(wake: Wake, due: bool) -> None:
    state = session(BarSpec("time", 5), wake=wake)
    assert next_wait_ns(state) == NEVER
    block(state, 1, (100, 1))
    assert next_wait_ns(state) == (START_NS + 5 * SECOND_NS if due else NEVER)
    block(state, 4.9)
    assert bar_count(state, 0) == 0
    assert bool(block(state, 5) & Wake.BAR) is due
    assert bar_count(state, 0) == 1
    assert next_wait_ns(state) == NEVER


def test_a_trade_at_the_end_of_a_time_bar_is_of_the_next() -> None:
    state = session(BarSpec("time", 5))
    block(state, 1, (100, 1))
    assert block(state, 5, (200, 1)) == Wake.BAR
    assert state.bars[bar_index(state, 0, 0)]["high_ticks"] == 100
    assert block(state, 10) == Wake.BAR
    assert state.bars[bar_index(state, 0, 0)]["open_ticks"] == 200


def test_series_do_not_share_anything_and_one_that_is_not_declared_has_no_bars() -> None:
    state = session(BarSpec("tick", 1, capacity=3), BarSpec("volume", 4, capacity=1))
    for second in range(5):
        block(state, second, (100 + second, 1))
    assert (bar_count(state, 0), bar_count(state, 1), bar_count(state, 2)) == (5, 1, 0)
    assert [int(state.bars[bar_index(state, 0, back)]["close_ticks"]) for back in range(3)] == [104, 103, 102]
    assert state.bars[bar_index(state, 1, 0)]["volume_lots"] == 4
    assert bar_index(state, 2, 0) == bar_index(state, -1, 0) == -1


@pytest.mark.parametrize("capacity", [0, (1 << 16) + 1])
def test_capacity_is_bounded(capacity: int) -> None:
    with pytest.raises(ConfigError, match=rf"bars.capacity must be 1 to 65536, was {capacity}"):
        BarSpec("tick", 1, capacity=capacity).to_record(GRID)
