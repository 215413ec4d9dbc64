"""The book while converting: sorted levels of both sides, to see what a fresher best level makes stale."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ..events import IntArray

BIDS: Final = 0
ASKS: Final = 1
LEVELS_MAX: Final = 1 << 14  # the worst level is forgotten beyond: only levels at the top are asked for

FloatArray = npt.NDArray[np.float64]


def new_levels() -> tuple[FloatArray, FloatArray, IntArray]:
    """Return an empty book: keys and quantities of shape (2, LEVELS_MAX), counts of shape (2,).

    A key is the price of a bid and the negative price of an ask: keys rise, the best level is the last.
    """
    return np.zeros((2, LEVELS_MAX)), np.zeros((2, LEVELS_MAX)), np.zeros(2, np.int64)


@kernel
def find_level(keys: FloatArray, side: int, count: int, key: float) -> int:
    """Return the index of the first level whose key is >= ``key``."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if keys[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def set_level(
    keys: FloatArray, quantities: FloatArray, counts: IntArray, side: int, key: float, qty: float
) -> None:
    """Set, add or (quantity 0) remove a level."""
    count = int(counts[side])
    at = find_level(keys, side, count, key)
    held = at < count and keys[side, at] == key
    if qty == 0:
        if held:
            for level in range(at, count - 1):
                keys[side, level] = keys[side, level + 1]
                quantities[side, level] = quantities[side, level + 1]
            counts[side] = count - 1
        return
    if not held:
        if count == LEVELS_MAX:
            if at == 0:
                return  # worse than all that are held
            for level in range(at - 1):
                keys[side, level] = keys[side, level + 1]
                quantities[side, level] = quantities[side, level + 1]
            at -= 1
        else:
            for level in range(count, at, -1):
                keys[side, level] = keys[side, level - 1]
                quantities[side, level] = quantities[side, level - 1]
            counts[side] = count + 1
        keys[side, at] = key
    quantities[side, at] = qty
