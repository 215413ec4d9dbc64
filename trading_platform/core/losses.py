"""The watch over losses: equity marked to the book, drawdown and rolling loss, and the halt they cause."""

from typing import Final

from .._jit import kernel
from ..model.enums import HaltCode
from ..model.records import LOSS_BUCKETS
from .position import equity_money
from .state import State

_DRAWDOWN: Final = int(HaltCode.DRAWDOWN)
_ROLLING_LOSS: Final = int(HaltCode.ROLLING_LOSS)


@kernel
def watch_losses(state: State, instrument: int) -> None:
    """Mark equity to the book and stop trading when it fell too far from its peak, overall or within the window.

    The rolling rule compares with the highest equity of the current bucket of time and the LOSS_BUCKETS - 1 before
    it: with buckets of window / (LOSS_BUCKETS - 1), what it looks back on is the window and at most one bucket more.
    """
    book, loss, limits = state.books[instrument], state.losses[instrument], state.limits[instrument]
    if book["mark_halfticks"] == 0 and state.positions[instrument]["net_lots"] != 0:
        return  # a position from before the first book: it has no mark yet
    equity = equity_money(state.positions[instrument], state.instruments[instrument], book["mark_halfticks"])
    before = loss["equity_money"]
    loss["equity_money"] = equity
    loss["equity_peak_money"] = max(loss["equity_peak_money"], equity)
    loss["drawdown_money"] = loss["equity_peak_money"] - equity
    loss["drawdown_money_max"] = max(loss["drawdown_money_max"], loss["drawdown_money"])
    if limits["rolling_bucket_ns"] > 0:
        _roll(state, instrument, equity, before)
    if loss["halted"]:
        return
    if loss["drawdown_money"] > limits["drawdown_money_max"]:
        _halt_all(state, _DRAWDOWN)
    elif (
        limits["rolling_bucket_ns"] > 0
        and loss["rolling_peak_money"] - equity > limits["rolling_loss_money_max"]
    ):
        _halt_all(state, _ROLLING_LOSS)


@kernel
def _roll(state: State, instrument: int, equity: int, before: int) -> None:
    """Keep the highest equity of each bucket of time, and of the window. ``before``: equity until this block."""
    loss = state.losses[instrument]
    peaks = loss["bucket_peak_money"]
    bucket = state.session[0]["now_ns"] // state.limits[instrument]["rolling_bucket_ns"] + 1
    if loss["bucket"] == 0:  # the first block: there was no loss before it
        for index in range(LOSS_BUCKETS):
            peaks[index] = equity
        loss["bucket"] = bucket
        loss["rolling_peak_money"] = equity
    elif bucket != loss["bucket"]:
        for index in range(
            loss["bucket"] + 1, loss["bucket"] + 1 + min(bucket - loss["bucket"], LOSS_BUCKETS)
        ):
            peaks[index % LOSS_BUCKETS] = before  # equity stayed what it was until now
        loss["bucket"] = bucket
        loss["rolling_peak_money"] = peaks[0]
        for index in range(1, LOSS_BUCKETS):
            loss["rolling_peak_money"] = max(loss["rolling_peak_money"], peaks[index])
    peaks[bucket % LOSS_BUCKETS] = max(peaks[bucket % LOSS_BUCKETS], equity)
    loss["rolling_peak_money"] = max(loss["rolling_peak_money"], equity)


@kernel
def _halt_all(state: State, code: int) -> None:
    """A loss stops the account, not one instrument."""
    for instrument in range(len(state.losses)):
        if not state.losses[instrument]["halted"]:
            state.losses[instrument]["halted"] = code
