"""The whole state of a session: arrays of records, sized once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._jit import bind
from ..model import records
from ..model.errors import ConfigError
from ..model.records import NEVER, Records

__all__ = ["FIELDS", "MEMORY_BYTES", "PARAMS_BYTES", "State", "new_state"]
PARAMS_BYTES: Final = 4096
MEMORY_BYTES: Final = 1 << 20


FIELDS: Final[dict[str, np.dtype[Any]]] = {
    "session": records.SESSION,  # 1
    "instruments": records.INSTRUMENT,  # I
    "books": records.BOOK,  # I
    "levels": records.LEVEL,  # I * 2 * book_levels: tick by tick from the touch, bids then asks
    "trades": records.TRADE,  # trades_capacity: market trades of this block
    "orders": records.ORDER,  # power of two: the row of an order is its id modulo the length
    "slots": records.SLOT,  # I * 2 * levels_per_side
    "positions": records.POSITION,  # I
    "limits": records.LIMITS,  # I
    "losses": records.LOSS,  # I
    "throttles": records.THROTTLE,  # 2: orders, cancels
    "intents": records.INTENT,
    "reports": records.REPORT,
    "commands": records.COMMAND,
    "events": records.EVENT,  # the journal's buffer
    "audit": records.AUDIT,  # buffer of the audit stream
    "resyncs": records.RESYNC,  # when the data starts the book anew; the last entry never comes
    "strategy": np.dtype(np.uint8),  # the strategy's params (PARAMS_BYTES), then its memory (MEMORY_BYTES)
}


class State:
    """What every kernel gets: one array of records per field of FIELDS, sized once. ``I`` is the number of instruments.

    Compiled code gets one pointer (see _jit/state_type.py); plain Python uses the arrays themselves.
    """

    __slots__ = (*FIELDS, "_table", "address")

    session: Records
    instruments: Records
    books: Records
    levels: Records
    trades: Records
    orders: Records
    slots: Records
    positions: Records
    limits: Records
    losses: Records
    throttles: Records
    intents: Records
    reports: Records
    commands: Records
    events: Records
    audit: Records
    resyncs: Records
    strategy: npt.NDArray[np.uint8]
    address: int
    _table: npt.NDArray[np.int64]

    def __init__(self, lengths: Mapping[str, int]) -> None:
        """Allocate zeros: ``lengths[field]`` records each."""
        arrays = {name: np.zeros(lengths[name], dtype) for name, dtype in FIELDS.items()}
        for name, array in arrays.items():
            object.__setattr__(self, name, array)
        table = [number for array in arrays.values() for number in (array.ctypes.data, len(array))]
        object.__setattr__(self, "_table", np.array(table, np.int64))
        object.__setattr__(self, "address", self._table.ctypes.data)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: compiled code would go on with the array it knows. Write into the arrays instead."""
        raise AttributeError(f"State.{name} must not be replaced; assign to its elements")


bind(State, FIELDS)


def new_state(
    *,
    instruments: int = 1,
    levels_per_side: int = 16,
    book_levels: int = 0,
    trades_capacity: int = 0,
    event_capacity: int = 32_768,
    audit: bool = False,
    resyncs: Sequence[tuple[int, int]] = (),
) -> State:
    """Return an empty state: every price, limit and rate still 0, no limit set.

    ``resyncs`` are (time [ns], instrument) in the order of time; ``audit`` records every look at a limit.

    Raises
    ------
    ConfigError : levels_per_side not in 1..1024
    """
    if not 1 <= levels_per_side <= 1024:
        raise ConfigError(f"levels_per_side must be 1 to 1024, was {levels_per_side}")
    slots = instruments * 2 * levels_per_side
    order_rows = max(1024, 1 << (4 * slots - 1).bit_length())
    intents = 4 * slots + 64
    # one block: an intent makes at most 4 events, a held wish 4, a live order's reports 6 with its cancel
    events_per_block = 4 * intents + 4 * slots + 3 * order_rows
    audits_per_block = 8 * slots  # at most one check a slot and flush, at most 8 rules a check
    state = State(
        {
            "session": 1,
            "instruments": instruments,
            "books": instruments,
            "levels": max(1, instruments * 2 * book_levels),
            "trades": max(1, trades_capacity),
            "orders": order_rows,
            "slots": slots,
            "positions": instruments,
            "limits": instruments,
            "losses": instruments,
            "throttles": 2,
            "intents": intents,
            "reports": 4 * order_rows,
            "commands": 2 * order_rows,
            "events": max(event_capacity, 2 * events_per_block),
            "audit": 2 * audits_per_block if audit else 1,
            "resyncs": len(resyncs) + 1,
            "strategy": PARAMS_BYTES + MEMORY_BYTES,
        }
    )
    session = state.session[0]
    for name in ("live_head", "live_tail", "held_head", "held_tail"):
        session[name] = -1
    session["pause_block"] = NEVER
    session["audit"] = int(audit)
    state.resyncs[:] = [*resyncs, (NEVER, 0)]
    for name in ("next_send_ns", "next_ack_timeout_ns", "timer_ns", "next_interval_ns", "next_sample_ns"):
        session[name] = NEVER
    session["levels_per_side"], session["book_levels"] = levels_per_side, book_levels
    session["trades_capacity"], session["events_per_block"] = trades_capacity, events_per_block
    index = np.arange(slots)
    state.slots["instrument"] = index // (2 * levels_per_side)
    state.slots["level"] = index % (2 * levels_per_side) // 2
    state.slots["side"] = 1 - 2 * (index % 2)
    for name in ("order_row", "next_slot", "prev_slot"):
        state.slots[name] = -1
    state.positions["instrument"] = np.arange(instruments)
    return state
