"""The risk gate: pre-trade checks in order of precedence. Only this module says no for reasons of risk.

Every rule sees the worst case: position, working, in flight, waiting in the outbox, and what this batch already
passed. Cancels are never denied by a rule of risk.
"""

from typing import Final

from .._jit import kernel
from ..model.enums import DenyCode, TimeInForce
from . import journal_state
from .normalize import crosses
from .orders import is_live
from .position import notional
from .state import State

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
_POST_ONLY: Final = int(TimeInForce.POST_ONLY)
_SWEEPS_ESTIMATED: Final = 0  # index in model.instrument.TAKER_SWEEPS


@kernel
def check_trading(state: State, instrument: int) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit): may anything new be sent at all?"""
    if state.losses[instrument]["halted"]:
        return _HALTED, state.losses[instrument]["halted"], 0
    if not state.limits[instrument]["trading_enabled"]:
        return _TRADING_DISABLED, 0, 1
    return 0, 0, 0


@kernel
def check_book(
    state: State, instrument: int, side: int, tif: int, price_ticks: int, lots: int
) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit): does the order fit the book and our own orders?"""
    book, taking = state.books[instrument], crosses(state, instrument, side, price_ticks)
    if taking and tif == _POST_ONLY:
        return _POST_ONLY_WOULD_CROSS, price_ticks, book["ask_ticks"] if side > 0 else book["bid_ticks"]
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
    if taking and state.instruments[instrument]["taker_sweeps"] != _SWEEPS_ESTIMATED:
        opposite_lots = book["ask_lots"] if side > 0 else book["bid_lots"]
        if lots > opposite_lots:
            return _TAKER_SWEEP, lots, opposite_lots
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
def _breaks(state: State, instrument: int, rule: int, observed: int, limit: int) -> bool:
    """Tell whether a rule is broken: observed > limit. With the audit on, every look at a rule is recorded."""
    if state.session[0]["audit"]:
        journal_state.audit(state, instrument, rule, observed, limit)
    return bool(observed > limit)


@kernel
def check_exposure(
    state: State, instrument: int, side: int, price_ticks: int, lots: int
) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit) for the limits on order, position, notional and quotes.

    Position and notional limits do not apply to reducing orders. Observed and limit are in the unit of the rule:
    notional units, lots, or orders.
    """
    limits, position = state.limits[instrument], state.positions[instrument]
    record = state.instruments[instrument]
    order_notional = notional(record, lots, price_ticks)
    if _breaks(state, instrument, _MIN_ORDER_NOTIONAL, limits["order_notional_min"], order_notional):
        return _MIN_ORDER_NOTIONAL, order_notional, limits["order_notional_min"]
    open_notional = position["open_buy_notional"] + position["open_sell_notional"] + order_notional
    if not is_reducing(state, instrument, side, lots):
        if _breaks(state, instrument, _SINGLE_ORDER_NOTIONAL, order_notional, limits["order_notional_max"]):
            return _SINGLE_ORDER_NOTIONAL, order_notional, limits["order_notional_max"]
        if side > 0:
            worst_lots = position["net_lots"] + position["open_buy_lots"] + lots
        else:
            worst_lots = -position["net_lots"] + position["open_sell_lots"] + lots
        if _breaks(state, instrument, _POSITION, worst_lots, limits["position_lots_max"]):
            return _POSITION, worst_lots, limits["position_lots_max"]
        gross = _held_notional(state, instrument) + open_notional
        if _breaks(state, instrument, _GROSS_NOTIONAL, gross, limits["gross_notional_max"]):
            return _GROSS_NOTIONAL, gross, limits["gross_notional_max"]
    if _breaks(state, instrument, _QUOTE_GROSS, open_notional, limits["quote_gross_notional_max"]):
        return _QUOTE_GROSS, open_notional, limits["quote_gross_notional_max"]
    net = abs(position["open_buy_notional"] - position["open_sell_notional"] + side * order_notional)
    if _breaks(state, instrument, _QUOTE_NET, net, limits["quote_net_notional_max"]):
        return _QUOTE_NET, net, limits["quote_net_notional_max"]
    if _breaks(state, instrument, _ACTIVE_QUOTES, position["open_count"] + 1, limits["active_quotes_max"]):
        return _ACTIVE_QUOTES, position["open_count"] + 1, limits["active_quotes_max"]
    orders_max = len(state.orders) // 2
    if _breaks(state, instrument, _ORDER_TABLE_FULL, state.session[0]["live_count"] + 1, orders_max):
        return _ORDER_TABLE_FULL, state.session[0]["live_count"] + 1, orders_max
    return 0, 0, 0
