"""From what was asked to what is sent: the form of an order. What this module returns is what is checked and sent."""

from typing import Final

from .._jit import kernel
from ..model.enums import DenyCode, OrderType, TimeInForce
from .state import State

_MARKET: Final = int(OrderType.MARKET)
_LIMIT: Final = int(OrderType.LIMIT)
_POST_ONLY: Final = int(TimeInForce.POST_ONLY)
_IOC: Final = int(TimeInForce.IOC)
_BAD_TYPE: Final = int(DenyCode.BAD_TYPE)
_BAD_QTY: Final = int(DenyCode.BAD_QTY)
_BAD_PRICE: Final = int(DenyCode.BAD_PRICE)
_NO_BOOK: Final = int(DenyCode.NO_BOOK)
_E9: Final = 10**9
_BEST_LEVEL: Final = 1  # index in model.instrument.TAKER_SWEEPS


@kernel
def check_form(
    state: State, instrument: int, order_type: int, tif: int, price_ticks: int, lots: int
) -> tuple[int, int, int]:
    """Return (DenyCode or 0, observed, limit) for the form of an order alone.

    Quantity and price are bounded here, before anything is multiplied: int64 wraps silently.
    """
    lots_max, record = state.limits[instrument]["order_lots_max"], state.instruments[instrument]
    if order_type < _LIMIT or order_type > _MARKET:
        return _BAD_TYPE, order_type, _MARKET
    if tif < 0 or tif > _IOC:
        return _BAD_TYPE, tif, _IOC
    if lots <= 0 or lots > lots_max:
        return _BAD_QTY, lots, lots_max
    if order_type == _LIMIT and price_ticks < record["order_min_ticks"]:
        return _BAD_PRICE, price_ticks, record["order_min_ticks"]
    if order_type == _LIMIT and price_ticks > record["order_max_ticks"]:
        return _BAD_PRICE, price_ticks, record["order_max_ticks"]
    return 0, 0, 0


@kernel
def sent_price_ticks(state: State, instrument: int, side: int, order_type: int, price_ticks: int) -> int:
    """Return the limit price an order is sent with [ticks], or 0 if a market order finds no opposite touch.

    A market order becomes an IOC limit at the opposite touch plus the collar (outwards, at least one tick): it
    cannot trade at a price that was not checked, nor on an empty book.
    """
    if order_type == _LIMIT:
        return price_ticks
    book, collar_e9 = state.books[instrument], state.limits[instrument]["market_collar_e9"]
    touch = book["ask_ticks"] if side > 0 else book["bid_ticks"]
    if touch <= 0:
        return 0
    collar = max(1, touch * collar_e9 // _E9)
    return int(max(1, touch + side * collar))


@kernel
def crosses(state: State, instrument: int, side: int, price_ticks: int) -> bool:
    """Tell whether a limit price would trade against the book as it is seen now."""
    book = state.books[instrument]
    if side > 0:
        return bool(book["ask_ticks"] > 0 and price_ticks >= book["ask_ticks"])
    return bool(book["bid_ticks"] > 0 and price_ticks <= book["bid_ticks"])


@kernel
def sent_lots(state: State, instrument: int, side: int, price_ticks: int, lots: int) -> int:
    """Return the quantity to send: with taker_sweeps ``best_level`` a taker asks for no more than is there."""
    if state.instruments[instrument]["taker_sweeps"] == _BEST_LEVEL and crosses(
        state, instrument, side, price_ticks
    ):
        book = state.books[instrument]
        return int(min(lots, book["ask_lots"] if side > 0 else book["bid_lots"]))
    return lots
