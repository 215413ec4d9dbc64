"""What follows from the fields of a bar: float64, one rounding a quotient."""

import numpy as np

from ..._jit import kernel


@kernel
def vwap_ticks(bar: np.void) -> float:
    """Return the volume-weighted average price [ticks] of a bar that has a trade."""
    return bar["notional_ticklots"] / bar["volume_lots"]


@kernel
def mean_spread_ticks(bar: np.void) -> float:
    """Return the mean of ask - bid in force at the trades of a bar [ticks]; NaN if the book never had both sides."""
    if bar["quoted_trades"] == 0:
        return np.nan
    return bar["spread_sum_ticks"] / bar["quoted_trades"]
