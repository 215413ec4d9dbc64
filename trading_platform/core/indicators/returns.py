"""Returns and realised volatility."""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import RecordDtype
from .window import mean, push

RETURN: Final[RecordDtype] = np.dtype([("count", "i8"), ("last", "f8")])


@kernel
def simple_return(state: np.void, price: float) -> float:
    """Return ``price / last price - 1`` (RETURN). NaN for the first price; prices are > 0."""
    last = _next(state, price)
    return np.nan if state["count"] == 1 else price / last - 1.0


@kernel
def log_return(state: np.void, price: float) -> float:
    """Return ``log(price / last price)`` (RETURN). NaN for the first price; prices are > 0."""
    last = _next(state, price)
    return np.nan if state["count"] == 1 else np.log(price / last)


@kernel
def realised_volatility(window: np.void, change: float, length: int) -> float:
    """Return ``sqrt(sum of squares)`` of the last ``length`` returns: for the span of the window, not annualised.

    Parameters
    ----------
    window : WINDOW
    change : a return, logarithmic by custom; not the NaN that comes first
    length : returns in the window

    Notes
    -----
    The square root of the realised variance of Andersen and Bollerslev, Answering the Skeptics (1998). A year has y
    windows: times ``sqrt(y)`` it is annualised. NaN until there are ``length`` returns.
    """
    if not push(window, change * change, length):
        return np.nan
    return np.sqrt(max(mean(window), 0.0) * length)  # in this order max keeps a NaN


@kernel
def _next(state: np.void, price: float) -> float:
    last = state["last"]
    state["last"] = price
    state["count"] += 1
    return last
