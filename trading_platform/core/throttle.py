"""Rate limits: the generic cell rate algorithm (ITU-T I.371, virtual scheduling) in integer nanoseconds.

Two throttles: orders and cancels. A token is never lost and never made up: over any window of length T at most
``burst + T / interval`` requests pass.
"""

from typing import Final

from .._jit import kernel
from .state import State

ORDERS: Final = 0
CANCELS: Final = 1


@kernel
def ready_ns(state: State, throttle_index: int) -> int:
    """Return when the next request conforms [ns]; at or before now means at once."""
    throttle = state.throttles[throttle_index]
    return int(throttle["tat_ns"] - throttle["tolerance_ns"])


@kernel
def is_ready(state: State, throttle_index: int) -> bool:
    """Tell whether a request conforms now."""
    return ready_ns(state, throttle_index) <= state.session[0]["now_ns"]


@kernel
def take(state: State, throttle_index: int) -> None:
    """Account for a request that is sent now."""
    throttle = state.throttles[throttle_index]
    throttle["tat_ns"] = max(state.session[0]["now_ns"], throttle["tat_ns"]) + throttle["interval_ns"]
