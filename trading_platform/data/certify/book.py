"""A book of price levels as a tree of bits: 32 ticks a word, words of words above it.

Add, remove and "next level at or below" touch one word per storey, whatever the gap in the book. Quantities are not
needed: a certificate asks where levels are. One record holds all of it.
"""

import math
from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import Records
from ..events import BUY_FLAG, SELL_FLAG

WORD_BITS: Final = 5
WORD: Final = 1 << WORD_BITS
WINDOW_TICKS: Final = 1 << 24  # prices from index 0 on; 4 MB, of which only what is touched is real memory
NO_LEVEL: Final = -1
BID: Final = 0
ASK: Final = 1
STOREYS: Final = 5
_WORDS: Final = tuple(max(1, WINDOW_TICKS >> (WORD_BITS * (storey + 1))) for storey in range(STOREYS))
_STARTS: Final = tuple(sum(_WORDS[:storey]) for storey in range(STOREYS))
BOOK: Final = np.dtype(
    [
        ("low_ticks", "i8"),  # price of index 0
        ("best", "i8", (2,)),  # index of the best bid and ask, NO_LEVEL none
        ("newer_side", "i8"),  # which side made the last crossing
        ("far_count", "i8"),  # levels outside the window, not in the book
        ("bits", "u4", (2, sum(_WORDS))),
    ]
)


def new_book(low_ticks: int) -> Records:
    """Return an empty book, one BOOK record, over WINDOW_TICKS prices from ``low_ticks`` on."""
    book = np.zeros(1, BOOK)
    book["low_ticks"] = low_ticks
    book["best"] = NO_LEVEL
    return book


@kernel
def set_level(book: np.void, side: int, price_ticks: int, is_there: bool) -> None:
    """Put a level into the book or take it out, and move the touch. Sides may cross: nothing is hidden."""
    index, best = price_ticks - book["low_ticks"], book["best"]
    if index < 0 or index >= WINDOW_TICKS:
        book["far_count"] += is_there
        return
    bits, place = book["bits"], index
    for storey in range(STOREYS):
        word = _STARTS[storey] + (place >> WORD_BITS)
        before, bit = np.int64(bits[side, word]), 1 << (place & (WORD - 1))
        bits[side, word] = before | bit if is_there else before & ~bit
        if (before != 0) if is_there else (before != bit):
            break  # the storeys above know the word already, or the word still holds another level
        place >>= WORD_BITS
    if is_there:
        if best[side] == NO_LEVEL or (index > best[side] if side == BID else index < best[side]):
            best[side] = index
        if best[1 - side] != NO_LEVEL and (index >= best[ASK] if side == BID else index <= best[BID]):
            book["newer_side"] = side
    elif index == best[side]:
        best[side] = level_at_or_below(book, index - 1) if side == BID else level_at_or_above(book, index + 1)


@kernel
def level_at_or_below(book: np.void, index: int) -> int:
    """Return the highest bid at or below ``index`` (may be -1), or NO_LEVEL."""
    bits = book["bits"]
    for storey in range(STOREYS):
        if index < 0:
            return NO_LEVEL
        base = index >> WORD_BITS
        found = np.int64(bits[BID, _STARTS[storey] + base]) & ((2 << (index & (WORD - 1))) - 1)
        if found != 0:
            index = (base << WORD_BITS) + _highest(found)
            for below in range(storey - 1, -1, -1):
                index = (index << WORD_BITS) + _highest(np.int64(bits[BID, _STARTS[below] + index]))
            return index
        index = base - 1
    return NO_LEVEL


@kernel
def level_at_or_above(book: np.void, index: int) -> int:
    """Return the lowest ask at or above ``index`` (may be beyond the window), or NO_LEVEL."""
    bits = book["bits"]
    for storey in range(STOREYS):
        base = index >> WORD_BITS
        if base >= _WORDS[storey]:
            return NO_LEVEL
        shift = index & (WORD - 1)
        found = np.int64(bits[ASK, _STARTS[storey] + base]) >> shift << shift
        if found != 0:
            index = (base << WORD_BITS) + _lowest(found)
            for below in range(storey - 1, -1, -1):
                index = (index << WORD_BITS) + _lowest(np.int64(bits[ASK, _STARTS[below] + index]))
            return index
        index = base + 1
    return NO_LEVEL


@kernel
def _highest(word: int | np.int64) -> int:
    return math.frexp(float(word))[1] - 1


@kernel
def _lowest(word: int | np.int64) -> int:
    return math.frexp(float(word & -word))[1] - 1


@kernel
def clear_levels(book: np.void, side_flags: int, to_ticks: int) -> None:
    """Take out the levels of a side from the touch to ``to_ticks``, or all of both, as the engine's DEPTH_CLEAR does.

    Parameters
    ----------
    book : BOOK record, changed in place
    side_flags : BUY_FLAG, SELL_FLAG, or 0 for both sides whatever the price
    to_ticks : [ticks] the last level that goes
    """
    low, best = book["low_ticks"], book["best"]
    to = to_ticks - low
    while best[BID] != NO_LEVEL and side_flags != SELL_FLAG and (side_flags == 0 or best[BID] >= to):
        set_level(book, BID, low + best[BID], False)
    while best[ASK] != NO_LEVEL and side_flags != BUY_FLAG and (side_flags == 0 or best[ASK] <= to):
        set_level(book, ASK, low + best[ASK], False)


@kernel
def is_crossed(book: np.void) -> bool:
    """Tell whether the best bid is at or above the best ask."""
    return bool(book["best"][ASK] != NO_LEVEL and book["best"][BID] >= book["best"][ASK])


@kernel
def take_passed_level(book: np.void) -> int:
    """Take one level out that the newer side passed; return its price [ticks], or NO_LEVEL if no side is crossed."""
    if not is_crossed(book):
        return NO_LEVEL
    older = 1 - book["newer_side"]
    price_ticks = int(book["low_ticks"] + book["best"][older])
    set_level(book, older, price_ticks, False)
    return price_ticks
