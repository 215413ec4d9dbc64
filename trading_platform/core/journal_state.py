"""The journal's events about positions, equity, the market and the clock (see journal.py), and the audit stream."""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    ConnectionCode,
    EventKind,
)
from ..model.records import NO_SLOT
from .journal import next_event, of_instrument
from .state import State

_POSITION: Final = int(EventKind.POSITION)
_PNL: Final = int(EventKind.PNL)
_HALT: Final = int(EventKind.HALT)
_TIMER: Final = int(EventKind.TIMER)
_TOUCH: Final = int(EventKind.TOUCH)
_OPENING: Final = int(EventKind.OPENING)
_CONNECTION: Final = int(EventKind.CONNECTION)
_RESYNC: Final = int(ConnectionCode.RESYNC)


@kernel
def _money(event: np.void, position: np.void) -> None:
    event["qty_lots"] = position["net_lots"]
    event["a"] = position["cash_ticklots"]
    event["b"] = position["cash_money"]
    event["c"] = position["fee_money"]


@kernel
def opening(state: State, instrument: int) -> None:
    """What a session starts from."""
    _money(state.events[of_instrument(state, _OPENING, 0, instrument)], state.positions[instrument])


@kernel
def position(state: State, instrument: int) -> None:
    """The position after a block with fills."""
    index = of_instrument(state, _POSITION, state.session[0]["seq"], instrument)
    _money(state.events[index], state.positions[instrument])


@kernel
def pnl(state: State, instrument: int) -> None:
    """Equity as it is now."""
    event = state.events[of_instrument(state, _PNL, 0, instrument)]
    event["qty_lots"] = state.positions[instrument]["net_lots"]
    event["a"] = state.losses[instrument]["equity_money"]
    event["b"] = state.books[instrument]["mark_halfticks"]
    event["c"] = state.losses[instrument]["drawdown_money"]


@kernel
def halt(state: State, instrument: int, code: int, observed: int, limit: int) -> None:
    """Trading stopped."""
    event = state.events[of_instrument(state, _HALT, state.session[0]["block_seq"], instrument)]
    event["code"] = code
    event["a"] = observed
    event["b"] = limit


@kernel
def timer(state: State, set_ns: int) -> None:
    """The strategy's timer went off."""
    event = state.events[next_event(state, _TIMER, 0)]
    event["slot"] = NO_SLOT
    event["strategy"] = state.session[0]["strategy"]
    event["a"] = set_ns


@kernel
def touch(state: State, instrument: int) -> None:
    """Best bid and ask changed."""
    book = state.books[instrument]
    event = state.events[of_instrument(state, _TOUCH, 0, instrument)]
    event["price_ticks"] = book["bid_ticks"]
    event["qty_lots"] = book["bid_lots"]
    event["a"] = book["ask_ticks"]
    event["b"] = book["ask_lots"]
    event["ts_exch_ns"] = book["ts_exch_ns"]


@kernel
def resync(state: State, instrument: int, at_ns: int) -> None:
    """The data starts the book anew."""
    event = state.events[of_instrument(state, _CONNECTION, 0, instrument)]
    event["code"] = _RESYNC
    event["a"] = at_ns


@kernel
def audit(state: State, instrument: int, rule: int, observed: int, limit: int) -> None:
    """Record one look at a limit in the audit stream."""
    session = state.session[0]
    record = state.audit[session["audit_count"]]
    session["audit_count"] += 1
    record["seq"] = session["seq"]
    record["now_ns"] = session["now_ns"]
    record["instrument"] = instrument
    record["rule"] = rule
    record["observed"] = observed
    record["limit"] = limit
    record["headroom"] = limit - observed
