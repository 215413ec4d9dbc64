"""Intake: the strategy's intents become held wishes, merged per slot in the order they were appended."""

from typing import Final

import numpy as np

from .._jit import kernel
from ..model.enums import Held, HoldCode, IntentKind
from .held import give_up, hold, same_wish
from .merge import merged, resolve, takes_asked
from .state import State

_CANCEL: Final = int(Held.CANCEL)
_CANCEL_ABSORBED: Final = int(Held.CANCEL_ABSORBED)
_NOTHING: Final = int(Held.NOTHING)
_KEEP: Final = int(Held.KEEP)
_QUOTE: Final = int(IntentKind.QUOTE)
_SUPERSEDED: Final = int(HoldCode.SUPERSEDED)


@kernel
def take_intents(state: State) -> None:
    """Merge the strategy's intents into the slots, in the order they were appended."""
    session = state.session[0]
    for index in range(session["intent_count"]):
        _take_intent(state, state.intents[index])
    session["intent_count"] = 0


@kernel
def _take_intent(state: State, intent: np.void) -> None:
    slot_index = intent["slot"]
    slot = state.slots[slot_index]
    is_quote = intent["kind"] == _QUOTE
    if intent["qty_lots"] == 0 and is_quote:
        intent["price_ticks"] = 0  # nothing wanted, at no price
    price_ticks, lots = intent["price_ticks"], intent["qty_lots"]
    asked = resolve(state, intent["kind"], slot_index, price_ticks, lots, intent["tif"])
    held = slot["held"]
    if is_quote and slot["held_quoted"]:
        held = _NOTHING  # a quote states the whole wish
    after = merged(held, asked)
    if after == _CANCEL and held != _NOTHING and slot["order_row"] < 0:
        after = _CANCEL_ABSORBED  # what was held is all there is to cancel
    if after != _KEEP and takes_asked(held, asked) and not same_wish(slot, intent):
        hold(state, slot_index, after, intent)
        return
    state.session[0]["noop_count"] += 1  # satisfied, dominated by what the slot holds, or held already
    if after == _KEEP and slot["held"]:
        give_up(state, slot_index, _SUPERSEDED, 0)
