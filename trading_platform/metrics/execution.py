"""Execution quality: what was traded, how much of it as a maker, and what it was worth."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ..model.instrument import Instrument

Int64s = npt.NDArray[np.int64]
_INT64_MAX: Final = (1 << 63) - 1


def maker_share(qty_lots: Int64s, is_maker: npt.NDArray[np.bool_]) -> float | None:
    """Return maker quantity / traded quantity, None if nothing was traded."""
    traded_lots = int(qty_lots.sum())
    return int(qty_lots[is_maker].sum()) / traded_lots if traded_lots else None


def value_money(qty_lots: Int64s, price_halfticks: Int64s, instrument: Instrument) -> Int64s:
    """Return what quantities are worth at prices, in settlement currency [money]: 1e-9 quote or 1e-12 base.

    Linear: ``lots * price``, exact. Inverse: ``lots / price``, rounded once, half to even, as the core does.

    Parameters
    ----------
    qty_lots : [lots] int64, any sign
    price_halfticks : [halfticks] int64 > 0, same shape

    Raises
    ------
    OverflowError : a value does not fit into int64
    """
    record = instrument.to_record()
    if not instrument.inverse:
        scale = int(record["money_per_halfticklot"])
        largest = int(np.abs(qty_lots).max(initial=0)) * int(price_halfticks.max(initial=0)) * scale
        if largest > _INT64_MAX:
            raise OverflowError(f"value of a fill must be below 2**63 units of money, was up to {largest}")
        linear: Int64s = qty_lots * price_halfticks * scale
        return linear
    numerator, denominator = 2 * int(record["value_num"]), int(record["value_den"])
    values = [
        _div_half_even(lots * numerator, half * denominator)
        for lots, half in zip(qty_lots.tolist(), price_halfticks.tolist(), strict=True)
    ]
    return np.array(values, np.int64)


def _div_half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        quotient += 1
    return quotient
