"""Bars from an array of trades: the kernels of core/bars/build.py in a loop."""

from typing import Final

from ..._jit import call_at, kernel
from ...model.enums import BarClose, BarKind
from ...model.records import Records
from .build import add_trade, begin_next, close, fits, is_due

_SIZE: Final = int(BarClose.SIZE)
_RULE: Final = int(BarClose.RULE)
_CUSTOM: Final = int(BarKind.CUSTOM)


@kernel
def add_judged(
    builders: Records, bars: Records, price_ticks: int, qty_lots: int, side: int, now_ns: int
) -> int:
    """Add a trade as `build.add_trade` does, and ask the custom rule if the kind has one. Arrays of length 1."""
    builder, bar = builders[0], bars[0]
    reason = add_trade(builder, bar, price_ticks, qty_lots, side, now_ns)
    if reason == 0 and builder["kind"] == _CUSTOM and call_at(builder["rule"], builders, bars) != 0:
        return _RULE
    return reason


@kernel
def fold_trade(
    builders: Records,
    bars: Records,
    out: Records,
    count: int,
    price_ticks: int,
    qty_lots: int,
    side: int,
    now_ns: int,
) -> int:
    """Add one trade; put what it closes into ``out`` from ``count`` on. Return the new count: at most one more."""
    builder, bar = builders[0], bars[0]
    if is_due(builder, bar, now_ns):
        close(builder, bar, _SIZE)
        out[count] = bar
        begin_next(bar)
        count += 1
    reason = add_judged(builders, bars, price_ticks, qty_lots, side, now_ns)
    if reason != 0:
        close(builder, bar, reason)
        out[count] = bar
        begin_next(bar)
        count += 1
    return count


@kernel
def fold_trades(builders: Records, bars: Records, trades: Records, out: Records, now_ns: int) -> int:
    """Add trades (TRADE, in order of receipt) and write the bars they close into ``out``; return how many.

    Parameters
    ----------
    builders : BUILDER, length 1, changed in place
    bars : BAR, length 1: the growing bar, changed in place
    trades : TRADE, shape (n,); side +1 or -1, ts_local_ns not falling
    out : BAR, at least as long as ``trades``
    now_ns : [ns] of the trade before these, 0 if there was none

    Returns
    -------
    number of bars; or -1 - index of a trade that does not fit, has no side, or is older than the one before: the trades
    before it were added
    """
    count = 0
    for index in range(len(trades)):
        trade = trades[index]
        price_ticks, qty_lots, side = trade["price_ticks"], trade["qty_lots"], trade["side"]
        if not fits(price_ticks, qty_lots) or side * side != 1 or trade["ts_local_ns"] < now_ns:
            return -1 - index
        now_ns = trade["ts_local_ns"]
        count = fold_trade(builders, bars, out, count, price_ticks, qty_lots, side, now_ns)
    return count
