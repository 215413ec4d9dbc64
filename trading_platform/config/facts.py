"""What is known beside the configuration: values that the layers above collect and the words here are about."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple


class Market(NamedTuple):
    """Traded prices [quote currency] of a sample of the data, such as its two ends."""

    first: Decimal
    last: Decimal
    low: Decimal
    high: Decimal


class StrategyFacts(NamedTuple):
    """A strategy with valid parameters.

    ``order_qty`` [base currency, or contracts] and ``levels`` (orders per side) are its parameters of these names, as
    in all shipped strategies; None if it has no such parameter. ``levels_per_side`` is what it declares: it has that
    many slots on each side.
    """

    form: Literal["compiled", "interpreted"]
    params: Mapping[str, Any]
    order_qty: Decimal | None
    levels: int | None
    levels_per_side: int
