"""Parts of a log, and exact amounts as text. Imports neither polars nor rich: a run starts without them."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..eventlog.schema import EventArray
from ..model.enums import EventKind
from ..model.errors import EventLogError
from ..model.records import EVENT

_FIELDS: Final[Any] = EVENT.fields
_WORDS: Final = EVENT.itemsize // 8
PIECE_EVENTS: Final = 1 << 18
_CACHED_ROWS: Final = 2048  # 256 KB of records: they stay in the cache while they are turned
Ints = npt.NDArray[Any]


def pieces(events: EventArray) -> Iterator[EventArray]:
    """Yield a log in pieces, for what is counted piece by piece: copies of a whole log would not fit the memory."""
    for start in range(0, len(events), PIECE_EVENTS):
        yield events[start : start + PIECE_EVENTS]


def of_kind(events: EventArray, *kinds: EventKind) -> EventArray:
    """Return the events of these kinds, in order. ``take`` copies records eight times as fast as indexing."""
    wanted = np.zeros(256, np.bool_)
    wanted[list(kinds)] = True
    return events.take(np.flatnonzero(wanted.take(events["kind"])))


def kind_places(events: EventArray) -> dict[EventKind, Ints]:
    """Return where the events of each kind stand, by one walk over the records."""
    kinds = np.ascontiguousarray(events["kind"])
    return {kind: np.flatnonzero(kinds == kind) for kind in EventKind}


def of_instrument(events: EventArray, index: int) -> EventArray:
    """Return the events of one instrument, in order; the log itself if it has no others."""
    own = events["instrument"] == index
    return events if own.all() else events.take(np.flatnonzero(own))


def fields(events: EventArray) -> dict[str, Ints]:
    """Return every field as an array, by one copy of the records: 30 walks over records of 128 bytes take far longer.

    Fields of 8 bytes come contiguous, smaller ones with gaps of 8 bytes.
    """
    words = np.empty((_WORDS, len(events)), np.int64)
    rows = np.ascontiguousarray(events).view(np.int64).reshape(-1, _WORDS)
    for start in range(0, len(rows), _CACHED_ROWS):
        words[:, start : start + _CACHED_ROWS] = rows[start : start + _CACHED_ROWS].T
    found: dict[str, Ints] = {}
    for name in EVENT.names or ():
        dtype, offset = _FIELDS[name][:2]
        place = offset % 8 // dtype.itemsize
        found[name] = words[offset // 8].view(dtype)[place :: 8 // dtype.itemsize]
    return found


def field(events: EventArray, name: str) -> Ints:
    """Return one field as a contiguous array."""
    return np.ascontiguousarray(events[name])


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
