"""Halt: latched. Clears the outbox once and cancels whatever works, past the throttle, until nothing does."""

from typing import Final

from .._jit import kernel
from ..model.enums import HaltCode, HoldCode, Pending
from . import journal_state
from .commands import send_cancel
from .held import give_up
from .state import State

_CLEARED_BY_HALT: Final = int(HoldCode.CLEARED_BY_HALT)
_DRAWDOWN: Final = int(HaltCode.DRAWDOWN)
_ROLLING_LOSS: Final = int(HaltCode.ROLLING_LOSS)
_P_NEW: Final = int(Pending.NEW)
_P_CANCEL: Final = int(Pending.CANCEL)


@kernel
def carry_out(state: State) -> None:
    """Carry out a halt: clear the outbox once, and cancel whatever works, past the throttle, until nothing does."""
    for instrument in range(len(state.losses)):
        loss = state.losses[instrument]
        if loss["halted"] == 0:
            continue
        if loss["halt_seq"] == 0:
            _journal_halt(state, instrument)
            loss["halt_seq"] = state.session[0]["seq"]
            _clear_outbox(state, instrument)
        row = state.session[0]["live_head"]
        while row >= 0:
            order = state.orders[row]
            if order["instrument"] == instrument and not order["pending"] & (_P_NEW | _P_CANCEL):
                send_cancel(state, row, loss["halt_seq"], False)
            row = order["next_row"]


@kernel
def _journal_halt(state: State, instrument: int) -> None:
    loss, limits = state.losses[instrument], state.limits[instrument]
    observed, limit = 0, 0
    if loss["halted"] == _DRAWDOWN:
        observed, limit = loss["drawdown_money"], limits["drawdown_money_max"]
    elif loss["halted"] == _ROLLING_LOSS:
        observed, limit = loss["rolling_peak_money"] - loss["equity_money"], limits["rolling_loss_money_max"]
    journal_state.halt(state, instrument, loss["halted"], observed, limit)


@kernel
def _clear_outbox(state: State, instrument: int) -> None:
    slot_index = state.session[0]["held_head"]
    while slot_index >= 0:
        following = state.slots[slot_index]["next_slot"]
        if state.slots[slot_index]["instrument"] == instrument:
            give_up(state, slot_index, _CLEARED_BY_HALT, 0)
        slot_index = following
