"""Order lifecycle. Only this module decides an order's next status and which of its requests are still in flight."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from .._jit import kernel
from ..model.enums import OrderEvent, OrderStatus, Pending, ReportKind

S, E = OrderStatus, OrderEvent
INVALID: Final = 255

# fmt: off
TRANSITIONS: Final[Mapping[OrderStatus, Mapping[OrderEvent, OrderStatus]]] = {
    S.PENDING_NEW: {
        E.ACK:          S.WORKING,
        E.PARTIAL_FILL: S.PARTIALLY_FILLED,  # the fill overtook the ack
        E.FILL:         S.FILLED,
        E.CANCEL:       S.CANCELED,          # the venue canceled it on arrival
        E.EXPIRE:       S.EXPIRED,           # post-only that would cross, IOC or FOK that found nothing
        E.REJECT:       S.REJECTED,
    },
    S.WORKING: {
        E.ACK:          S.WORKING,           # said again: nothing new
        E.PARTIAL_FILL: S.PARTIALLY_FILLED,
        E.FILL:         S.FILLED,
        E.CANCEL:       S.CANCELED,
        E.EXPIRE:       S.EXPIRED,
    },
    S.PARTIALLY_FILLED: {
        E.ACK:          S.PARTIALLY_FILLED,  # a late ack must not erase a partial fill
        E.PARTIAL_FILL: S.PARTIALLY_FILLED,
        E.FILL:         S.FILLED,
        E.CANCEL:       S.CANCELED,
        E.EXPIRE:       S.EXPIRED,
    },
    S.FILLED: {E.ACK: S.FILLED},             # the fill overtook the ack; any further fill is an overfill
    S.CANCELED: {                            # late fills are real: booked, flagged
        E.ACK: S.CANCELED, E.PARTIAL_FILL: S.CANCELED, E.FILL: S.FILLED,
    },
    S.EXPIRED: {
        E.ACK: S.EXPIRED, E.PARTIAL_FILL: S.EXPIRED, E.FILL: S.FILLED,
    },
    S.REJECTED: {},                          # no way out: a fill here is booked all the same, as an anomaly
}
# fmt: on
TERMINAL: Final = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED})

R, P = ReportKind, Pending
ALL: Final = P.NEW | P.REPLACE | P.CANCEL | P.UNKNOWN
# report -> (the request it answers: without it in flight the report is impossible; what is no longer in flight)
# fmt: off
PENDING_RULES: Final[Mapping[ReportKind, tuple[Pending, Pending]]] = {
    R.FILL:             (P.NONE,    P.NEW | P.UNKNOWN),      # overtakes the ack; a cancel in flight stays in flight
    R.ACK:              (P.NONE,    P.NEW | P.UNKNOWN),      # of the submit: erases no later request
    R.REPLACED:         (P.REPLACE, P.NEW | P.REPLACE | P.UNKNOWN),  # does not erase a cancel in flight
    R.CANCELED:         (P.NONE,    ALL),                    # asked for or not: the order is gone
    R.EXPIRED:          (P.NONE,    ALL),
    R.REJECTED:         (P.NEW,     ALL),
    R.CANCEL_REJECTED:  (P.CANCEL,  P.CANCEL | P.UNKNOWN),
    R.REPLACE_REJECTED: (P.REPLACE, P.REPLACE | P.UNKNOWN),
}
# fmt: on


def _status_table() -> npt.NDArray[np.uint8]:
    table = np.full((len(OrderStatus), len(OrderEvent)), INVALID, np.uint8)
    for status, row in TRANSITIONS.items():
        for event, after in row.items():
            table[status, event] = after
    table.setflags(write=False)
    return table


def _pending_table() -> npt.NDArray[np.uint8]:
    table = np.full((int(ALL) + 1, len(ReportKind)), INVALID, np.uint8)
    for pending in range(int(ALL) + 1):
        for report, (answers, clears) in PENDING_RULES.items():
            if answers == P.NONE or pending & answers:
                table[pending, report] = pending & ~int(clears)
    table.setflags(write=False)
    return table


_NEXT_STATUS: Final = _status_table()
_NEXT_PENDING: Final = _pending_table()
_FIRST_TERMINAL: Final = int(S.FILLED)


@kernel
def next_status(status: int, event: int) -> int:
    """Return the status after ``event``, or INVALID. The caller must look."""
    return int(_NEXT_STATUS[status, event])


@kernel
def next_pending(pending: int, report: int) -> int:
    """Return the requests still in flight after a report, or INVALID if it answers one that was never made."""
    return int(_NEXT_PENDING[pending, report])


@kernel
def is_terminal(status: int) -> bool:
    """Tell whether an order in this status is over. Terminal statuses are the last ones of the enum."""
    return bool(status >= _FIRST_TERMINAL)
