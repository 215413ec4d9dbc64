"""An instrument: the grid of its prices and quantities, and what a fill is worth."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from .errors import ConfigError
from .records import INSTRUMENT, TICKS_MAX
from .units import NANO, steps_ceil, steps_exact, steps_floor

PICO: Final = 10**12
TAKER_SWEEPS: Final = ("estimate", "best_level", "deny")


@dataclass(frozen=True)
class Instrument:
    """Static facts, in exact decimals.

    ``contract_size`` is the quantity of base currency (linear) or quote currency (inverse) in a quantity of 1.
    Fee rates are fractions of the traded value, negative for a rebate, on a grid of 1e-9.
    """

    name: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    lot_size: Decimal
    contract_size: Decimal
    inverse: bool
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal

    @property
    def settlement_currency(self) -> str:
        """Currency of profit, loss and fees: quote (linear) or base (inverse)."""
        return self.base_currency if self.inverse else self.quote_currency

    @property
    def money_unit(self) -> Fraction:
        """The core's unit of money in settlement currency: 1e-9 (linear) or 1e-12 (inverse)."""
        return Fraction(1, PICO if self.inverse else NANO)

    @property
    def notional_unit(self) -> Fraction:
        """The core's unit of notional in quote currency: one tick-lot (linear) or one lot of contracts (inverse)."""
        lot = Fraction(self.lot_size) * Fraction(self.contract_size)
        return lot if self.inverse else lot * Fraction(self.tick_size)

    @property
    def money_per_halfticklot(self) -> Fraction:
        """Linear: money of half a tick on one lot. The core needs a whole number (checked in to_record)."""
        return self.notional_unit / 2 / self.money_unit

    def price_to_ticks(self, price: Decimal, name: str = "price") -> int:
        """Return a price on the tick grid as ticks; off the grid is a ConfigError."""
        return steps_exact(price, self.tick_size, name)

    def qty_to_lots(self, qty: Decimal, name: str = "quantity") -> int:
        """Return a quantity on the lot grid as lots; off the grid is a ConfigError."""
        return steps_exact(qty, self.lot_size, name)

    def notional_floor(self, quote: Decimal) -> int:
        """Return quote currency as notional units, rounded down: an upper limit never widens."""
        return steps_floor(quote, self.notional_unit)

    def notional_ceil(self, quote: Decimal) -> int:
        """Return quote currency as notional units, rounded up: a minimum never shrinks."""
        return steps_ceil(quote, self.notional_unit)

    def money_floor(self, settlement: Decimal) -> int:
        """Return settlement currency as money units, rounded down."""
        return steps_floor(settlement, self.money_unit)

    def to_record(
        self, book_min_ticks: int = 1, book_max_ticks: int = TICKS_MAX, taker_sweeps: str = "estimate"
    ) -> np.void:
        """Return the INSTRUMENT record of the core.

        Raises
        ------
        ConfigError : money of half a tick on one lot is no whole number of 1e-9 quote, or a fee rate is finer than 1e-9
        """
        record: np.void = np.zeros(1, INSTRUMENT)[0]
        record["inverse"] = int(self.inverse)
        if self.inverse:
            lot_value = (
                Fraction(self.lot_size) * Fraction(self.contract_size) * PICO / Fraction(self.tick_size)
            )
            record["value_num"], record["value_den"] = lot_value.numerator, lot_value.denominator
            if lot_value.numerator >= 1 << 62:
                raise ConfigError(
                    f"lot_size * contract_size / tick_size of {self.name} must be below 4.6e6, "
                    f"was {float(lot_value / PICO):g}"
                )
        else:
            if self.money_per_halfticklot.denominator != 1:
                raise ConfigError(
                    f"tick_size * lot_size * contract_size of {self.name} must be a multiple of 2e-9, "
                    f"was {float(self.notional_unit):g}: coarsen lot_size"
                )
            record["money_per_halfticklot"] = int(self.money_per_halfticklot)
        record["maker_fee_e9"] = steps_exact(self.maker_fee_rate, Decimal("1e-9"), "maker_fee_rate")
        record["taker_fee_e9"] = steps_exact(self.taker_fee_rate, Decimal("1e-9"), "taker_fee_rate")
        record["book_min_ticks"], record["book_max_ticks"] = book_min_ticks, book_max_ticks
        record["order_min_ticks"], record["order_max_ticks"] = 1, TICKS_MAX
        record["taker_sweeps"] = TAKER_SWEEPS.index(taker_sweeps)
        return record
