"""How bars grow and close: one trade at a time, in integers. Only this module decides when a bar is complete.

Kinds
-----
TIME : the bar of [k * size, (k + 1) * size) of our clock; it closes when the clock gets to its end, whoever tells the
    time. A window without a trade makes no bar.
TICK, VOLUME, NOTIONAL : the trade that makes trades, lots or tick-lots reach ``size`` is the last of its bar. A trade
    is never split and what it is too much is not carried over.
RANGE : the trade that makes ``high - low`` reach ``size``.
RENKO : bricks of ``size`` on its multiples; the trade that completes one or more is the last of its bar. A brick
    against the direction begins at the other edge of the last one, so it takes two sizes from its end. Prices of the
    bar are those of the trades; ``bricks`` and ``level_ticks`` are the bricks.
IMBALANCE, RUN (of ticks, volume, notional) : see `_learn`.
CUSTOM : a rule of the user's (core/bars/rule.py).

Whatever the kind, the sums of a bar end before int64 does (BarClose.BOUND).
"""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.enums import BarClose, BarKind
from .records import SUM_MAX

_TIME: Final = int(BarKind.TIME)
_TICK: Final = int(BarKind.TICK)
_VOLUME: Final = int(BarKind.VOLUME)
_NOTIONAL: Final = int(BarKind.NOTIONAL)
_RANGE: Final = int(BarKind.RANGE)
_RENKO: Final = int(BarKind.RENKO)
_TICK_IMBALANCE: Final = int(BarKind.TICK_IMBALANCE)
_NOTIONAL_IMBALANCE: Final = int(BarKind.NOTIONAL_IMBALANCE)
_NOTIONAL_RUN: Final = int(BarKind.NOTIONAL_RUN)
_NONE: Final = int(BarClose.NONE)
_SIZE: Final = int(BarClose.SIZE)
_EXPECTATION: Final = int(BarClose.EXPECTATION)
_CAP: Final = int(BarClose.CAP)
_WARMUP: Final = int(BarClose.WARMUP)
_BOUND: Final = int(BarClose.BOUND)
_SUM_MAX: Final = float(SUM_MAX)


@kernel
def fits(price_ticks: int, qty_lots: int) -> bool:
    """Tell whether a trade can be added: price and quantity > 0, their product below SUM_MAX."""
    return bool(price_ticks > 0 and qty_lots > 0 and float(price_ticks) * float(qty_lots) < _SUM_MAX)


@kernel
def set_touch(builder: np.void, bid_ticks: int, ask_ticks: int) -> None:
    """Take over the best bid and ask that are in force from now on [ticks], 0 for an empty side."""
    builder["bid_ticks"] = bid_ticks
    builder["ask_ticks"] = ask_ticks


@kernel
def is_due(builder: np.void, bar: np.void, now_ns: int) -> bool:
    """Tell whether a bar is complete by the clock alone: before a trade of that time is added, or without one."""
    return bool(builder["kind"] == _TIME and bar["trades"] > 0 and now_ns >= bar["end_ns"])


@kernel
def add_trade(builder: np.void, bar: np.void, price_ticks: int, qty_lots: int, side: int, now_ns: int) -> int:
    """Add a trade to the growing bar; return why the bar is complete with it (BarClose), 0 if it is not.

    Parameters
    ----------
    builder, bar : BUILDER and BAR record, changed in place
    price_ticks, qty_lots : [ticks, lots] with `fits`
    side : +1 the taker bought, -1 sold
    now_ns : [ns] when we received it; must not fall

    Notes
    -----
    A bar that `is_due` has to be closed before. A custom rule is asked after this, see `core.bars.rule`.
    """
    if bar["trades"] == 0:
        _open(builder, bar, price_ticks, now_ns)
    elif price_ticks > bar["high_ticks"]:
        bar["high_ticks"] = price_ticks
    elif price_ticks < bar["low_ticks"]:
        bar["low_ticks"] = price_ticks
    bar["close_ticks"] = price_ticks
    bar["volume_lots"] += qty_lots
    bar["notional_ticklots"] += price_ticks * qty_lots
    bar["trades"] += 1
    if side > 0:
        bar["buy_lots"] += qty_lots
        bar["buy_trades"] += 1
    else:
        bar["sell_lots"] += qty_lots
    if builder["kind"] != _TIME:
        bar["end_ns"] = now_ns
    bar["last_trade"] = builder["trade_count"]
    builder["trade_count"] += 1
    bid_ticks, ask_ticks = builder["bid_ticks"], builder["ask_ticks"]
    bar["close_mid_halfticks"] = 0
    if bid_ticks > 0 and ask_ticks > 0:
        bar["close_mid_halfticks"] = bid_ticks + ask_ticks
        bar["spread_sum_ticks"] += ask_ticks - bid_ticks
        bar["quoted_trades"] += 1
    reason = _complete(builder, bar, price_ticks, qty_lots, side)
    if reason == _NONE and (bar["notional_ticklots"] >= SUM_MAX or bar["volume_lots"] >= SUM_MAX):
        return _BOUND
    return reason


