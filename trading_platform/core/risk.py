"""The risk gate: pre-trade checks in order of precedence, and the watch over losses. Only this module says no.

Every rule sees the worst case: position, working, in flight, waiting in the outbox, and what this batch already
passed. Cancels are never denied by a rule of risk.
"""

from typing import Final

from .._jit import kernel
from ..model.enums import DenyCode, HaltCode, TimeInForce
from ..model.records import LOSS_BUCKETS
from .normalize import crosses
from .orders import is_live
from .position import equity_money, notional
from .state import State

_END_OF_DATA: Final = int(DenyCode.END_OF_DATA)
_HALTED: Final = int(DenyCode.HALTED)
_TRADING_DISABLED: Final = int(DenyCode.TRADING_DISABLED)
_POST_ONLY_WOULD_CROSS: Final = int(DenyCode.POST_ONLY_WOULD_CROSS)
_SELF_CROSS: Final = int(DenyCode.SELF_CROSS)
_TAKER_SWEEP: Final = int(DenyCode.TAKER_SWEEP)
_MIN_ORDER_NOTIONAL: Final = int(DenyCode.MIN_ORDER_NOTIONAL)
_SINGLE_ORDER_NOTIONAL: Final = int(DenyCode.SINGLE_ORDER_NOTIONAL)
_POSITION: Final = int(DenyCode.POSITION)
_GROSS_NOTIONAL: Final = int(DenyCode.GROSS_NOTIONAL)
_QUOTE_GROSS: Final = int(DenyCode.QUOTE_GROSS_NOTIONAL)
_QUOTE_NET: Final = int(DenyCode.QUOTE_NET_NOTIONAL)
_ACTIVE_QUOTES: Final = int(DenyCode.ACTIVE_QUOTES)
_ORDER_TABLE_FULL: Final = int(DenyCode.ORDER_TABLE_FULL)
_DRAWDOWN: Final = int(HaltCode.DRAWDOWN)
_ROLLING_LOSS: Final = int(HaltCode.ROLLING_LOSS)
_POST_ONLY: Final = int(TimeInForce.POST_ONLY)
_SWEEPS_ESTIMATED: Final = 0  # index in model.instrument.TAKER_SWEEPS


@kernel
def check_trading(state: State, instrument: int) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit): may anything new be sent at all?"""
    if state.session[0]["ended"]:
        return _END_OF_DATA, 1, 0
    if state.losses[instrument]["halted"]:
        return _HALTED, state.losses[instrument]["halted"], 0
    if not state.limits[instrument]["trading_enabled"]:
        return _TRADING_DISABLED, 0, 1
    return 0, 0, 0


@kernel
def check_book(state: State, instrument: int, side: int, tif: int, price_ticks: int, lots: int) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit): does the order fit the book and our own orders?"""
    book = state.books[instrument]
    if crosses(state, instrument, side, price_ticks):
        opposite_ticks = book["ask_ticks"] if side > 0 else book["bid_ticks"]
        opposite_lots = book["ask_lots"] if side > 0 else book["bid_lots"]
        if tif == _POST_ONLY:
            return _POST_ONLY_WOULD_CROSS, price_ticks, opposite_ticks
        if state.instruments[instrument]["taker_sweeps"] != _SWEEPS_ESTIMATED and lots > opposite_lots:
            return _TAKER_SWEEP, lots, opposite_lots
    row = state.session[0]["live_head"]
    while row >= 0:
        order = state.orders[row]
        if (
            order["instrument"] == instrument
            and order["side"] == -side
            and side * (price_ticks - order["price_ticks"]) >= 0
            and is_live(order)
        ):
            return _SELF_CROSS, price_ticks, order["price_ticks"]
        row = order["next_row"]
    return 0, 0, 0


@kernel
def is_reducing(state: State, instrument: int, side: int, lots: int) -> bool:
    """Tell whether an order can only shrink the position: lots <= |net| minus what already works on that side."""
    position = state.positions[instrument]
    if side > 0:
        return bool(lots <= -position["net_lots"] - position["open_buy_lots"])
    return bool(lots <= position["net_lots"] - position["open_sell_lots"])


