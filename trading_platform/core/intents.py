"""What a strategy may ask for. A slot (instrument, side, level) has one order that answers for it.

Each function appends one intent; a full buffer makes the run fail (Stop.INTENTS_FULL), nothing is dropped.
"""

from typing import Final

from .._jit import kernel
from ..model.enums import IntentKind, OrderType, TimeInForce
from .state import State

_QUOTE: Final = int(IntentKind.QUOTE)
_NEW: Final = int(IntentKind.NEW)
_REPLACE: Final = int(IntentKind.REPLACE)
_CANCEL: Final = int(IntentKind.CANCEL)
_LIMIT: Final = int(OrderType.LIMIT)
_MARKET: Final = int(OrderType.MARKET)
_GTC: Final = int(TimeInForce.GTC)
_POST_ONLY: Final = int(TimeInForce.POST_ONLY)
_IOC: Final = int(TimeInForce.IOC)


@kernel
def slot_index(state: State, instrument: int, side: int, level: int) -> int:
    """Return the index of a slot in state.slots, or -1 if there is none such."""
    levels_per_side = state.session[0]["levels_per_side"]
    if not (
        0 <= instrument < len(state.instruments)
        and 0 <= level < levels_per_side
        and (side == 1 or side == -1)
    ):
        return -1
    return int((instrument * levels_per_side + level) * 2 + (1 if side < 0 else 0))


@kernel
def append(
    state: State, kind: int, slot: int, order_type: int, tif: int, price_ticks: int, qty_lots: int, tag: int
) -> None:
    """Append one intent. Past the end it is only counted: the step then stops the run."""
    session = state.session[0]
    count = session["intent_count"]
    session["intent_count"] = count + 1
    if count >= len(state.intents):
        return
    intent = state.intents[count]
    intent["kind"] = kind
    intent["slot"] = slot
    intent["order_type"] = order_type
    intent["tif"] = tif
    intent["price_ticks"] = price_ticks
    intent["qty_lots"] = qty_lots
    intent["tag"] = tag


@kernel
def quote(
    state: State,
    instrument: int,
    side: int,
    level: int,
    price_ticks: int,
    qty_lots: int,
    tif: int = _POST_ONLY,
    tag: int = 0,
) -> None:
    """State the whole wish for a slot: this price and quantity, or nothing (qty_lots 0). Post-only by default.

    The core works out new, replace, cancel or no-op. An order at that price satisfies the wish if it was sent with that
    quantity, even when partly filled since, or if that is what is left of it: it keeps its place in the queue.
    """
    append(state, _QUOTE, slot_index(state, instrument, side, level), _LIMIT, tif, price_ticks, qty_lots, tag)


@kernel
def new_order(
    state: State,
    instrument: int,
    side: int,
    level: int,
    price_ticks: int,
    qty_lots: int,
    tif: int = _GTC,
    tag: int = 0,
) -> None:
    """Ask for a limit order in a free slot, good till canceled by default; denied DUPLICATE if the slot has one."""
    append(state, _NEW, slot_index(state, instrument, side, level), _LIMIT, tif, price_ticks, qty_lots, tag)


@kernel
def market_order(state: State, instrument: int, side: int, level: int, qty_lots: int, tag: int = 0) -> None:
    """Ask for a market order: sent as an IOC limit at the opposite touch plus the configured collar."""
    append(state, _NEW, slot_index(state, instrument, side, level), _MARKET, _IOC, 0, qty_lots, tag)


@kernel
def replace(
    state: State,
    instrument: int,
    side: int,
    level: int,
    price_ticks: int,
    qty_lots: int,
    tif: int = _GTC,
    tag: int = 0,
) -> None:
    """Ask that the slot's order be replaced by one of this price and quantity, good till canceled by default.

    Denied NOT_FOUND if the slot has none.
    """
    append(
        state, _REPLACE, slot_index(state, instrument, side, level), _LIMIT, tif, price_ticks, qty_lots, tag
    )


@kernel
def cancel(state: State, instrument: int, side: int, level: int, tag: int = 0) -> None:
    """Ask that the slot's order be canceled; denied NOT_FOUND if it has none."""
    append(state, _CANCEL, slot_index(state, instrument, side, level), _LIMIT, 0, 0, 0, tag)


@kernel
def cancel_all(state: State, tag: int = 0) -> None:
    """Ask that every order be canceled that answers for a slot, and every waiting intent be dropped."""
    for index in range(len(state.slots)):
        if state.slots[index]["order_row"] >= 0 or state.slots[index]["held"]:
            append(state, _CANCEL, index, _LIMIT, 0, 0, 0, tag)
