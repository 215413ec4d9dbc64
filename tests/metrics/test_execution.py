"""What fills are worth, exactly."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from tests.eventlog.builders import INVERSE, LINEAR
from trading_platform.metrics.execution import maker_share, value_money
from trading_platform.model.instrument import Instrument


def test_maker_share_weighs_by_quantity() -> None:
    assert maker_share(np.array([1, 3]), np.array([True, False])) == 0.25
    assert maker_share(np.array([], np.int64), np.array([], np.bool_)) is None


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE], ids=["linear", "inverse"])
def test_value_is_the_nearest_unit_of_money(instrument: Instrument) -> None:
    seed = 5
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    lots, halfticks = random.integers(-1000, 1000, 300), random.integers(1, 2_000_000, 300)
    lot = Fraction(instrument.lot_size) * Fraction(instrument.contract_size)
    for got, qty, half in zip(
        value_money(lots, halfticks, instrument), lots.tolist(), halfticks.tolist(), strict=True
    ):
        price = Fraction(instrument.tick_size) * half / 2
        value = qty * lot / price if instrument.inverse else qty * lot * price
        assert got == round(value / instrument.money_unit)


def test_linear_value_in_plain_numbers() -> None:
    # 0.004 BTC at 61700.0 USDT
    assert value_money(np.array([4]), np.array([2 * 617_000]), LINEAR)[0] == 246_800_000_000


def test_inverse_value_in_plain_numbers() -> None:
    # 2 contracts of 100 USD at 50000.0: 0.004 BTC
    assert value_money(np.array([2]), np.array([2 * 500_000]), INVERSE)[0] == 4_000_000_000


def test_a_value_beyond_int64_is_an_error() -> None:
    coarse = Instrument("X", "X", "USD", Decimal(1), Decimal(1), Decimal(1), False, Decimal(0), Decimal(0))
    with pytest.raises(OverflowError):
        value_money(np.array([10**9]), np.array([10**9]), coarse)
