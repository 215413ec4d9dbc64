"""Moving averages and what is made of them: EWMA, SMA, MACD, Bollinger bands."""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import RecordDtype
from .window import WINDOW, mean, push, variance

EWMA: Final[RecordDtype] = np.dtype([("count", "i8"), ("value", "f8")])
MACD: Final[RecordDtype] = np.dtype(
    [
        ("count", "i8"),
        ("fast", EWMA),
        ("slow", EWMA),
        ("smooth", EWMA),
        ("line", "f8"),  # fast average - slow average
        ("signal", "f8"),  # the average of the line
        ("histogram", "f8"),  # line - signal
    ]
)
BOLLINGER: Final[RecordDtype] = np.dtype(
    [("window", WINDOW), ("lower", "f8"), ("middle", "f8"), ("upper", "f8")]
)


@kernel
def ewma(state: np.void, value: float, alpha: float, seed: int) -> float:
    """Return the exponentially weighted moving average ``e += alpha * (value - e)``.

    Parameters
    ----------
    state : EWMA
    alpha : weight of the newest value, 0 to 1; ``2 / (n + 1)`` for a span of n, ``1 / n`` for Wilder's average
    seed : the average starts as the mean of so many first values: 1 as pandas and Polars (``adjust=False``) do, n as
        TA-Lib's EMA does. NaN before
    """
    state["count"] += 1
    if state["count"] <= seed:
        state["value"] += (value - state["value"]) / state["count"]
    else:
        state["value"] += alpha * (value - state["value"])
    return state["value"] if state["count"] >= seed else np.nan


@kernel
def sma(window: np.void, value: float, length: int) -> float:
    """Return the simple moving average: the mean of the last ``length`` values (WINDOW). NaN before."""
    if not push(window, value, length):
        return np.nan
    return mean(window)


@kernel
def macd(state: np.void, value: float, fast: int, slow: int, smooth: int) -> float:
    """Return the line of the MACD, the difference of two EWMAs; ``state`` has line, signal and histogram.

    Parameters
    ----------
    state : MACD
    fast, slow : spans of the averages, fast < slow
    smooth : span of the signal, the average of the line

    Notes
    -----
    Appel, Technical Analysis (2005). Warm-up as TA-Lib's: each average starts as the mean of its first values, those of
    the fast one being the last ``fast`` of the first ``slow``. All three are NaN until ``slow + smooth - 1`` values.
    """
    assert 1 <= fast < slow
    state["count"] += 1
    state["line"], state["signal"], state["histogram"] = np.nan, np.nan, np.nan
    quick = np.nan
    if state["count"] > slow - fast:
        quick = ewma(state["fast"], value, 2.0 / (fast + 1), fast)
    behind = ewma(state["slow"], value, 2.0 / (slow + 1), slow)
    if state["count"] < slow:
        return np.nan
    signal = ewma(state["smooth"], quick - behind, 2.0 / (smooth + 1), smooth)
    if state["count"] < slow + smooth - 1:
        return np.nan
    state["line"] = quick - behind
    state["signal"] = signal
    state["histogram"] = state["line"] - signal
    return state["line"]


@kernel
def bollinger(state: np.void, value: float, length: int, width: float) -> float:
    """Return the middle of the Bollinger bands, the SMA; ``state`` has lower, middle and upper.

    Parameters
    ----------
    state : BOLLINGER
    length : values of the window
    width : the bands lie so many standard deviations (by the number of values) away

    Notes
    -----
    Bollinger, Bollinger on Bollinger Bands (2001). NaN until there are ``length`` values.
    """
    if not push(state["window"], value, length):
        state["lower"], state["middle"], state["upper"] = np.nan, np.nan, np.nan
        return np.nan
    middle = mean(state["window"])
    away = width * np.sqrt(variance(state["window"]))
    state["lower"], state["middle"], state["upper"] = middle - away, middle, middle + away
    return middle
