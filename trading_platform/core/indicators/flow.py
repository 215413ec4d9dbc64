"""What trades say: VWAP, the imbalance of their flow, VPIN."""

from typing import Final

import numpy as np

from ..._jit import kernel
from ...model.records import RecordDtype, int64_record
from .window import WINDOW, mean, push

VWAP: Final = int64_record("notional_ticklots", "volume_lots")
TRADE_FLOW: Final[RecordDtype] = np.dtype([("signed", WINDOW), ("total", WINDOW)])
VPIN: Final[RecordDtype] = np.dtype([("bought", "i8"), ("sold", "i8"), ("buckets", WINDOW)])


@kernel
def vwap(state: np.void, price_ticks: int, qty_lots: int) -> float:
    """Return the volume-weighted average price of all trades so far [ticks], exact sums, rounded once.

    Parameters
    ----------
    state : VWAP; set its fields to 0 to begin a new session
    price_ticks, qty_lots : of the trade, > 0
    """
    state["notional_ticklots"] += price_ticks * qty_lots
    state["volume_lots"] += qty_lots
    return state["notional_ticklots"] / state["volume_lots"]


@kernel
def trade_flow_imbalance(state: np.void, qty_lots: int, side: int, length: int) -> float:
    """Return ``(bought - sold) / (bought + sold)`` of the last ``length`` trades: -1 all sold, +1 all bought.

    Parameters
    ----------
    state : TRADE_FLOW
    qty_lots : of the trade, > 0
    side : +1 the taker bought, -1 sold
    length : trades in the window

    Notes
    -----
    The normalised order flow of Chordia, Roll and Subrahmanyam, Order imbalance, liquidity, and market returns (2002).
    Quantities below 2^53 / length lots add up exactly. NaN until there are ``length`` trades.
    """
    push(state["signed"], float(side * qty_lots), length)
    if not push(state["total"], float(qty_lots), length):
        return np.nan
    return mean(state["signed"]) / mean(state["total"])


@kernel
def vpin(state: np.void, qty_lots: int, side: int, bucket_lots: int, length: int) -> float:
    """Return VPIN, the volume-synchronised probability of informed trading: the mean of ``|bought - sold| / bucket``.

    Volume is cut into buckets of ``bucket_lots``; a trade that does not fit is split over several. The mean is over the
    last ``length`` full buckets.

    Parameters
    ----------
    state : VPIN
    qty_lots : of the trade, > 0
    side : +1 the taker bought, -1 sold
    bucket_lots : volume of a bucket, > 0
    length : buckets in the window; the authors take 50 buckets of a fiftieth of a day's volume

    Notes
    -----
    Easley, Lopez de Prado and O'Hara, Flow Toxicity and Liquidity in a High-Frequency World (2012). They guess the
    sides of volume in bulk; here the feed tells them. NaN until there are ``length`` full buckets.
    """
    rest = qty_lots
    filled = min(rest, bucket_lots - state["bought"] - state["sold"])
    _fill(state, filled, side)
    rest -= filled
    if state["bought"] + state["sold"] == bucket_lots:
        _close_bucket(state, length)
        # whole buckets of this trade alone: more than the window holds would leave nothing of the first
        for _ in range(min(rest // bucket_lots, length)):
            _fill(state, bucket_lots, side)
            _close_bucket(state, length)
        _fill(state, rest % bucket_lots, side)
    if state["buckets"]["count"] < length:
        return np.nan
    return mean(state["buckets"]) / bucket_lots


@kernel
def _fill(state: np.void, lots: int, side: int) -> None:
    if side > 0:
        state["bought"] += lots
    else:
        state["sold"] += lots


@kernel
def _close_bucket(state: np.void, length: int) -> None:
    push(state["buckets"], float(abs(state["bought"] - state["sold"])), length)
    state["bought"] = 0
    state["sold"] = 0
