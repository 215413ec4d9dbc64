"""The last values of a stream, with their mean and variance at constant cost."""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import RecordDtype

WINDOW_MAX: Final = 4096  # longest window
WINDOW: Final[RecordDtype] = np.dtype(
    [
        ("count", "i8"),  # values held: at most the length
        ("place", "i8"),  # where the next one goes
        (
            "reference",
            "f8",
        ),  # sums are of differences from it: squares of prices would lose their last digits
        ("sum", "f8"),
        ("squares", "f8"),
        ("values", "f8", (WINDOW_MAX,)),
    ]
)


@kernel
def push(window: np.void, value: float, length: int) -> bool:
    """Take in a value and drop the one before the last ``length``; tell whether the window is full.

    Notes
    -----
    Sums are updated by what comes and what goes, and added up anew once a turn of the window, so that errors of
    rounding cannot pile up.
    """
    assert 1 <= length <= WINDOW_MAX
    values, place = window["values"], window["place"]
    if window["count"] == 0:
        window["reference"] = value
    if window["count"] == length:
        gone = values[place] - window["reference"]
        window["sum"] -= gone
        window["squares"] -= gone * gone
    else:
        window["count"] += 1
    values[place] = value
    come = value - window["reference"]
    window["sum"] += come
    window["squares"] += come * come
    window["place"] = place + 1
    if window["place"] == length:
        window["place"] = 0
        _add_up(window, value, length)
    return bool(window["count"] == length)


@kernel
def mean(window: np.void) -> float:
    """Return the mean of the values held; there is at least one."""
    return window["reference"] + window["sum"] / window["count"]


@kernel
def variance(window: np.void) -> float:
    """Return the variance of the values held, by their number (of the population)."""
    count = window["count"]
    average = window["sum"] / count
    return max(window["squares"] / count - average * average, 0.0)  # in this order max keeps a NaN


@kernel
def _add_up(window: np.void, reference: float, length: int) -> None:
    total, squares = 0.0, 0.0
    for index in range(length):
        difference = window["values"][index] - reference
        total += difference
        squares += difference * difference
    window["reference"] = reference
    window["sum"] = total
    window["squares"] = squares
