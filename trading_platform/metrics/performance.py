"""Performance of sampled equity. A ratio that is not defined is None, never nan or infinite."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

YEAR_NS: Final = 365 * 86_400 * 10**9  # markets that never close

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]


def increments(equity_money: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the profit of each sampling interval [money]: ``equity[i + 1] - equity[i]``.

    Used as returns on a fixed capital: Sharpe and Sortino ratios do not depend on which capital that is.
    """
    return np.diff(equity_money)


def sharpe(returns: Numbers) -> float | None:
    """Return mean / standard deviation of returns per sample (Sharpe 1994; benchmark 0, sample variance).

    Samples that are nan are left out. None with less than two samples, no variation, or an infinite sample.
    """
    values = _defined(returns)
    if values is None or len(values) < 2 or np.ptp(values) == 0:
        return None
    return _finite(float(np.mean(values)) / float(np.std(values, ddof=1)))


def sortino(returns: Numbers) -> float | None:
    """Return mean / downside deviation of returns per sample (Sortino and Price 1994, target 0).

    The downside deviation is ``sqrt(mean(min(return, 0) ** 2))`` over **all** samples, not only the losses.
    Samples that are nan are left out. None without samples, without a loss, or with an infinite sample.
    """
    values = _defined(returns)
    if values is None or not len(values) or np.min(values) >= 0:
        return None
    downside = math.sqrt(float(np.mean(np.square(np.minimum(values, 0.0)))))
    return _finite(float(np.mean(values)) / downside) if downside > 0 else None


def annualised(ratio: float | None, interval_ns: int, year_ns: int = YEAR_NS) -> float | None:
    """Return a ratio per year: ``ratio * sqrt(year / interval)`` (Lo 2002, without autocorrelation).

    Parameters
    ----------
    ratio : per sample, or None
    interval_ns : [ns] > 0, the sampling interval: always state it next to the result
    year_ns : [ns] of trading in a year
    """
    if interval_ns <= 0:
        raise ValueError(f"interval_ns must be > 0, was {interval_ns}")
    return None if ratio is None else ratio * math.sqrt(year_ns / interval_ns)


def max_drawdown(equity_money: npt.NDArray[np.int64]) -> int:
    """Return the largest fall from a peak to a later trough [money], 0 if equity never falls."""
    if not len(equity_money):
        return 0
    return int(np.max(np.maximum.accumulate(equity_money) - equity_money))


def _defined(returns: Numbers) -> npt.NDArray[np.float64] | None:
    values: npt.NDArray[Any] = np.asarray(returns, np.float64)
    values = values[~np.isnan(values)]
    return None if np.isinf(values).any() else values


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
