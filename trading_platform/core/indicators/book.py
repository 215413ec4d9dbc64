"""What the book says: imbalance of the touch and of its queues, and the micro-price. Nothing to keep, no warm-up."""

import numpy as np

from ..._jit import kernel
from ..book import level_lots
from ..state import State


@kernel
def imbalance(bid_lots: int, ask_lots: int) -> float:
    """Return ``(bid - ask) / (bid + ask)`` of two quantities: +1 only bids, -1 only asks; NaN if there is neither.

    Notes
    -----
    With the quantities of the touch: queue imbalance, Gould and Bonart, Queue Imbalance as a One-Tick-Ahead Price
    Predictor in a Limit Order Book (2016). With sums over levels: see `queue_imbalance`.
    """
    if bid_lots + ask_lots == 0:
        return np.nan
    return (bid_lots - ask_lots) / (bid_lots + ask_lots)


@kernel
def microprice_ticks(bid_ticks: int, ask_ticks: int, bid_lots: int, ask_lots: int) -> float:
    """Return ``(bid * ask quantity + ask * bid quantity) / both quantities`` [ticks]: near the side that is thin.

    Notes
    -----
    Gatheral and Oomen, Zero-Intelligence Realized Variance Estimation (2010). NaN while a side is empty (0 ticks).
    """
    if bid_ticks == 0 or ask_ticks == 0 or bid_lots + ask_lots == 0:
        return np.nan
    return (bid_ticks * ask_lots + ask_ticks * bid_lots) / (bid_lots + ask_lots)


@kernel
def queue_imbalance(state: State, instrument: int, levels: int) -> float:
    """Return `imbalance` of the quantities in the first ``levels`` ticks of both sides of the book, empty ones too.

    The strategy has to declare as many ``book_levels``; ticks beyond count as empty.

    Notes
    -----
    Cao, Hansch and Wang, The Information Content of an Open Limit-Order Book (2009), with weights of 1.
    """
    bid_lots, ask_lots = 0, 0
    for index in range(levels):
        bid_lots += level_lots(state, instrument, 1, index)
        ask_lots += level_lots(state, instrument, -1, index)
    return imbalance(bid_lots, ask_lots)
