"""The whole state of a session: sixteen arrays of records, sized once."""

from typing import Any, Final, NamedTuple

import numpy as np

from .._jit import type_of
from ..model import records
from ..model.errors import ConfigError
from ..model.records import NEVER

PARAMS_BYTES: Final = 4096
MEMORY_BYTES: Final = 1 << 20


class State(NamedTuple):
    """What every kernel gets. Defined in an importable module, or numba's cache would never hit."""

    session: Any  # (1,) SESSION
    instruments: Any  # (I,) INSTRUMENT
    books: Any  # (I,) BOOK
    levels: Any  # (I * 2 * book_levels,) LEVEL: tick by tick from the touch, bids then asks
    trades: Any  # (trades_capacity,) TRADE: market trades of this block
    orders: Any  # (power of two,) ORDER: row of an order is its id modulo the length
    slots: Any  # (I * 2 * levels_per_side,) SLOT
    positions: Any  # (I,) POSITION
    limits: Any  # (I,) LIMITS
    losses: Any  # (I,) LOSS
    throttles: Any  # (2,) THROTTLE: orders, cancels
    intents: Any  # (n,) INTENT
    reports: Any  # (n,) REPORT
    commands: Any  # (n,) COMMAND
    events: Any  # (n,) EVENT: the journal's buffer
    strategy: Any  # uint8: the strategy's params (PARAMS_BYTES), then its memory (MEMORY_BYTES)


def new_state(
    *,
    instruments: int = 1,
    levels_per_side: int = 16,
    book_levels: int = 0,
    trades_capacity: int = 0,
    event_capacity: int = 8192,
) -> State:
    """Return an empty state: every price, limit and rate still 0, no limit set.

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
    state = State(
        session=np.zeros(1, records.SESSION),
        instruments=np.zeros(instruments, records.INSTRUMENT),
        books=np.zeros(instruments, records.BOOK),
        levels=np.zeros(max(1, instruments * 2 * book_levels), records.LEVEL),
        trades=np.zeros(max(1, trades_capacity), records.TRADE),
        orders=np.zeros(order_rows, records.ORDER),
        slots=np.zeros(slots, records.SLOT),
        positions=np.zeros(instruments, records.POSITION),
        limits=np.zeros(instruments, records.LIMITS),
        losses=np.zeros(instruments, records.LOSS),
        throttles=np.zeros(2, records.THROTTLE),
        intents=np.zeros(intents, records.INTENT),
        reports=np.zeros(4 * order_rows, records.REPORT),
        commands=np.zeros(2 * order_rows, records.COMMAND),
        events=np.zeros(max(event_capacity, 2 * events_per_block), records.EVENT),
        strategy=np.zeros(PARAMS_BYTES + MEMORY_BYTES, np.uint8),
    )
    session = state.session[0]
    for name in ("live_head", "live_tail", "held_head", "held_tail"):
        session[name] = -1
    session["pause_block"] = NEVER
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


STATE: Final = type_of(new_state())