@kernel
def _held_notional(state: State, instrument: int) -> int:
    """Return the notional of the position at the mark; rounded up: half a tick must not hide a breach."""
    net_lots = abs(state.positions[instrument]["net_lots"])
    if state.instruments[instrument]["inverse"]:
        return int(net_lots)
    return int((net_lots * state.books[instrument]["mark_halfticks"] + 1) // 2)


@kernel
def check_exposure(state: State, instrument: int, side: int, price_ticks: int, lots: int) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit) for the limits on order, position, notional and quotes.

    Position and notional limits do not apply to reducing orders. Observed and limit are in the unit of the rule:
    notional units, lots, or orders.
    """
    limits, position = state.limits[instrument], state.positions[instrument]
    record = state.instruments[instrument]
    order_notional = notional(record, lots, price_ticks)
    if order_notional < limits["order_notional_min"]:
        return _MIN_ORDER_NOTIONAL, order_notional, limits["order_notional_min"]
    open_notional = position["open_buy_notional"] + position["open_sell_notional"] + order_notional
    if not is_reducing(state, instrument, side, lots):
        if order_notional > limits["order_notional_max"]:
            return _SINGLE_ORDER_NOTIONAL, order_notional, limits["order_notional_max"]
        if side > 0:
            worst_lots = position["net_lots"] + position["open_buy_lots"] + lots
        else:
            worst_lots = -position["net_lots"] + position["open_sell_lots"] + lots
        if worst_lots > limits["position_lots_max"]:
            return _POSITION, worst_lots, limits["position_lots_max"]
        held = _held_notional(state, instrument)
        if held + open_notional > limits["gross_notional_max"]:
            return _GROSS_NOTIONAL, held + open_notional, limits["gross_notional_max"]
    if open_notional > limits["quote_gross_notional_max"]:
        return _QUOTE_GROSS, open_notional, limits["quote_gross_notional_max"]
    net = abs(position["open_buy_notional"] - position["open_sell_notional"] + side * order_notional)
    if net > limits["quote_net_notional_max"]:
        return _QUOTE_NET, net, limits["quote_net_notional_max"]
    if position["open_count"] + 1 > limits["active_quotes_max"]:
        return _ACTIVE_QUOTES, position["open_count"] + 1, limits["active_quotes_max"]
    if state.session[0]["live_count"] >= len(state.orders) // 2:
        return _ORDER_TABLE_FULL, state.session[0]["live_count"], len(state.orders) // 2
    return 0, 0, 0


@kernel
def watch_losses(state: State, instrument: int) -> None:
    """Mark equity to the book and stop trading when it fell too far from its peak, overall or within the window.

    The rolling rule compares with the highest equity of the current bucket of time and the LOSS_BUCKETS - 1 before
    it: with buckets of window / (LOSS_BUCKETS - 1), what it looks back on is the window and at most one bucket more.
    """
    book, loss, limits = state.books[instrument], state.losses[instrument], state.limits[instrument]
    equity = equity_money(state.positions[instrument], state.instruments[instrument], book["mark_halfticks"])
    before = loss["equity_money"]
    loss["equity_money"] = equity
    loss["equity_peak_money"] = max(loss["equity_peak_money"], equity)
    loss["drawdown_money"] = loss["equity_peak_money"] - equity
    loss["drawdown_money_max"] = max(loss["drawdown_money_max"], loss["drawdown_money"])
    if limits["rolling_bucket_ns"] > 0:
        _roll(state, instrument, equity, before)
    if loss["halted"]:
        return
    if loss["drawdown_money"] > limits["drawdown_money_max"]:
        _halt_all(state, _DRAWDOWN)
    elif limits["rolling_bucket_ns"] > 0 and loss["rolling_peak_money"] - equity > limits["rolling_loss_money_max"]:
        _halt_all(state, _ROLLING_LOSS)


@kernel
def _roll(state: State, instrument: int, equity: int, before: int) -> None:
    """Keep the highest equity of each bucket of time, and of the window. ``before``: equity until this block."""
    loss = state.losses[instrument]
    peaks = loss["bucket_peak_money"]
    bucket = state.session[0]["now_ns"] // state.limits[instrument]["rolling_bucket_ns"] + 1
    if loss["bucket"] == 0:  # the first block: there was no loss before it
        for index in range(LOSS_BUCKETS):
            peaks[index] = equity
        loss["bucket"] = bucket
        loss["rolling_peak_money"] = equity
    elif bucket != loss["bucket"]:
        for index in range(loss["bucket"] + 1, loss["bucket"] + 1 + min(bucket - loss["bucket"], LOSS_BUCKETS)):
            peaks[index % LOSS_BUCKETS] = before  # equity stayed what it was until now
        loss["bucket"] = bucket
        loss["rolling_peak_money"] = peaks[0]
        for index in range(1, LOSS_BUCKETS):
            loss["rolling_peak_money"] = max(loss["rolling_peak_money"], peaks[index])
    peaks[bucket % LOSS_BUCKETS] = max(peaks[bucket % LOSS_BUCKETS], equity)
    loss["rolling_peak_money"] = max(loss["rolling_peak_money"], equity)


@kernel
def _halt_all(state: State, code: int) -> None:
    """A loss stops the account, not one instrument."""
    for instrument in range(len(state.losses)):
        if not state.losses[instrument]["halted"]:
            state.losses[instrument]["halted"] = code
