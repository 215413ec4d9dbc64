"""Exact conversion between human decimals and the integers of the core."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from .errors import ConfigError

NANO: Final = 10**9
_WIDE: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def steps_exact(value: Decimal, step: Decimal, name: str) -> int:
    """Return ``value / step`` as an integer; a value off the grid is a ConfigError that names its neighbours.

    Decimal, not float: 60000.1 / 0.1 is 600001 here and 600000.9999999999 there.
    """
    quotient = Fraction(value) / Fraction(step)
    if quotient.denominator == 1:
        return quotient.numerator
    below = quotient.numerator // quotient.denominator
    raise ConfigError(
        f"{name} must be a multiple of {step}, was {value} (nearest: {below * step} or {(below + 1) * step})"
    )


def steps_floor(value: Decimal, step: Fraction) -> int:
    """Return the largest integer n with ``n * step <= value``: a limit never widens by conversion."""
    quotient = Fraction(value) / step
    return quotient.numerator // quotient.denominator


def steps_ceil(value: Decimal, step: Fraction) -> int:
    """Return the smallest integer n with ``n * step >= value``: a minimum never shrinks by conversion."""
    return -steps_floor(-value, step)


def seconds_to_ns(value: Decimal, name: str) -> int:
    """Return seconds as whole nanoseconds; finer is a ConfigError."""
    return steps_exact(value, Decimal("1e-9"), name)


def to_decimal(count: int, step: Decimal) -> Decimal:
    """Return ``count * step`` exactly, without trailing zeros, never in exponent form."""
    product = _WIDE.multiply(Decimal(count), step).normalize(_WIDE)
    exponent = product.as_tuple().exponent  # a letter for NaN and infinity, which no product here is
    return product.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else product
