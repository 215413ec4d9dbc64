"""Bars of a running session: the trades of each block are folded into the series that the strategy declares.

Of each series state.bars holds the growing bar and, after it, the last closed ones as a ring.
"""

from typing import Final

from ..._jit import kernel
from ...model.enums import BarClose, BarKind, Wake
from ...model.records import NEVER
from ..state import State
from .build import begin_next, close, is_due, set_touch
from .fold import add_judged

_TIME: Final = int(BarKind.TIME)
_SIZE: Final = int(BarClose.SIZE)
_BAR: Final = int(Wake.BAR)


@kernel
def bar_count(state: State, series: int) -> int:
    """Return how many bars of a series have closed; 0 for a series that is not declared."""
    if not 0 <= series < state.session[0]["bar_series_count"]:
        return 0
    return int(state.bar_series[series]["bar_count"])


@kernel
def bar_index(state: State, series: int, back: int) -> int:
    """Return where in state.bars a closed bar lies: ``back`` 0 is the last one, 1 the one before; -1 if it is not kept.

    ``state.bars[bar_index(state, 0, 0)]["close_ticks"]`` is the last close of the first series.
    """
    count = bar_count(state, series)
    if not 0 <= back < count or back >= state.bar_series[series]["capacity"]:
        return -1
    builder = state.bar_series[series]
    return int(builder["place"] + 1 + (count - 1 - back) % builder["capacity"])


@kernel
def fold_bars(state: State) -> None:
    """Take the trades of the block into every series, then the touch that is in force from now on.

    A trade meets the touch of the block before: what stood in the book when it came.
    """
    session = state.session[0]
    session["bars_closed"] = 0
    session["next_bar_ns"] = NEVER
    for series in range(session["bar_series_count"]):
        builder = state.bar_series[series]
        _fold_trades(state, series)
        bar = state.bars[builder["place"]]
        if is_due(builder, bar, session["now_ns"]):
            _keep(state, series, _SIZE)
        if builder["kind"] == _TIME and bar["trades"] > 0 and session["wake_mask"] & _BAR:
            session["next_bar_ns"] = min(session["next_bar_ns"], bar["end_ns"])
        touch = state.books[builder["instrument"]]
        set_touch(builder, touch["bid_ticks"], touch["ask_ticks"])


@kernel
def _fold_trades(state: State, series: int) -> None:
    builder = state.bar_series[series]
    place = builder["place"]
    first = 0
    for before in range(builder["instrument"]):
        first += state.books[before]["trade_count"]
    for index in range(first, first + state.books[builder["instrument"]]["trade_count"]):
        trade = state.trades[index]
        if is_due(builder, state.bars[place], trade["ts_local_ns"]):
            _keep(state, series, _SIZE)
        reason = add_judged(
            state.bar_series[series : series + 1],
            state.bars[place : place + 1],
            trade["price_ticks"],
            trade["qty_lots"],
            trade["side"],
            trade["ts_local_ns"],
        )
        if reason != 0:
            _keep(state, series, reason)


@kernel
def _keep(state: State, series: int, reason: int) -> None:
    """Close the growing bar and put it into the ring."""
    builder = state.bar_series[series]
    bar = state.bars[builder["place"]]
    place = builder["place"] + 1 + builder["bar_count"] % builder["capacity"]
    close(builder, bar, reason)
    state.bars[place] = bar
    begin_next(bar)
    state.session[0]["bars_closed"] += 1
