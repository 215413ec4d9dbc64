"""Fresh intents and what waits in the outbox become one wish per slot. Pure: table in, table out.

Cancel dominates replace dominates new; the latest wins among equals; a cancel and then a new is a replace; a wish
that is satisfied already (KEEP) clears its slot. A quote states the whole wish: it supersedes an earlier quote.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ..model.enums import Held, Pending
from ..model.enums import IntentKind as K
from .state import State

H = Held
# what the slot holds -> what is asked -> (what it holds then, whether price and quantity are the asked ones)
# fmt: off
MERGE: Final[Mapping[Held, Mapping[Held, tuple[Held, bool]]]] = {
    H.NOTHING: {
        H.NEW: (H.NEW, True), H.REPLACE: (H.REPLACE, True), H.CANCEL: (H.CANCEL, True), H.KEEP: (H.KEEP, True),
    },
    H.NEW: {
        H.NEW:     (H.NEW, True),
        H.REPLACE: (H.REPLACE_OR_NEW, True),    # what it replaces was never sent
        H.CANCEL:  (H.CANCEL_ABSORBED, True),   # cancel dominates new
        H.KEEP:    (H.KEEP, True),
    },
    H.REPLACE: {
        H.NEW:     (H.REPLACE, False),          # replace dominates new
        H.REPLACE: (H.REPLACE, True),           # the latest wins
        H.CANCEL:  (H.CANCEL, True),            # cancel dominates replace
        H.KEEP:    (H.KEEP, True),
    },
    H.CANCEL: {
        H.NEW:     (H.CANCEL_THEN_NEW, True),   # cancel + new is a replace
        H.REPLACE: (H.CANCEL, False),           # cancel dominates replace
        H.CANCEL:  (H.CANCEL, True),
        H.KEEP:    (H.CANCEL, False),
    },
    H.REPLACE_OR_NEW: {
        H.NEW:     (H.REPLACE_OR_NEW, False),
        H.REPLACE: (H.REPLACE_OR_NEW, True),
        H.CANCEL:  (H.CANCEL_ABSORBED, True),
        H.KEEP:    (H.KEEP, True),
    },
    H.CANCEL_THEN_NEW: {
        H.NEW:     (H.CANCEL_THEN_NEW, True),
        H.REPLACE: (H.CANCEL_THEN_NEW, True),   # of the new in it
        H.CANCEL:  (H.CANCEL, True),
        H.KEEP:    (H.CANCEL_THEN_NEW, False),
    },
    H.KEEP: {
        H.NEW: (H.NEW, True), H.REPLACE: (H.REPLACE, True), H.CANCEL: (H.CANCEL, True), H.KEEP: (H.KEEP, True),
    },
    H.CANCEL_ABSORBED: {
        H.NEW:     (H.CANCEL_THEN_NEW, True),
        H.REPLACE: (H.CANCEL_ABSORBED, False),
        H.CANCEL:  (H.CANCEL_ABSORBED, True),
        H.KEEP:    (H.CANCEL_ABSORBED, False),
    },
}
# fmt: on
_KINDS: Final = len(Held)
_NOTHING: Final = int(H.NOTHING)
_NEW: Final = int(H.NEW)
_REPLACE: Final = int(H.REPLACE)
_CANCEL: Final = int(H.CANCEL)
_KEEP: Final = int(H.KEEP)
_ASK_QUOTE: Final = int(K.QUOTE)
_ASK_NEW: Final = int(K.NEW)
_ASK_REPLACE: Final = int(K.REPLACE)
_P_CANCEL: Final = int(Pending.CANCEL)


def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    held = np.full((_KINDS, _KINDS), 255, np.uint8)
    takes = np.zeros((_KINDS, _KINDS), np.uint8)
    for before, row in MERGE.items():
        for asked, (after, takes_asked) in row.items():
            held[before, asked] = after
            takes[before, asked] = takes_asked
    held.setflags(write=False)
    takes.setflags(write=False)
    return held, takes


_HELD, _TAKES = _tables()


@kernel
def merged(held: int, asked: int) -> int:
    """Return what a slot holds after something was asked for it."""
    return int(_HELD[held, asked])


@kernel
def takes_asked(held: int, asked: int) -> bool:
    """Tell whether price and quantity are then those that were asked."""
    return bool(_TAKES[held, asked])


@kernel
def resolve(state: State, kind: int, slot_index: int, price_ticks: int, lots: int, tif: int) -> int:
    """Return what an intent asks of its slot as it is now: NEW, REPLACE, CANCEL or KEEP (nothing to do)."""
    if kind == _ASK_NEW:
        return _NEW
    if kind == _ASK_REPLACE:
        return _REPLACE
    if kind != _ASK_QUOTE:
        return _CANCEL
    row = state.slots[slot_index]["order_row"]
    if row < 0:
        return _NEW if lots != 0 else _KEEP  # below 0 it is denied, not lost
    order = state.orders[row]
    if order["pending"] & _P_CANCEL:
        return _REPLACE if lots != 0 else _KEEP
    if lots == 0:
        return _CANCEL
    same_lots = order["order_lots"] == lots or order["leaves_lots"] == lots
    if order["price_ticks"] == price_ticks and order["tif"] == tif and same_lots:
        return _KEEP
    return _REPLACE
