"""Where two logs part: the first event that differs, and what led to it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..model.enums import EventKind
from ..model.records import EVENT, EVENT_BYTES
from .schema import EventArray, require_events
from .text import event_text, value_text

_CHUNK: Final = 65_536


@dataclass(frozen=True)
class FieldDifference:
    """One field of the first event that differs."""

    field: str
    left: int
    right: int


@dataclass(frozen=True)
class Difference:
    """The first difference of two logs.

    Attributes
    ----------
    index : of the record in both logs, from 0
    fields : what differs in it; empty if one log ends there
    text : several lines for people, with the events before
    """

    index: int
    fields: tuple[FieldDifference, ...]
    text: str


def first_difference(
    left: EventArray, right: EventArray, context: int = 5, labels: tuple[str, str] = ("A", "B")
) -> Difference | None:
    """Return the first difference of two logs, None if they are the same byte for byte.

    Parameters
    ----------
    left, right : EVENT, one-dimensional, C-contiguous
    context : number of common events shown before the difference
    labels : what the text calls the two logs
    """
    index = _first_index(left, right)
    if index is None:
        return None
    before = [f"    {event_text(record)}" for record in left[max(0, index - context) : index]]
    if index == min(len(left), len(right)):
        fields: tuple[FieldDifference, ...] = ()
        head = f"the logs are the same to event {index}, then only {labels[len(left) <= index]} goes on"
    else:
        fields = _fields(left[index], right[index])
        kinds = [_kind(left[index]), _kind(right[index])]
        words = [
            f"{d.field} {value_text(kinds[0], d.field, d.left)} / {value_text(kinds[1], d.field, d.right)}"
            for d in fields
        ]
        head = f"first difference at event {index} (seq={left['seq'][index]}): {', '.join(words)}"
    after = [
        f"{label:>3} {event_text(log[index])}" if index < len(log) else f"{label:>3} (end of the log)"
        for label, log in zip(labels, (left, right), strict=True)
    ]
    return Difference(index, fields, "\n".join([head, *before, *after]))


def _first_index(left: EventArray, right: EventArray) -> int | None:
    require_events(left)
    require_events(right)
    common = min(len(left), len(right))
    for start in range(0, common, _CHUNK):
        stop = min(start + _CHUNK, common)
        words = [log[start:stop].view("<i8").reshape(-1, EVENT_BYTES // 8) for log in (left, right)]
        differs = np.any(words[0] != words[1], axis=1)
        if differs.any():
            return start + int(differs.argmax())
    return None if len(left) == len(right) else common


def _fields(left: np.void, right: np.void) -> tuple[FieldDifference, ...]:
    return tuple(
        FieldDifference(field, int(left[field]), int(right[field]))
        for field in EVENT.names or ()
        if left[field] != right[field]
    )


def _kind(record: np.void) -> EventKind | None:
    number = int(record["kind"])
    return EventKind(number) if number in set(EventKind) else None
