"""The book as the strategy sees it: best bid and ask in integers. Only this module writes BOOK records."""

from .._jit import kernel
from .state import State


@kernel
def set_touch(
    state: State,
    instrument: int,
    bid_ticks: int,
    ask_ticks: int,
    bid_lots: int,
    ask_lots: int,
) -> None:
    """Take over best bid and ask [ticks, 0 for an empty side] and the quantities there [lots].

    The mark is the mid in half-ticks; while a side is empty the last mark stays.
    """
    book = state.books[instrument]
    moved = book["bid_ticks"] != bid_ticks or book["ask_ticks"] != ask_ticks
    changed = moved or book["bid_lots"] != bid_lots or book["ask_lots"] != ask_lots
    book["price_changed"] = 1 if moved else 0
    book["touch_changed"] = 1 if changed else 0
    if not changed:
        return
    book["bid_ticks"] = bid_ticks
    book["ask_ticks"] = ask_ticks
    book["bid_lots"] = bid_lots
    book["ask_lots"] = ask_lots
    if bid_ticks > 0 and ask_ticks > 0:
        book["mark_halfticks"] = bid_ticks + ask_ticks


@kernel
def clear_block(state: State) -> None:
    """Forget what belonged to the block before: changes of the touch and market trades."""
    for instrument in range(len(state.books)):
        state.books[instrument]["touch_changed"] = 0
        state.books[instrument]["price_changed"] = 0
        state.books[instrument]["trade_count"] = 0


@kernel
def touch_changed(state: State) -> bool:
    """Tell whether any touch changed in this block."""
    for instrument in range(len(state.books)):  # noqa: SIM110 (numba compiles no generator expressions)
        if state.books[instrument]["touch_changed"]:
            return True
    return False


@kernel
def price_changed(state: State) -> bool:
    """Tell whether the price of any touch changed in this block."""
    for instrument in range(len(state.books)):  # noqa: SIM110 (numba compiles no generator expressions)
        if state.books[instrument]["price_changed"]:
            return True
    return False


@kernel
def trade_count(state: State) -> int:
    """Return how many market trades this block brought."""
    count = 0
    for instrument in range(len(state.books)):
        count += state.books[instrument]["trade_count"]
    return count


@kernel
def level_ticks(state: State, instrument: int, side: int, index: int) -> int:
    """Return the price of a tick of the book [ticks], 0 where there is none.

    ``side`` is 1 (bids) or -1 (asks), ``index`` counts ticks from the touch outwards, empty ones too; the strategy has
    to declare as many ``book_levels``.
    """
    if not 0 <= index < state.session[0]["book_levels"]:
        return 0
    return int(state.levels[_level(state, instrument, side, index)]["price_ticks"])


@kernel
def level_lots(state: State, instrument: int, side: int, index: int) -> int:
    """Return the quantity of a tick of the book [lots], 0 where there is none: see `level_ticks`."""
    if not 0 <= index < state.session[0]["book_levels"]:
        return 0
    return int(state.levels[_level(state, instrument, side, index)]["qty_lots"])


@kernel
def _level(state: State, instrument: int, side: int, index: int) -> int:
    return int((2 * instrument + (0 if side > 0 else 1)) * state.session[0]["book_levels"] + index)


@kernel
def has_both_sides(state: State, instrument: int) -> bool:
    """Tell whether there is a bid and an ask."""
    book = state.books[instrument]
    return bool(book["bid_ticks"] > 0 and book["ask_ticks"] > 0)
