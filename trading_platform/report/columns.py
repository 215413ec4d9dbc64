"""Columns of a table, made from fields of events: names instead of codes, human units next to exact integers."""

from collections.abc import Sequence
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ..eventlog.schema import EventArray, belongs, kinds_written
from ..model.enums import EventKind, OrderStatus, OrderType, Side, TimeInForce
from ..model.errors import EventLogError
from ..model.instrument import Instrument
from ..model.records import EVENT_RULES

Ints = npt.NDArray[Any]
UTC: Final = pl.Datetime("ns", "UTC")
STATUSES: Final = pl.Enum([status.name for status in OrderStatus])


def of_kind(events: EventArray, *kinds: EventKind) -> EventArray:
    """Return the events of these kinds, in order."""
    return events[np.isin(events["kind"], kinds)]


def field(events: EventArray, name: str) -> Ints:
    """Return one field as a contiguous array."""
    return np.ascontiguousarray(events[name])


def time_column(ns: Ints) -> pl.Series:
    """Return nanoseconds as UTC times."""
    return pl.Series(ns, dtype=pl.Int64).cast(UTC)


def require_instruments(events: EventArray, instruments: Sequence[Instrument]) -> None:
    """Raise EventLogError if an event belongs to an instrument that is not given."""
    last = int(events["instrument"].max()) if len(events) else -1
    if last >= len(instruments):
        raise EventLogError(
            f"instruments must be all of the run: events are of instrument {last}, was given {len(instruments)}"
        )


def scaled(counts: Ints, index: Ints, steps: Sequence[Fraction]) -> npt.NDArray[np.float64]:
    """Return ``counts * steps[index]``, rounded once: 600001 ticks of 0.1 are 60000.1, not 60000.100000000006.

    Parameters
    ----------
    counts : whole numbers below 2**53 in size
    index : row of ``steps`` of each count, same shape
    steps : size of one count
    """
    numerators = np.array([step.numerator for step in steps], np.float64)
    denominators = np.array([step.denominator for step in steps], np.float64)
    product: npt.NDArray[np.float64] = counts * numerators[index]
    return product / denominators[index]


def price_column(ticks: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return prices in quote currency; null where there is no price (0 ticks)."""
    prices = scaled(ticks, index, [Fraction(instrument.tick_size) for instrument in instruments])
    return _null_where(prices, ticks == 0)


def mark_column(halfticks: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return marks in quote currency; null before the first."""
    prices = scaled(halfticks, index, [Fraction(instrument.tick_size) / 2 for instrument in instruments])
    return _null_where(prices, halfticks == 0)


def qty_column(lots: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return quantities in the instrument's own unit: lots times lot_size."""
    return pl.Series(scaled(lots, index, [Fraction(instrument.lot_size) for instrument in instruments]))


def money_column(money: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return amounts in settlement currency."""
    return pl.Series(scaled(money, index, [instrument.money_unit for instrument in instruments]))


def _null_where(values: npt.NDArray[np.float64], nothing: npt.NDArray[np.bool_]) -> pl.Series:
    values[nothing] = np.nan
    return pl.Series(values).fill_nan(None)


def name_column(events: EventArray, name: str) -> pl.Series:
    """Return a field as names; null in events whose kind does not carry it."""
    rows, categories = _names(name)
    indices = rows[events["kind"], np.minimum(events[name], _NAMES_MAX)]
    return categories.gather(pl.Series(indices))


_NAMES_MAX: Final = 127  # fits every field; values above have no name: a venue's own codes
_NAMED: Final[dict[str, type[IntEnum]]] = {
    "status_from": OrderStatus,
    "status_to": OrderStatus,
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
}


@cache
def _names(name: str) -> tuple[npt.NDArray[np.uint32], pl.Series]:
    """Return (kind, value) -> position in the categories, and the categories; position 0 is null.

    A negative value (Side.SELL) is counted from the end of its row.
    """
    labels: list[str] = []
    rows = np.zeros((256, 256), np.uint32)
    for kind in kinds_written():
        enum = EVENT_RULES[kind].codes if name == "code" else EventKind if name == "kind" else _NAMED[name]
        if enum is None or not belongs(kind, name):
            continue
        for member in enum:
            if name == "code" and not int(member):
                continue
            if member.name not in labels:
                labels.append(member.name)
            rows[kind, int(member)] = labels.index(member.name) + 1
    return rows, pl.Series([None, *labels], dtype=pl.Enum(labels))


def decimal_text(count: int, step: Fraction | Decimal) -> str:
    """Return ``count * step`` exactly as a decimal string, never in exponent form."""
    value = Fraction(count) * Fraction(step)
    digits, denominator = 0, value.denominator
    while 10**digits % denominator:
        digits += 1
        if digits > 60:
            raise EventLogError(f"amount must be a decimal fraction, was {value}")
    whole = str(abs(value.numerator) * (10**digits // denominator)).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole[:-digits]}.{whole[-digits:]}" if digits else f"{sign}{whole}"
