"""Bars from an array of trades: the kernels of core/bars/build.py in a loop."""

from collections.abc import Callable
from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.enums import BarClose, BarKind
from ...model.records import Records
from .build import add_trade, begin_next, close, fits, is_due

Rule = Callable[[np.void, np.void], int]
_SIZE: Final = int(BarClose.SIZE)
_RULE: Final = int(BarClose.RULE)
_CUSTOM: Final = int(BarKind.CUSTOM)


@kernel
def fold_trade(
    builder: np.void,
    bars: Records,
    out: Records,
    count: int,
    price_ticks: int,
    qty_lots: int,
    side: int,
    now_ns: int,
    rule: Rule,
) -> int:
    """Add one trade; put what it closes into ``out`` from ``count`` on. Return the new count: at most one more."""
    bar = bars[0]
    if is_due(builder, bar, now_ns):
        close(builder, bar, _SIZE)
        out[count] = bar
        begin_next(bar)
        count += 1
    reason = add_trade(builder, bar, price_ticks, qty_lots, side, now_ns)
    if reason == 0 and builder["kind"] == _CUSTOM and rule(builder, bar) != 0:
        reason = _RULE
    if reason != 0:
        close(builder, bar, reason)
        out[count] = bar
        begin_next(bar)
        count += 1
    return count


@kernel
def fold_trades(builder: np.void, bars: Records, trades: Records, out: Records, rule: Rule) -> int:
    """Add trades (TRADE, in order of receipt) and write the bars they close into ``out``; return how many.

    Parameters
    ----------
    builder : BUILDER record, changed in place
    bars : BAR, length 1: the growing bar, changed in place
    trades : TRADE, shape (n,); side +1 or -1, ts_local_ns not falling
    out : BAR, at least as long as ``trades``
    rule : called for bars of kind CUSTOM only

    Returns
    -------
    number of bars; or -1 - index of a trade that does not fit: the trades before it were added
    """
    count = 0
    for index in range(len(trades)):
        trade = trades[index]
        price_ticks, qty_lots = trade["price_ticks"], trade["qty_lots"]
        if not fits(price_ticks, qty_lots):
            return -1 - index
        count = fold_trade(
            builder, bars, out, count, price_ticks, qty_lots, trade["side"], trade["ts_local_ns"], rule
        )
    return count
