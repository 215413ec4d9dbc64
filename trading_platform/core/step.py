"""One wakeup: fold the facts of a block, let the strategy propose, decide what is sent.

A backtest, a replay and a live session step the same core; it never sees a venue. Facts come in through
state.reports, core.book and the clock; commands go out through state.commands.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import (
    IntentKind,
    ReportKind,
    Stop,
)
from ..model.records import NEVER
from . import halt, held, intake, journal_state, outbox
from .bars.live import fold_bars
from .commands import query_lost_reports
from .losses import watch_losses
from .reports import apply_report
from .settlement import settle_replaces
from .state import State
from .wake import next_boundary, wake_reason

_FILL: Final = int(ReportKind.FILL)
_QUOTE: Final = int(IntentKind.QUOTE)
_CANCEL: Final = int(IntentKind.CANCEL)
_INTENTS_FULL: Final = int(Stop.INTENTS_FULL)
_BAD_INTENT: Final = int(Stop.BAD_INTENT)


@kernel
def step(state: State, strategy: Callable[[State], int]) -> int:
    """Fold, propose, decide. Returns 0, or the Stop that ends the run."""
    if fold(state):
        strategy(state)
    return decide(state)


@kernel
def fold(state: State) -> int:
    """Take in all facts of one timestamp block; return why the strategy is to be called (Wake bits), 0 if it is not."""
    session = state.session[0]
    session["block_count"] += 1
    session["block_seq"] = 0
    session["reports_changed"] = 0
    while session["now_ns"] >= state.resyncs[session["resync_next"]]["at_ns"]:
        resync = state.resyncs[session["resync_next"]]
        journal_state.resync(state, resync["instrument"], resync["at_ns"])
        session["resync_next"] += 1
    if session["report_count"]:
        _fold_reports(state)
    if session["bar_series_count"]:
        fold_bars(state)
    _mark(state)
    session["wake_reason"] = wake_reason(state)
    if session["wake_reason"]:
        session["wakeup_count"] += 1
    return int(session["wake_reason"])


@kernel
def decide(state: State) -> int:
    """Merge, check, throttle and emit what was asked. Returns 0, or the Stop that ends the run."""
    session = state.session[0]
    if session["intent_count"]:
        fault = _check_intents(state)
        if fault:
            return fault
    if session["ended"]:
        intake.take_intents(state)
        outbox.deny_all(state)
        return 0
    if _halted(state):
        halt.carry_out(state)
    waiting = session["held_count"] + session["orphan_count"]
    if not waiting:
        session["next_send_ns"] = NEVER  # what waited for that time was given up
    due = waiting and (session["recheck"] or session["now_ns"] >= session["next_send_ns"])
    if session["intent_count"] or due:
        intake.take_intents(state)
        outbox.flush(state)
    session["recheck"] = 0
    if session["ack_timeout_ns"]:
        query_lost_reports(state)
    return 0


@kernel
def journal_nearly_full(state: State) -> bool:
    """Tell whether the journal must be flushed before another block is folded."""
    session = state.session[0]
    if session["audit"] and 2 * session["audit_count"] > len(state.audit):
        return True
    return bool(len(state.events) - session["event_count"] < session["events_per_block"])


@kernel
def finish(state: State) -> None:
    """Write what is still only counted, and the final equity. No command is sent any more."""
    state.session[0]["ended"] = 1
    for slot_index in range(len(state.slots)):
        held.flush_denials(state, slot_index)
    for instrument in range(len(state.instruments)):
        journal_state.pnl(state, instrument)


@kernel
def _check_intents(state: State) -> int:
    session = state.session[0]
    if not 0 <= session["intent_count"] <= len(state.intents):
        session["stop_detail"] = session["intent_count"]
        return _INTENTS_FULL
    for index in range(session["intent_count"]):
        intent = state.intents[index]
        known = _QUOTE <= intent["kind"] <= _CANCEL and 0 <= intent["slot"] < len(state.slots)
        if not known:
            session["stop_detail"] = index
            return _BAD_INTENT
    return 0


@kernel
def _fold_reports(state: State) -> None:
    """Apply the reports of the block: by order id, fills before statuses (ReportKind.FILL is the lowest)."""
    session, reports = state.session[0], state.reports
    count = session["report_count"]
    for index in range(1, count):  # insertion sort: stable, and nearly always sorted already
        place = index
        while place > 0 and _before(reports[place], reports[place - 1]):
            spare = len(reports) - 1
            reports[spare] = reports[place]
            reports[place] = reports[place - 1]
            reports[place - 1] = reports[spare]
            place -= 1
    fills_before = 0
    for instrument in range(len(state.positions)):
        fills_before += state.positions[instrument]["fill_count"]
    for index in range(count):
        apply_report(state, reports[index])
    session["report_count"] = 0
    if session["held_count"]:
        settle_replaces(state)
    fills_after = 0
    for instrument in range(len(state.positions)):
        fills_after += state.positions[instrument]["fill_count"]
    if fills_after != fills_before:
        for instrument in range(len(state.positions)):
            journal_state.position(state, instrument)


@kernel
def _mark(state: State) -> None:
    session = state.session[0]
    for instrument in range(len(state.instruments)):
        if session["journal_touch"] and state.books[instrument]["touch_changed"]:
            journal_state.touch(state, instrument)
        if state.books[instrument]["touch_changed"] or session["reports_changed"]:
            watch_losses(state, instrument)
    if session["now_ns"] >= session["next_sample_ns"]:
        for instrument in range(len(state.instruments)):
            journal_state.pnl(state, instrument)
        session["next_sample_ns"] = next_boundary(
            session["next_sample_ns"], session["sample_interval_ns"], session["now_ns"]
        )


@kernel
def _before(report: np.void, other: np.void) -> bool:
    if report["order_id"] != other["order_id"]:
        return bool(report["order_id"] < other["order_id"])
    return bool(report["kind"] == _FILL and other["kind"] != _FILL)


@kernel
def _halted(state: State) -> bool:
    for instrument in range(len(state.losses)):  # noqa: SIM110 (numba compiles no generator expressions)
        if state.losses[instrument]["halted"]:
            return True
    return False
