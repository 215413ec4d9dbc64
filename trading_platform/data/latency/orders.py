"""Order latency from own orders: a CSV of when each request was sent, acknowledged by the venue, and answered."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...model.errors import ConfigError, DataError
from ...model.records import Records
from ..events import IntArray
from .file import rows_of

COLUMNS: Final = ("sent", "acknowledged", "received")
UNITS: Final[Mapping[str, int]] = {"ns": 1, "us": 1_000, "ms": 1_000_000}
_NS_LEAST: Final = 10**18  # 2001: a time before it is of another unit
_NS_MOST: Final = 1 << 62


@dataclass(frozen=True)
class OwnOrders:
    """Latency rows of own orders, and what was done to get them."""

    rows: Records
    unanswered: int  # requests without acknowledgement or answer, left out
    held: int  # requests that overtook another on the way: their venue time is held at the other's


def latencies_from_orders(
    path: Path, *, columns: tuple[str, str, str] = COLUMNS, unit: str = "ns", venue_shift_ns: int = 0
) -> OwnOrders:
    """Return order latencies from recorded requests.

    Parameters
    ----------
    path : CSV with a header; rows in any order
    columns : names of the columns: time sent (our clock), time of the venue's acknowledgement (its clock), time the
        answer was received (our clock); integers since 1970
    unit : of the times: ns, us or ms
    venue_shift_ns : [ns] added to the venue's times, to bring its clock to ours

    Raises
    ------
    ConfigError : an unknown unit
    DataError : no file, no such column, a field that is no time (with file and line), clocks that contradict each
        other (with the shifts that would do), no answered request
    """
    if unit not in UNITS:
        raise ConfigError(f"unit must be one of {', '.join(UNITS)}, was {unit}")
    times, unanswered = _read(path, columns, UNITS[unit])
    if not len(times):
        raise DataError(
            f"{path}: must hold at least one answered request, held none ({unanswered} unanswered)"
        )
    times[:, 1] += venue_shift_ns
    times = times[np.lexsort((times[:, 1], times[:, 0]))]
    sent_ns, venue_ns, received_ns = times[:, 0], times[:, 1], times[:, 2]
    _check_clocks(path, sent_ns, venue_ns, received_ns, venue_shift_ns)
    in_order = np.maximum.accumulate(venue_ns)
    held = int(np.count_nonzero(in_order != venue_ns))
    return OwnOrders(rows_of(sent_ns, in_order, in_order + (received_ns - venue_ns)), unanswered, held)


def _read(path: Path, columns: tuple[str, str, str], factor: int) -> tuple[IntArray, int]:
    """Return the times [ns] of answered requests, shape (rows, 3), and how many had no answer."""
    found: list[tuple[int, ...]] = []
    unanswered = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise DataError(
                    f"{path}:1: header must name {', '.join(columns)}, lacks {', '.join(missing)}: name yours with "
                    "--columns sent,acknowledged,received"
                )
            places = [header.index(name) for name in columns]
            for fields in reader:
                if not fields:
                    continue
                texts = _fields(path, reader.line_num, fields, places)
                if any(text in ("", "0") for text in texts[1:]):
                    unanswered += 1
                    continue
                found.append(tuple(_time_ns(path, reader.line_num, text, factor) for text in texts))
    except OSError as error:
        raise DataError(f"{path}: must be a readable CSV file ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: must be a CSV file in UTF-8, was not ({error})") from error
    return np.array(found, np.int64).reshape(-1, 3), unanswered


def _fields(path: Path, line: int, fields: list[str], places: list[int]) -> list[str]:
    if len(fields) <= max(places):
        raise DataError(f"{path}:{line}: must have {max(places) + 1} fields or more, had {len(fields)}")
    return [fields[place].strip() for place in places]


def _time_ns(path: Path, line: int, text: str, factor: int) -> int:
    if not (text.isascii() and text.isdigit() and _NS_LEAST <= int(text) * factor <= _NS_MOST):
        raise DataError(
            f"{path}:{line}: must be a time since 1970 as an integer, was {text[:40]!r}: is --unit the right one?"
        )
    return int(text) * factor


def _check_clocks(
    path: Path, sent_ns: IntArray, venue_ns: IntArray, received_ns: IntArray, shift_ns: int
) -> None:
    """Refuse requests that were acknowledged before they were sent, or answered before they were acknowledged."""
    trip = received_ns - sent_ns
    if (trip < 2).any():
        at = int(np.argmin(trip))
        raise DataError(
            f"{path}: a request must be answered after it was sent, that of {sent_ns[at]} was answered after "
            f"{trip[at]} ns: is the order of --columns right?"
        )
    least, most = int((sent_ns - venue_ns).max()) + 1, int((received_ns - venue_ns).min()) - 1
    if least <= 0 <= most:
        return
    if least <= most:
        cure = f"give --venue-shift-ns from {shift_ns + least} to {shift_ns + most}"
    else:
        cure = "no shift fits all: the clocks drift or a request is wrong; use shorter recordings"
    raise DataError(
        f"{path}: the venue must acknowledge after we send and before we hear, its clock contradicts ours: {cure}"
    )
