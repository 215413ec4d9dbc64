"""What a log says of one instrument: counts, fills and samples of equity, by one compiled walk over its events."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._jit import INT, Array, entry
from ..core.order_fsm import is_terminal
from ..eventlog.schema import EventArray
from ..model.enums import EventFlag, EventKind, OrderStatus
from ..model.records import EVENT
from .sampling import EquitySamples, Int64s

_KINDS: Final = max(EventKind) + 1
_BYTE: Final = 256
TALLY: Final = np.dtype(
    [
        (
            "by_code",
            "<i8",
            (_KINDS, _BYTE),
        ),  # events of each kind; a repeated denial counts as often as it came
        ("by_a", "<i8", (_KINDS, _BYTE)),  # where ``a`` is a code: of SENT, STATUS and VENUE_REJECT
        ("ended", "<i8", (max(OrderStatus) + 1,)),  # orders that reached each terminal status
        ("opening_fee_money", "<i8"),
        ("final_lots", "<i8"),
        ("most_lots", "<i8"),  # the largest position, without sign
    ],
    align=True,
)
PIECE_EVENTS: Final = 1 << 16
_FILLS, _SAMPLES, _HALTS = range(3)
_OPENING, _DENIED, _SENT, _STATUS, _FILL, _VENUE_REJECT, _POSITION, _PNL, _HALT = (
    int(kind)
    for kind in (
        EventKind.OPENING,
        EventKind.DENIED,
        EventKind.SENT,
        EventKind.STATUS,
        EventKind.FILL,
        EventKind.VENUE_REJECT,
        EventKind.POSITION,
        EventKind.PNL,
        EventKind.HALT,
    )
)
_COALESCED: Final = int(EventFlag.COALESCED)


@dataclass(frozen=True)
class Fills:
    """Arrays of one length, int64, one entry per fill.

    Attributes
    ----------
    seq : of the FILL event
    price_ticks : [ticks]
    qty_lots : [lots] > 0
    fee_money : [money] negative for a rebate
    net_lots : [lots] position after it
    flags : EventFlag
    """

    seq: Int64s
    price_ticks: Int64s
    qty_lots: Int64s
    fee_money: Int64s
    net_lots: Int64s
    flags: Int64s

    def __len__(self) -> int:
        return len(self.seq)


@dataclass(frozen=True)
class InstrumentLog:
    """One instrument's part of a log.

    Attributes
    ----------
    tally : TALLY, counts
    fills : all of them
    samples : of equity, from the first mark on: without one nothing can be valued
    halts : EVENT, the HALT events
    log_events : events of the whole log, other instruments' too
    """

    tally: np.void
    fills: Fills
    samples: EquitySamples
    halts: EventArray
    log_events: int


def instrument_log(events: EventArray, instrument_index: int = 0) -> InstrumentLog:
    """Return what a log says of one instrument.

    Parameters
    ----------
    events : EVENT, a whole log; read in pieces, of which little is kept
    """
    tally = np.zeros(1, TALLY)
    places, counts = np.empty((3, PIECE_EVENTS), np.int64), np.zeros(3, np.int64)
    fills, samples, halts = [], [], []
    for start in range(0, max(1, len(events)), PIECE_EVENTS):
        piece = events[start : start + PIECE_EVENTS]
        _count(piece, tally, places, counts, instrument_index)
        of = [places[which, : counts[which]] for which in range(3)]
        fills.append(_columns(piece, of[_FILLS], "seq", "price_ticks", "qty_lots", "a", "c", "flags"))
        samples.append(_columns(piece, of[_SAMPLES], "now_ns", "seq", "a", "b", "qty_lots"))
        halts.append(piece.take(of[_HALTS]))
    return InstrumentLog(
        tally[0],
        Fills(*np.concatenate(fills, axis=1)),
        EquitySamples(*np.concatenate(samples, axis=1)),
        np.concatenate(halts),
        len(events),
    )


def _columns(events: EventArray, places: Int64s, *names: str) -> Int64s:
    """Return fields of the events at these places, one row a field."""
    found = np.empty((len(names), len(places)), np.int64)
    for row, name in zip(found, names, strict=True):
        row[:] = events[name][places]
    return found


@entry(Array(EVENT), Array(TALLY), Array(np.dtype(np.int64), 2), Array(np.dtype(np.int64)), INT)
def _count(
    events: EventArray, tallies: npt.NDArray[np.void], places: Int64s, counts: Int64s, instrument: int
) -> None:
    """Add events to the tally; ``places`` and ``counts`` become those of fills, samples and halts among them."""
    tally: Any = tallies[0]
    by_code, by_a, ended = tally["by_code"], tally["by_a"], tally["ended"]
    counts[:] = 0
    for place in range(len(events)):
        event = events[place]
        kind, a, lots = event["kind"], event["a"], 0
        if event["instrument"] != instrument or kind >= _KINDS:
            continue
        again = event["c"] if kind == _DENIED and event["flags"] & _COALESCED else 1
        by_code[kind, min(event["code"], _BYTE - 1)] += again
        if (kind == _SENT or kind == _STATUS or kind == _VENUE_REJECT) and 0 <= a < _BYTE:
            by_a[kind, a] += 1
        if kind == _STATUS or kind == _FILL or kind == _VENUE_REJECT:
            # a late fill after the end does not end it again
            status = event["status_to"]
            if is_terminal(status) and status < len(ended) and not is_terminal(event["status_from"]):
                ended[status] += 1
        if kind == _FILL:
            lots = event["c"]
            places[_FILLS, counts[_FILLS]] = place
            counts[_FILLS] += 1
        elif kind == _OPENING or kind == _POSITION or kind == _PNL:
            lots = event["qty_lots"]
            tally["final_lots"] = lots
            if kind == _OPENING:
                tally["opening_fee_money"] += event["c"]
            if kind == _PNL and event["b"] > 0:
                places[_SAMPLES, counts[_SAMPLES]] = place
                counts[_SAMPLES] += 1
        elif kind == _HALT:
            places[_HALTS, counts[_HALTS]] = place
            counts[_HALTS] += 1
        tally["most_lots"] = max(tally["most_lots"], abs(lots))
