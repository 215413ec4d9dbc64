"""The best bid and ask of a stream of event rows: a price-level book in three arrays, for compiled code.

It follows hftbacktest's hash-map depth, so that what is computed from a file is what a strategy sees in a run: an
update that crosses the other side moves the other side's best away, and the levels in between stay until updated.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .._jit import Array, entry, kernel
from .events import DEPTH, DEPTH_CLEAR, DEPTH_SNAPSHOT

Ints: TypeAlias = npt.NDArray[np.int64]
# A key is a price in ticks, negated for asks: better is greater on both sides, and one table holds both.
NO_KEY: Final = -(1 << 62)
TOUCH: Final = np.dtype(
    [
        ("best", "i8", (2,)),  # key of each side, bids first; NO_KEY none
        ("far", "i8", (2,)),  # worst key that may hold something; -NO_KEY none
        ("used", "i8"),  # places of the table that have a key
    ]
)
_FREE: Final = 0  # no price is 0 ticks
_RUN_BITS: Final = 4  # neighbours share a cache line: 16 ticks lie side by side, the runs anywhere
_MIX: Final = 0x9E3779B1  # 2^32 / golden ratio: times 31 bits it stays within int64
_MIX_BITS: Final = (1 << 31) - 1
_LEAST: Final = 1 << 12


class TouchBook:
    """The levels of one instrument and its touch. Kernels take ``record``, ``keys`` and ``lots``."""

    def __init__(self) -> None:
        self.record = np.zeros(1, TOUCH)
        self.record["best"], self.record["far"] = NO_KEY, -NO_KEY
        self.keys: Ints = np.zeros(_LEAST, np.int64)
        self.lots: Ints = np.zeros(_LEAST, np.int64)

    def reserve(self, rows: int) -> None:
        """Make room for the levels of so many rows. Empty levels are let go."""
        if 2 * (int(self.record[0]["used"]) + rows) <= len(self.keys):
            return
        filled = self.lots > 0
        keys, lots = self.keys[filled], self.lots[filled]
        size = max(_LEAST, 1 << (4 * (len(keys) + rows) - 1).bit_length())
        self.keys, self.lots = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.record[0]["used"] = len(keys)
        _fill(self.keys, self.lots, keys, lots)


@kernel
def bid_ticks(touch: np.void) -> int:
    """Return the best bid [ticks], 0 without one."""
    return int(touch["best"][0]) if touch["best"][0] != NO_KEY else 0


@kernel
def ask_ticks(touch: np.void) -> int:
    """Return the best ask [ticks], 0 without one."""
    return -int(touch["best"][1]) if touch["best"][1] != NO_KEY else 0


@kernel
def apply_row(
    touch: np.void, keys: Ints, lots: Ints, kind: int, side: int, ticks: int, qty_lots: int
) -> None:
    """Take in one row of depth: a change, a level of a snapshot, or a clear. The table has room for one more level.

    Parameters
    ----------
    kind : DEPTH, DEPTH_SNAPSHOT or DEPTH_CLEAR; any other changes nothing
    side : +1 bids, -1 asks, 0 both (DEPTH_CLEAR)
    ticks, qty_lots : [ticks, lots] of the level; a clear reaches from the touch to ``ticks``
    """
    if kind == DEPTH or kind == DEPTH_SNAPSHOT:
        _set_level(touch, keys, lots, side, side * ticks, qty_lots)
    elif kind == DEPTH_CLEAR:
        if side >= 0:
            _clear(touch, keys, lots, 1, ticks if side else 0)
        if side <= 0:
            _clear(touch, keys, lots, -1, -ticks if side else 0)


@kernel
def _set_level(touch: np.void, keys: Ints, lots: Ints, side: int, key: int, qty_lots: int) -> None:
    own, other = (0, 1) if side > 0 else (1, 0)
    best, far = touch["best"], touch["far"]
    place = _find(keys, key)
    if qty_lots == 0:
        if keys[place] == key:
            lots[place] = 0
            if key == best[own]:
                _let_go(touch, own, _next_below(keys, lots, key, far[own]))
        return
    if keys[place] == _FREE:
        keys[place] = key
        touch["used"] += 1
    lots[place] = qty_lots
    far[own] = min(far[own], key)
    if key > best[own]:
        best[own] = key
        if best[other] >= -key:  # crosses: the other side's best gives way
            best[other] = _next_below(keys, lots, -key, far[other])


@kernel
def _clear(touch: np.void, keys: Ints, lots: Ints, side: int, upto_key: int) -> None:
    """Empty one side from its best to ``upto_key``; all of it for 0."""
    own = 0 if side > 0 else 1
    for place in range(len(keys)):
        key = keys[place]
        if key * side > 0 and (upto_key == 0 or key >= upto_key):
            lots[place] = 0
    far = touch["far"][own]
    _let_go(touch, own, _next_below(keys, lots, upto_key if upto_key != 0 else far, far))


@kernel
def _let_go(touch: np.void, own: int, next_key: int) -> None:
    """Take over the next best of a side that lost its best."""
    touch["best"][own] = next_key
    if next_key == NO_KEY:
        touch["far"][own] = -NO_KEY


@kernel
def _next_below(keys: Ints, lots: Ints, key: int, far: int) -> int:
    """Return the best key below one that holds something, NO_KEY if none does."""
    for other in range(key - 1, far - 1, -1):
        place = _find(keys, other)
        if keys[place] == other and lots[place] > 0:
            return other
    return NO_KEY


@kernel
def _find(keys: Ints, key: int) -> int:
    """Return the place of a key, or the free one where it belongs: less than half of the table is used."""
    mask = len(keys) - 1
    run = ((key >> _RUN_BITS) & _MIX_BITS) * _MIX >> 16
    place = ((run << _RUN_BITS) | (key & ((1 << _RUN_BITS) - 1))) & mask
    while keys[place] != key and keys[place] != _FREE:
        place = (place + 1) & mask
    return place


@entry(*[Array(np.dtype(np.int64))] * 4)
def _fill(keys: Ints, lots: Ints, from_keys: Ints, from_lots: Ints) -> None:
    for index in range(len(from_keys)):
        place = _find(keys, from_keys[index])
        keys[place] = from_keys[index]
        lots[place] = from_lots[index]
