"""Approval: normalise and check what a slot holds, anew every time it may be sent. A no ends the wish."""

from typing import Final

from .._jit import kernel
from ..model.enums import (
    DenyCode,
    HoldCode,
    OrderType,
    PostOnlyMode,
    TimeInForce,
)
from .held import deny, give_up, journal_intent
from .normalize import check_form, sent_lots, sent_price_ticks
from .position import count_order, release, reserve
from .risk import check_book, check_exposure, check_trading
from .state import State

_DROPPED: Final = int(HoldCode.DROPPED)
_NO_BOOK: Final = int(DenyCode.NO_BOOK)
_POST_ONLY_WOULD_CROSS: Final = int(DenyCode.POST_ONLY_WOULD_CROSS)
_DROP: Final = int(PostOnlyMode.DROP)
_MARKET: Final = int(OrderType.MARKET)
_IOC: Final = int(TimeInForce.IOC)


@kernel
def approve(state: State, slot_index: int, row: int, goes_now: bool) -> int:
    """Return the price the held order would be sent with, or 0 after denying (or dropping) it.

    ``row`` >= 0 is the order it takes the place of: unless the new goes now, that order does not count beside it.
    What the book says is judged when the order goes.
    """
    slot = state.slots[slot_index]
    instrument, side, lots = slot["instrument"], slot["side"], slot["held_lots"]
    slot["approved_lots"] = lots
    code, observed, limit = check_trading(state, instrument)
    if code == 0:
        code, observed, limit = check_form(
            state, instrument, slot["held_type"], slot["held_tif"], slot["held_price_ticks"], lots
        )
    price_ticks = 0
    if code == 0:
        price_ticks = sent_price_ticks(state, instrument, side, slot["held_type"], slot["held_price_ticks"])
        if price_ticks == 0:
            code = _NO_BOOK
    if code == 0 and goes_now:
        lots = _fit_to_book(state, slot_index, price_ticks)
        tif = _IOC if slot["held_type"] == _MARKET else slot["held_tif"]
        code, observed, limit = check_book(state, instrument, side, tif, price_ticks, lots)
    if code == 0:
        code, observed, limit = _check_exposure(state, slot_index, row, price_ticks, goes_now)
    if code == 0:
        return price_ticks
    if code == _POST_ONLY_WOULD_CROSS and state.limits[instrument]["post_only_mode"] == _DROP:
        state.session[0]["dropped_count"] += 1
        journal_intent(state, slot_index)
        give_up(state, slot_index, _DROPPED, 0)
    else:
        deny(state, slot_index, code, observed, limit)
    return 0


@kernel
def _fit_to_book(state: State, slot_index: int, price_ticks: int) -> int:
    """Return the quantity the held order may be sent with now; what is held stays what was asked."""
    slot = state.slots[slot_index]
    lots = sent_lots(state, slot["instrument"], slot["side"], price_ticks, slot["held_lots"])
    if lots > 0:
        slot["approved_lots"] = lots
    return int(slot["approved_lots"])


@kernel
def _check_exposure(
    state: State, slot_index: int, row: int, price_ticks: int, goes_now: bool
) -> tuple[int, int, int]:
    """Check limits; an order that is gone before the new is sent is left out of the worst case meanwhile."""
    slot = state.slots[slot_index]
    instrument, side, lots = slot["instrument"], slot["side"], slot["approved_lots"]
    if row < 0 or goes_now:
        return check_exposure(state, instrument, side, price_ticks, lots)
    position, record, order = state.positions[instrument], state.instruments[instrument], state.orders[row]
    leaves, old_price_ticks = order["leaves_lots"], order["price_ticks"]
    release(position, record, side, leaves, old_price_ticks)
    count_order(position, -1)
    result = check_exposure(state, instrument, side, price_ticks, lots)
    reserve(position, record, side, leaves, old_price_ticks)
    count_order(position, 1)
    return result
