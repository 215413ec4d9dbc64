"""The row of hftbacktest's feed: dtype, kinds and flag bits, taken from the package, never literals."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .._hftbacktest import TYPES as hft

EventArray: TypeAlias = npt.NDArray[np.void]
IntArray: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

EVENT: Final[np.dtype[np.void]] = (
    hft.event_dtype
)  # 64 bytes: ev, exch_ts, local_ts, px, qty, order_id, ival, fval
EXCH_FLAG: Final = int(hft.EXCH_EVENT)  # the row is an event of the venue's side, at exch_ts
LOCAL_FLAG: Final = int(hft.LOCAL_EVENT)  # the row is an event of our side, at local_ts
BUY_FLAG: Final = int(hft.BUY_EVENT)  # bid side of the book, or the buyer initiated the trade
SELL_FLAG: Final = int(hft.SELL_EVENT)
SIDE_FLAGS: Final = BUY_FLAG | SELL_FLAG
KIND_MASK: Final = 0xFF

DEPTH: Final = int(hft.DEPTH_EVENT)
TRADE: Final = int(hft.TRADE_EVENT)
DEPTH_CLEAR: Final = int(hft.DEPTH_CLEAR_EVENT)
DEPTH_SNAPSHOT: Final = int(hft.DEPTH_SNAPSHOT_EVENT)
KINDS: Final = {
    "DEPTH": DEPTH,
    "TRADE": TRADE,
    "DEPTH_CLEAR": DEPTH_CLEAR,
    "DEPTH_SNAPSHOT": DEPTH_SNAPSHOT,
}
"""Kinds that a price-level book acts on; the engine would skip every other kind without a word."""

_PIECE_ROWS: Final = 1 << 18  # looked at together: a whole file's flags would not fit the memory


def rows_of_kind(rows: EventArray, kind: int) -> IntArray:
    """Return where the rows of a kind stand, in order."""
    found: list[IntArray] = [np.zeros(0, np.int64)]
    for start in range(0, len(rows), _PIECE_ROWS):
        kinds = rows["ev"][start : start + _PIECE_ROWS] & np.uint64(KIND_MASK)
        found.append((start + np.flatnonzero(kinds == np.uint64(kind))).astype(np.int64))
    return np.concatenate(found)