@kernel
def close(builder: np.void, bar: np.void, reason: int) -> None:
    """End a bar: the caller keeps a copy of it, and then lets the next one begin with `begin_next`."""
    bar["reason"] = reason
    if _TICK_IMBALANCE <= builder["kind"] <= _NOTIONAL_RUN:
        _learn(builder, bar)
        builder["bought"] = 0
        builder["sold"] = 0
    builder["bar_count"] += 1


@kernel
def begin_next(bar: np.void) -> None:
    """Make room for the next bar: its first trade sets every field."""
    bar["trades"] = 0


@kernel
def _open(builder: np.void, bar: np.void, price_ticks: int, now_ns: int) -> None:
    bid_ticks, ask_ticks = builder["bid_ticks"], builder["ask_ticks"]
    bar["kind"] = builder["kind"]
    bar["reason"] = 0
    bar["number"] = builder["bar_count"]
    bar["start_ns"] = now_ns
    bar["end_ns"] = now_ns
    if builder["kind"] == _TIME:
        bar["start_ns"] = now_ns // builder["size"] * builder["size"]
        bar["end_ns"] = bar["start_ns"] + builder["size"]
    bar["open_ticks"] = price_ticks
    bar["high_ticks"] = price_ticks
    bar["low_ticks"] = price_ticks
    bar["volume_lots"] = 0
    bar["buy_lots"] = 0
    bar["sell_lots"] = 0
    bar["notional_ticklots"] = 0
    bar["buy_trades"] = 0
    bar["open_mid_halfticks"] = bid_ticks + ask_ticks if bid_ticks > 0 and ask_ticks > 0 else 0
    bar["spread_sum_ticks"] = 0
    bar["quoted_trades"] = 0
    bar["first_trade"] = builder["trade_count"]
    bar["bricks"] = 0
    bar["level_ticks"] = 0


@kernel
def _complete(builder: np.void, bar: np.void, price_ticks: int, qty_lots: int, side: int) -> int:
    """Return why the kind of the bar closes it after this trade, 0 if it does not."""
    kind, size = builder["kind"], builder["size"]
    if kind == _TIME:
        return _NONE
    if kind == _TICK:
        return _SIZE if bar["trades"] >= size else _NONE
    if kind == _VOLUME:
        return _SIZE if bar["volume_lots"] >= size else _NONE
    if kind == _NOTIONAL:
        reached = bar["volume_lots"] if builder["inverse"] else bar["notional_ticklots"]
        return _SIZE if reached >= size else _NONE
    if kind == _RANGE:
        return _SIZE if bar["high_ticks"] - bar["low_ticks"] >= size else _NONE
    if kind == _RENKO:
        return _complete_brick(builder, bar, price_ticks)
    if kind <= _NOTIONAL_RUN:
        return _complete_adaptive(builder, bar, price_ticks, qty_lots, side)
    return _NONE


