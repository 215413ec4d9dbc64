"""Money is integers: one rounding per fill and per fee, half to even, against exact fractions."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from trading_platform.core.position import (
    add_half_even,
    apply_fill,
    equity_money,
    fee_money,
    inverse_value_money,
    notional,
    reserve,
)
from trading_platform.model.instrument import PICO, Instrument
from trading_platform.model.records import ORDER_LOTS_MAX, POSITION
from trading_platform.model.units import NANO

LINEAR = Instrument(
    name="LINEAR",
    base_currency="BTC",
    quote_currency="USDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    contract_size=Decimal(1),
    inverse=False,
    maker_fee_rate=Decimal("-0.00005"),
    taker_fee_rate=Decimal("0.000700001"),
)
INVERSE = replace(
    LINEAR,
    name="INVERSE",
    quote_currency="USD",
    lot_size=Decimal(1),
    contract_size=Decimal(100),
    inverse=True,
    maker_fee_rate=Decimal("0.0001"),
)
SEEDS = range(3)


def half_even(value: Fraction) -> int:
    """Python rounds a Fraction half to even: the independent opinion."""
    return round(value)


@pytest.mark.parametrize("denominator", [1, 2, 3, 10, 10**9])
def test_sums_round_half_to_even(denominator: int) -> None:
    """The parity of the total decides, not that of the part that is rounded."""
    for whole in (-3, -2, 0, 1, 10**15 + 1):
        for numerator in (*range(-25, 26), -(10**12) - 1, 10**12 + 5 * 10**8):
            exact = half_even(whole + Fraction(numerator, denominator))
            assert add_half_even(whole, numerator, denominator) == exact


@pytest.mark.parametrize("seed", SEEDS)
def test_inverse_value_is_rounded_once(seed: int) -> None:
    print(f"seed {seed}")
    draw, record = random.Random(seed), INVERSE.to_record()
    for _ in range(100):
        lots, ticks = draw.randint(1, 10**6), draw.randint(1, 10**7)
        exact = Fraction(lots * 100) / (Fraction(INVERSE.tick_size) * ticks) * PICO
        assert inverse_value_money(record, lots, ticks, 1) == half_even(exact)
        assert inverse_value_money(record, lots, 2 * ticks + 1, 2) == half_even(
            exact * 2 * ticks / (2 * ticks + 1)
        )


def test_inverse_value_of_the_largest_order_does_not_wrap() -> None:
    record, ticks = INVERSE.to_record(), 600_001
    exact = Fraction(ORDER_LOTS_MAX * 100) / (Fraction(INVERSE.tick_size) * ticks) * PICO
    assert inverse_value_money(record, ORDER_LOTS_MAX, ticks, 1) == half_even(exact)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("maker", [True, False])
def test_linear_fee_is_rounded_once(seed: int, maker: bool) -> None:
    print(f"seed {seed}")
    draw, record = random.Random(seed), LINEAR.to_record()
    rate = Fraction(LINEAR.maker_fee_rate if maker else LINEAR.taker_fee_rate)
    for _ in range(100):
        lots, ticks = draw.randint(1, 10**5), draw.randint(1, 10**6)
        exact = lots * ticks * LINEAR.notional_unit * NANO * rate
        assert fee_money(record, lots, ticks, maker) == half_even(exact)


@pytest.mark.parametrize("seed", SEEDS)
def test_inverse_fee_is_a_rate_on_the_rounded_value(seed: int) -> None:
    print(f"seed {seed}")
    draw, record = random.Random(seed), INVERSE.to_record()
    for _ in range(100):
        lots, ticks = draw.randint(1, 10**5), draw.randint(10**4, 10**6)
        value = inverse_value_money(record, lots, ticks, 1)
        assert fee_money(record, lots, ticks, True) == half_even(value * Fraction(INVERSE.maker_fee_rate))


def test_rebate_is_a_negative_fee() -> None:
    assert (
        fee_money(LINEAR.to_record(), 10, 600_000, True)
        < 0
        < fee_money(LINEAR.to_record(), 10, 600_000, False)
    )


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=lambda instrument: instrument.name)
def test_order_of_fills_cannot_change_the_position(instrument: Instrument) -> None:
    """A live venue may report the fills of one instant in any order."""
    record = instrument.to_record()
    fills = [(1, 7, 600_001), (-1, 3, 599_990), (1, 1, 600_123), (-1, 11, 610_000)]
    results = []
    for order in permutations(fills):
        position = np.zeros(1, POSITION)[0]
        for side, lots, ticks in order:
            apply_fill(position, record, side, lots, ticks, fee_money(record, lots, ticks, True))
        results.append(position.tolist())
    assert all(result == results[0] for result in results)
    assert results[0] != np.zeros(1, POSITION)[0].tolist()


@pytest.mark.parametrize("mark", [1, 1_199_999, 1_200_000])
def test_linear_equity_is_cash_plus_worth_minus_fees(mark: int) -> None:
    record, position = LINEAR.to_record(), np.zeros(1, POSITION)[0]
    apply_fill(position, record, 1, 7, 600_001, 5)
    apply_fill(position, record, -1, 3, 600_011, 6)
    unit = LINEAR.notional_unit * NANO
    exact = (-7 * 600_001 + 3 * 600_011 + Fraction(4 * mark, 2)) * unit - 11
    assert equity_money(position, record, mark) == exact


def test_inverse_long_gains_base_when_the_price_rises() -> None:
    record, position = INVERSE.to_record(), np.zeros(1, POSITION)[0]
    apply_fill(position, record, 1, 10, 500_000, 0)
    entry = inverse_value_money(record, 10, 500_000, 1)
    assert equity_money(position, record, 1_000_000) == 0
    assert (
        equity_money(position, record, 2 * 625_000) == entry - inverse_value_money(record, 10, 625_000, 1) > 0
    )


def test_flat_inverse_position_needs_no_mark() -> None:
    record, position = INVERSE.to_record(), np.zeros(1, POSITION)[0]
    assert equity_money(position, record, 0) == 0


def test_notional_of_a_contract_does_not_depend_on_the_price() -> None:
    assert notional(LINEAR.to_record(), 3, 600_000) == 1_800_000
    assert notional(INVERSE.to_record(), 3, 600_000) == 3


def test_reserved_lots_are_counted_by_side() -> None:
    record, position = LINEAR.to_record(), np.zeros(1, POSITION)[0]
    reserve(position, record, 1, 3, 10)
    reserve(position, record, -1, 2, 11)
    assert (position["open_buy_lots"], position["open_buy_notional"]) == (3, 30)
    assert (position["open_sell_lots"], position["open_sell_notional"]) == (2, 22)
