"""One event as one line of text: for errors, diffs and terminals."""

from enum import IntFlag

import numpy as np

from ..model.enums import EventKind
from ..model.records import EVENT, NO_SLOT
from .schema import belongs, field_enum


def event_text(record: np.void) -> str:
    """Return ``seq=7 FILL order_id=3 side=BUY ...``: every field that is not 0, and the statuses.

    Works for damaged records too: a number without a name is shown as the number.
    """
    number = int(record["kind"])
    kind = EventKind(number) if number in set(EventKind) else None
    words = [f"seq={record['seq']}", f"now_ns={record['now_ns']}", kind.name if kind else f"kind={number}"]
    for field in EVENT.names or ():
        value = int(record[field])
        nothing = NO_SLOT if field == "slot" else 0
        if field in ("seq", "now_ns", "kind"):
            continue
        if value != nothing or (kind and field.startswith("status_") and belongs(kind, field)):
            words.append(f"{field}={value_text(kind, field, value)}")
    return " ".join(words)


def value_text(kind: EventKind | None, field: str, value: int) -> str:
    """Return a field's value as text: the name if it has one in events of this kind."""
    enum = field_enum(kind, field) if kind else None
    if enum is None:
        return str(value)
    if issubclass(enum, IntFlag):
        names = [name for name, bit in enum.__members__.items() if int(bit) and value & int(bit)]
        unknown = value & ~sum(int(bit) for bit in enum)
        return "|".join([*names, *([hex(unknown)] if unknown else [])]) or "NONE"
    return enum(value).name if value in set(enum) else str(value)
