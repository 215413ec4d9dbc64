"""Wilder's indicators: RSI and ATR."""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import RecordDtype
from .averages import EWMA, ewma

RSI: Final[RecordDtype] = np.dtype([("count", "i8"), ("last", "f8"), ("gain", EWMA), ("loss", EWMA)])
ATR: Final[RecordDtype] = np.dtype([("count", "i8"), ("close", "f8"), ("average", EWMA)])


@kernel
def rsi(state: np.void, value: float, length: int) -> float:
    """Return the relative strength index, 0 to 100: ``100 * g / (g + l)``.

    g and l are Wilder's averages (EWMA with alpha 1 / length, seeded with the mean of the first ``length``) of the
    gains and of the losses from value to value. 50 where nothing moved at all (TA-Lib says 0).

    Parameters
    ----------
    state : RSI
    length : of the averages; Wilder takes 14

    Notes
    -----
    Wilder, New Concepts in Technical Trading Systems (1978). NaN for the first ``length`` values.
    """
    state["count"] += 1
    change = value - state["last"]
    state["last"] = value
    if state["count"] == 1:
        return np.nan
    gain = ewma(state["gain"], max(change, 0.0), 1.0 / length, length)
    loss = ewma(state["loss"], max(-change, 0.0), 1.0 / length, length)
    if state["count"] <= length:
        return np.nan
    if gain + loss == 0.0:
        return 50.0
    return 100.0 * gain / (gain + loss)


@kernel
def atr(state: np.void, high: float, low: float, close: float, length: int) -> float:
    """Return the average true range of bars: Wilder's average of ``max(high, last close) - min(low, last close)``.

    Parameters
    ----------
    state : ATR
    high, low, close : of the bar
    length : of the average; Wilder takes 14

    Notes
    -----
    Wilder, New Concepts in Technical Trading Systems (1978). The first bar has no last close and is not averaged, so
    NaN for the first ``length`` bars.
    """
    state["count"] += 1
    last = state["close"]
    state["close"] = close
    # max keeps a NaN that comes first only: that of the last close goes in by itself
    true_range = max(high, last) - min(low, last) if not np.isnan(last) else last
    if state["count"] == 1:
        return np.nan
    return ewma(state["average"], true_range, 1.0 / length, length)
