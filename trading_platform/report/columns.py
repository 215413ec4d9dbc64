"""Columns of a table, made from fields of events: names for codes, human units next to exact integers."""

from collections.abc import Mapping, Sequence
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
from .select import Ints

UTC: Final = pl.Datetime("ns", "UTC")


def time_column(ns: Ints | pl.Series) -> pl.Series:
    """Return nanoseconds as UTC times."""
    return pl.Series(ns).cast(UTC)


def require_instruments(index: Ints, instruments: Sequence[Instrument]) -> None:
    """Raise EventLogError if an event's ``instrument`` (the field, 1-d) is not among those given."""
    last = int(index.max()) if len(index) else -1
    if last >= len(instruments):
        raise EventLogError(
            f"instruments must be all of the run: events are of instrument {last}, was given "
            f"{len(instruments)}"
        )


def scaled(counts: npt.NDArray[Any], index: Ints, steps: Sequence[Fraction]) -> npt.NDArray[np.float64]:
    """Return ``counts * steps[index]`` rounded once: 600001 ticks of 0.1 are 60000.1, not 60000.100000000006.

    Parameters
    ----------
    counts : numbers, whole ones below 2**53 in size
    index : row of ``steps`` of each count, same shape
    steps : size of one count
    """
    if len(steps) == 1:  # what nearly all runs have: nothing to look up
        return counts * float(steps[0].numerator) / float(steps[0].denominator)
    numerators = np.array([step.numerator for step in steps], np.float64)
    denominators = np.array([step.denominator for step in steps], np.float64)
    product: npt.NDArray[np.float64] = counts * numerators[index]
    return product / denominators[index]


def price_column(ticks: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return prices in quote currency; null where there is no price (0 ticks)."""
    prices = scaled(ticks, index, [Fraction(instrument.tick_size) for instrument in instruments])
    return null_where(prices, ticks == 0)


def mark_column(halfticks: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return marks in quote currency; null before the first."""
    prices = scaled(halfticks, index, [Fraction(instrument.tick_size) / 2 for instrument in instruments])
    return null_where(prices, halfticks == 0)


def qty_column(lots: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return quantities in the instrument's own unit: lots times lot_size."""
    return pl.Series(scaled(lots, index, [Fraction(instrument.lot_size) for instrument in instruments]))


def money_column(money: Ints, index: Ints, instruments: Sequence[Instrument]) -> pl.Series:
    """Return amounts in settlement currency."""
    return pl.Series(scaled(money, index, [instrument.money_unit for instrument in instruments]))


def null_where(values: npt.NDArray[Any] | pl.Series, nothing: npt.NDArray[np.bool_]) -> pl.Series:
    """Return values as a column, null where there is nothing."""
    return pl.Series(values).set(pl.Series(nothing), None)


def name_columns(events: EventArray | Mapping[str, Ints], *names: str) -> dict[str, pl.Series]:
    """Return fields as names (``code`` as ``code_name``); null where the kind does not carry the field."""
    row = events["kind"].astype(np.uint16) << 8
    columns = {}
    for name in names:
        table, categories = _names(name)
        values = events[name]
        byte = np.minimum(values, _CODE_MAX) if name == "code" else values.view(np.uint8)
        columns["code_name" if name == "code" else name] = categories.gather(
            pl.Series(table.take(row + byte))
        )
    return columns


_CODE_MAX: Final = 255  # has no name; nor has a code above, which is a venue's own
_NAMED: Final[dict[str, type[IntEnum]]] = {
    "status_from": OrderStatus,
    "status_to": OrderStatus,
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
}


@cache
def _names(name: str) -> tuple[npt.NDArray[np.uint32], pl.Series]:
    """Return (256 * kind + byte) -> position in the categories, and the categories; position 0 is null."""
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
            rows[kind, int(member) & 255] = labels.index(member.name) + 1
    return rows.ravel(), pl.Series([None, *labels], dtype=pl.Enum(labels))