@kernel
def _complete_brick(builder: np.void, bar: np.void, price_ticks: int) -> int:
    size = builder["size"]
    if builder["trade_count"] == 1:
        builder["level_ticks"] = price_ticks // size * size
    top = builder["level_ticks"] + (size if builder["direction"] < 0 else 0)
    bottom = builder["level_ticks"] - (size if builder["direction"] > 0 else 0)
    bricks = 0
    if price_ticks >= top + size:
        bricks = (price_ticks - top) // size
        builder["level_ticks"] = top + bricks * size
        builder["direction"] = 1
    elif price_ticks <= bottom - size:
        bricks = -((bottom - price_ticks) // size)
        builder["level_ticks"] = bottom + bricks * size
        builder["direction"] = -1
    bar["bricks"] = bricks
    bar["level_ticks"] = builder["level_ticks"]
    return _SIZE if bricks != 0 else _NONE


@kernel
def _complete_adaptive(builder: np.void, bar: np.void, price_ticks: int, qty_lots: int, side: int) -> int:
    measure = (builder["kind"] - _TICK_IMBALANCE) % 3  # trades, volume, notional: the order of BarKind
    weight = 1
    if measure == 1 or (measure == 2 and builder["inverse"]):
        weight = qty_lots
    elif measure == 2:
        weight = price_ticks * qty_lots
    if side > 0:
        builder["bought"] += weight
    else:
        builder["sold"] += weight
    if builder["bar_count"] < builder["warmup_bars"]:
        return _WARMUP if bar["trades"] >= builder["size"] else _NONE
    if bar["trades"] >= builder["trades_max"]:
        return _CAP
    if bar["trades"] < builder["trades_min"]:
        return _NONE
    if builder["kind"] <= _NOTIONAL_IMBALANCE:
        reached = abs(builder["bought"] - builder["sold"])
    else:
        reached = max(builder["bought"], builder["sold"])
    return _EXPECTATION if reached >= builder["threshold"] else _NONE


@kernel
def _learn(builder: np.void, bar: np.void) -> None:
    """Form the expectations of the next bar from the bars so far: never from a trade that they judge.

    Notes
    -----
    With b = +1 for a buyer's trade and -1 for a seller's, v = 1, lots or notional of a trade, T the trades of a bar:

    - imbalance bars close when ``|sum of b v| >= E[T] * |E[b v]|``;
    - run bars close when ``max(sum of v over buys, sum of v over sells) >=
      E[T] * max(P[b=1] E[v | b=1], (1 - P[b=1]) E[v | b=-1])``.

    Lopez de Prado, Advances in Financial Machine Learning (2018), sections 2.3.2.1 and 2.3.2.2. There b is guessed by
    the tick rule; here it is the taker's side, which the feed tells. Each expectation is an exponentially weighted
    mean over the bars so far, one value a bar, the first one as it is: T, (bought - sold) / T, the buyers' share of
    trades, and the mean v of buys and of sells (bars that have none do not count).

    Left alone these thresholds run away, to ever longer bars or to bars of one trade. So T is held between
    ``trades_min`` and ``trades_max``, and the first ``warmup_bars`` have ``size`` trades.

    Doubles, once a bar: +, -, * and / only, in the order written here, each correctly rounded by IEEE 754. So the same
    trades give the same bits on any machine; the running sums and the comparison are integers.
    """
    trades, buys = bar["trades"], bar["buy_trades"]
    sells = trades - buys
    alpha = builder["alpha"]
    signed = (builder["bought"] - builder["sold"]) / trades
    share = buys / trades
    if builder["bar_count"] == 0:
        builder["expected_trades"] = float(trades)
        builder["expected_signed"] = signed
        builder["buy_share"] = share
    else:
        builder["expected_trades"] += alpha * (trades - builder["expected_trades"])
        builder["expected_signed"] += alpha * (signed - builder["expected_signed"])
        builder["buy_share"] += alpha * (share - builder["buy_share"])
    if buys > 0:
        bought = builder["bought"] / buys
        if builder["expected_buy"] == 0.0:
            builder["expected_buy"] = bought
        else:
            builder["expected_buy"] += alpha * (bought - builder["expected_buy"])
    if sells > 0:
        sold = builder["sold"] / sells
        if builder["expected_sell"] == 0.0:
            builder["expected_sell"] = sold
        else:
            builder["expected_sell"] += alpha * (sold - builder["expected_sell"])
    _set_threshold(builder)


@kernel
def _set_threshold(builder: np.void) -> None:
    if builder["kind"] <= _NOTIONAL_IMBALANCE:
        a_trade = abs(builder["expected_signed"])
    else:
        buys = builder["buy_share"] * builder["expected_buy"]
        sells = (1.0 - builder["buy_share"]) * builder["expected_sell"]
        a_trade = max(buys, sells)
    expected = builder["expected_trades"] * a_trade
    # rounded up: a sum of integers is at least x when it is at least the next integer
    builder["threshold"] = int(np.ceil(min(expected, _SUM_MAX)))
