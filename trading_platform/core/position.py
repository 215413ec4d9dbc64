"""Money: positions, fees, equity and worst-case exposure, in integers. Only this module writes POSITION records."""

from typing import Final

import numpy as np

from .._jit import kernel

_E9: Final = 10**9


@kernel
def add_half_even(whole: int, numerator: int, denominator: int) -> int:
    """Return whole + numerator / denominator rounded to the nearest integer, ties to even. Denominator > 0."""
    total = whole + numerator // denominator
    rest = 2 * (numerator % denominator)
    if rest > denominator or (rest == denominator and total & 1):
        total += 1
    return total


@kernel
def inverse_value_money(instrument: np.void, lots: int, price_num: int, price_den: int) -> int:
    """Return what ``lots`` contracts are worth at price_num / price_den ticks [1e-12 base], rounded once, half to even.

    ``lots * value_num`` can exceed int64, so the whole part is multiplied apart from the rest.
    """
    numerator = instrument["value_num"] * price_den
    denominator = instrument["value_den"] * price_num
    whole = numerator // denominator
    return add_half_even(lots * whole, lots * (numerator - whole * denominator), denominator)


@kernel
def notional(instrument: np.void, lots: int, price_ticks: int) -> int:
    """Return the notional of a quantity: tick-lots (linear) or lots (inverse: worth a fixed amount of quote)."""
    return lots if instrument["inverse"] else lots * price_ticks


@kernel
def fee_money(instrument: np.void, lots: int, price_ticks: int, maker: bool) -> int:
    """Return the fee of one fill [money], rounded once, half to even; negative for a rebate."""
    rate_e9 = instrument["maker_fee_e9"] if maker else instrument["taker_fee_e9"]
    if instrument["inverse"]:
        value = inverse_value_money(instrument, lots, price_ticks, 1)
    else:
        value = 2 * lots * price_ticks * instrument["money_per_halfticklot"]
    whole = value // _E9
    return add_half_even(whole * rate_e9, (value - whole * _E9) * rate_e9, _E9)


@kernel
def apply_fill(
    position: np.void, instrument: np.void, side: int, lots: int, price_ticks: int, fee: int
) -> None:
    """Book one fill into ``position``: no tolerance, and the order of fills cannot change the result.

    Parameters
    ----------
    position : POSITION record, changed in place
    instrument : INSTRUMENT record
    side : +1 buy, -1 sell
    lots : [lots] > 0, this fill alone
    price_ticks : [ticks] > 0
    fee : [money], negative for a rebate

    Notes
    -----
    Linear equity is ``2 * cash_ticklots + net_lots * mark_halfticks``. int64 wraps silently in compiled code:
    config bounds position, price and quantity (config/run.py, check_bounds).
    """
    assert side == 1 or side == -1
    assert lots > 0
    position["net_lots"] += side * lots
    if instrument["inverse"]:
        position["cash_money"] += side * inverse_value_money(instrument, lots, price_ticks, 1)
    else:
        position["cash_ticklots"] -= side * lots * price_ticks
    position["fee_money"] += fee
    position["fill_count"] += 1
    if side > 0:
        position["buy_lots"] += lots
    else:
        position["sell_lots"] += lots


@kernel
def equity_money(position: np.void, instrument: np.void, mark_halfticks: int) -> int:
    """Return profit and loss since the start, fees included [money]. ``mark_halfticks`` > 0 if a position is open."""
    net_lots = position["net_lots"]
    if instrument["inverse"]:
        worth = 0
        if net_lots != 0:
            worth = inverse_value_money(instrument, net_lots, mark_halfticks, 2)
        return position["cash_money"] - worth - position["fee_money"]
    halfticklots = 2 * position["cash_ticklots"] + net_lots * mark_halfticks
    return halfticklots * instrument["money_per_halfticklot"] - position["fee_money"]


@kernel
def reserve(position: np.void, instrument: np.void, side: int, lots: int, price_ticks: int) -> None:
    """Count lots that may still trade (working, in flight or waiting in the outbox) in the worst case."""
    if side > 0:
        position["open_buy_lots"] += lots
        position["open_buy_notional"] += notional(instrument, lots, price_ticks)
    else:
        position["open_sell_lots"] += lots
        position["open_sell_notional"] += notional(instrument, lots, price_ticks)


@kernel
def release(position: np.void, instrument: np.void, side: int, lots: int, price_ticks: int) -> None:
    """Take back what `reserve` counted."""
    reserve(position, instrument, side, -lots, price_ticks)


@kernel
def count_order(position: np.void, change: int) -> None:
    """Count one order more or less that is not yet terminal."""
    position["open_count"] += change
