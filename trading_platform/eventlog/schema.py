"""What an event record may hold: the block checks and the JSON Schema, both made from EVENT_RULES.

Every rule about one field is a closed range: enums and flag sets of the vocabulary have no gaps (asserted
below), and a field that does not belong to a kind has the range of one value.
"""

import json
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._jit import INT, Array, entry
from ..model import enums
from ..model.enums import EventKind
from ..model.errors import EventLogError
from ..model.records import COMMON_FIELDS, EVENT, EVENT_RULES, FIELD_ENUMS, NO_SLOT

EventArray = npt.NDArray[np.void]
AnyEnum = type[IntEnum] | type[IntFlag]
NAMED_FIELDS: Final = ("instrument", "account", "strategy")  # indices that rows show as names
SCHEMA_ID: Final = "urn:trading-platform:schema:events:1"

_FIELDS: Final[tuple[str, ...]] = EVENT.names or ()
_KINDS: Final = tuple(kind for kind, rule in EVENT_RULES.items() if not rule.reserved)
_ENUMS: Final[dict[str, AnyEnum]] = {
    name: member
    for name, member in vars(enums).items()
    if isinstance(member, type) and issubclass(member, IntEnum | IntFlag) and len(member)
}
_COMMON_TEXT: Final = {
    "seq": "number of the event, 1 for the first, without gaps",
    "cause_seq": "seq of the event that led to this one, 0 none",
    "now_ns": "local clock [ns, UTC]",
}


def kinds_written() -> tuple[EventKind, ...]:
    """Return the kinds that may stand in a log, in the order of their numbers: all that are not reserved."""
    return tuple(sorted(_KINDS))


def belongs(kind: EventKind, field: str) -> bool:
    """Return whether ``field`` carries something in events of ``kind``."""
    return field in COMMON_FIELDS or field in EVENT_RULES[kind].fields


def field_enum(kind: EventKind, field: str) -> AnyEnum | None:
    """Return the enum whose values ``field`` holds in events of ``kind``; None if it is a plain number."""
    rule = EVENT_RULES[kind]
    if field == "code":
        return rule.codes
    return FIELD_ENUMS.get(field) or _ENUMS.get(rule.fields.get(field, ""))


def field_range(kind: EventKind, field: str) -> tuple[int, int]:
    """Return the lowest and the highest value that ``field`` may hold in events of ``kind``."""
    if not belongs(kind, field):
        return (NO_SLOT, NO_SLOT) if field == "slot" else (0, 0)
    info = np.iinfo(EVENT[field])
    low, high = int(info.min), int(info.max)
    enum = field_enum(kind, field)
    if enum is not None:
        low, high = _enum_range(enum)
    if field in ("leaves_lots", "cause_seq"):
        low = 0
    if field in EVENT_RULES[kind].positive:
        low = max(low, 1)
    return low, high


def _enum_range(enum: AnyEnum) -> tuple[int, int]:
    values = sorted(int(member) for member in enum.__members__.values())
    if issubclass(enum, IntFlag):
        every_bit = int(np.bitwise_or.reduce(values))
        assert every_bit & (every_bit + 1) == 0, f"{enum.__name__} leaves out a bit: a range cannot check it"
        return 0, every_bit
    assert values == list(range(values[0], values[-1] + 1)), f"{enum.__name__} has a gap"
    return values[0], values[-1]


# Fields of one size lie side by side: a record is a few words, bytes, half words and a double word, each with a range.
_GROUPS: Final = ("<i8", "i1", "<u2", "<u4")


def _group(dtype: str) -> tuple[int, tuple[str, ...]]:
    """Return the place of the first field of a size, in units of that size, and the fields. Signed or not is one."""
    size = np.dtype(dtype).itemsize
    names = tuple(name for name in _FIELDS if EVENT[name].itemsize == size)
    offsets = [EVENT.fields[name][1] for name in names]  # type: ignore[index]
    assert offsets == list(range(offsets[0], offsets[0] + size * len(names), size)), (
        f"{dtype}: not side by side"
    )
    return offsets[0] // size, names


def _range_tables(names: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return lowest and highest value by kind and field."""
    low, high = np.zeros((2, max(EventKind) + 1, len(names)), np.int64)
    for kind in _KINDS:
        low[kind], high[kind] = zip(*(field_range(kind, name) for name in names), strict=True)
    return low, high


_SEQ, _CAUSE, _NOW, _KIND = (
    EVENT.fields[name][1] // EVENT[name].itemsize  # type: ignore[index]
    for name in ("seq", "cause_seq", "now_ns", "kind")
)
_WRITTEN: Final = np.isin(np.arange(max(EventKind) + 1), _KINDS)
(_WORD_AT, _WORDS), (_BYTE_AT, _BYTES), (_HALF_AT, _HALVES), (_DOUBLE_AT, _DOUBLES) = map(_group, _GROUPS)
_WORD_LOW, _WORD_HIGH = _range_tables(_WORDS)
_BYTE_LOW, _BYTE_HIGH = _range_tables(_BYTES)
_HALF_LOW, _HALF_HIGH = _range_tables(_HALVES)
_DOUBLE_LOW, _DOUBLE_HIGH = _range_tables(_DOUBLES)


def check_block(block: EventArray, last_seq: int, last_now_ns: int) -> None:
    """Check the next records of a log.

    Parameters
    ----------
    block : EVENT, one-dimensional, C-contiguous
    last_seq : seq of the record before the block, 0 before the first
    last_now_ns : [ns] local clock of that record, 0 before the first

    Raises
    ------
    EventLogError : names the first record that breaks a rule, the field, the value and the rule
    """
    require_events(block)
    if not len(block):
        return
    words, bytes_, halves, doubles = (block.view(size).reshape(len(block), -1) for size in _GROUPS)
    index = first_fault(words, bytes_, halves, doubles, last_seq, last_now_ns)
    if index >= 0:
        before = block[index - 1] if index else {"seq": last_seq, "now_ns": last_now_ns}
        told = _broken_rule(block[index], int(before["seq"]), int(before["now_ns"]))
        raise EventLogError(f"{told}; nothing of this block was written")


@entry(
    Array(np.dtype(np.int64), 2),
    Array(np.dtype(np.int8), 2),
    Array(np.dtype(np.uint16), 2),
    Array(np.dtype(np.uint32), 2),
    INT,
    INT,
)
def first_fault(
    words: npt.NDArray[np.int64],
    bytes_: npt.NDArray[np.int8],
    halves: npt.NDArray[np.uint16],
    doubles: npt.NDArray[np.uint32],
    last_seq: int,
    last_now_ns: int,
) -> int:
    """Return the index of the first record that breaks a rule, -1 if none does. The records are given in all sizes."""
    for index in range(len(words)):
        kind, seq, now_ns = bytes_[index, _KIND], words[index, _SEQ], words[index, _NOW]
        if kind < 0 or kind >= len(_WRITTEN) or not _WRITTEN[kind]:
            return index
        if seq != last_seq + 1 or now_ns < last_now_ns or words[index, _CAUSE] >= seq:
            return index
        last_seq, last_now_ns = seq, now_ns
        for field in range(len(_WORDS)):
            if not _WORD_LOW[kind, field] <= words[index, _WORD_AT + field] <= _WORD_HIGH[kind, field]:
                return index
        for field in range(len(_BYTES)):
            if not _BYTE_LOW[kind, field] <= bytes_[index, _BYTE_AT + field] <= _BYTE_HIGH[kind, field]:
                return index
        for field in range(len(_HALVES)):
            if not _HALF_LOW[kind, field] <= halves[index, _HALF_AT + field] <= _HALF_HIGH[kind, field]:
                return index
        for field in range(len(_DOUBLES)):
            if (
                not _DOUBLE_LOW[kind, field]
                <= doubles[index, _DOUBLE_AT + field]
                <= _DOUBLE_HIGH[kind, field]
            ):
                return index
    return -1


def require_events(block: EventArray) -> None:
    """Raise EventLogError unless ``block`` is a one-dimensional C-contiguous array of EVENT."""
    if block.dtype != EVENT or block.ndim != 1 or not block.flags.c_contiguous:
        raise EventLogError(
            "events must be a one-dimensional C-contiguous array of model.records.EVENT, "
            f"was shape {block.shape}, dtype {block.dtype}"
        )


def _broken_rule(record: np.void, last_seq: int, last_now_ns: int) -> str:
    """Return which rule a record breaks, in words. Only called for a record that breaks one."""
    seq, now_ns, cause_seq = int(record["seq"]), int(record["now_ns"]), int(record["cause_seq"])
    if int(record["kind"]) not in _KINDS:
        known = ", ".join(f"{kind.value} {kind.name}" for kind in kinds_written())
        return f"event seq={seq}: kind must be one of {known}, was {int(record['kind'])}"
    kind = EventKind(int(record["kind"]))
    where = f"event seq={seq} ({kind.name})"
    if seq != last_seq + 1:
        return f"{where}: seq must be {last_seq + 1} (one more than the event before), was {seq}"
    if now_ns < last_now_ns:
        return f"{where}: now_ns must be >= {last_now_ns} (the event before), was {now_ns}"
    if cause_seq >= seq:
        return f"{where}: cause_seq must be < {seq} (a cause comes first), was {cause_seq}"
    for field in _FIELDS:
        value = int(record[field])
        low, high = field_range(kind, field)
        if not low <= value <= high:
            return f"{where}: {_range_text(kind, field)}, was {value}"
    raise AssertionError(f"{where}: breaks no rule, but the block check refused it")


def _range_text(kind: EventKind, field: str) -> str:
    low, high = field_range(kind, field)
    if not belongs(kind, field):
        return f"{field} must be {low} (it does not belong to this kind)"
    enum, text = field_enum(kind, field), EVENT_RULES[kind].fields.get(field, _COMMON_TEXT.get(field, ""))
    if enum is not None:
        return f"{field} must be {low} to {high} ({enum.__name__})"
    return f"{field} must be >= {low} ({text})"


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one exported row: see export.py."""
    kinds = kinds_written()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Event",
        "description": "One line of an exported event log. Integers are exact, with the unit in the name: "
        "ticks (price / tick_size), halfticks, lots (quantity / lot_size), ns (UTC), "
        "money (1e-9 quote currency, inverse contracts 1e-12 base currency).",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": [kind.name for kind in kinds]}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind.name}}},
                "then": {"$ref": f"#/$defs/{kind.name}"},
            }
            for kind in kinds
        ],
        "$defs": {kind.name: _kind_schema(kind) for kind in kinds},
    }


def row_fields(kind: EventKind) -> tuple[str, ...]:
    """Return the fields that a row of ``kind`` shows: kind first, then those that belong to it, in order."""
    return ("kind", *(field for field in _FIELDS if field != "kind" and belongs(kind, field)))


def _kind_schema(kind: EventKind) -> dict[str, Any]:
    fields = row_fields(kind)
    return {
        "description": EVENT_RULES[kind].text,
        "type": "object",
        "required": list(fields),
        "additionalProperties": False,
        "properties": {field: _field_schema(kind, field) for field in fields},
    }


def _field_schema(kind: EventKind, field: str) -> dict[str, Any]:
    if field == "kind":
        return {"const": kind.name}
    text = EVENT_RULES[kind].fields.get(field) or _COMMON_TEXT[field]
    low, high = field_range(kind, field)
    enum = field_enum(kind, field)
    if field in NAMED_FIELDS:
        return {"description": f"name of the {field}", "type": "string", "minLength": 1}
    if field == "slot":
        return {"description": f"{text}; null: none", "type": ["integer", "null"], "minimum": 0}
    if enum is None:
        schema: dict[str, Any] = {"description": text, "type": "integer"}
        if field in ("seq", "now_ns"):
            low = 1 if field == "seq" else 0
        return schema | {"minimum": low, "maximum": high}
    names = [name for name, member in enum.__members__.items() if low <= int(member) <= high]
    if issubclass(enum, IntFlag):
        bits = [name for name in names if int(enum[name])]
        return {"description": text, "type": "array", "uniqueItems": True, "items": {"enum": bits}}
    return {"description": text, "enum": names}


def schema_text() -> str:
    """Return the schema as it stands in core/schemas/events.schema.json."""
    return json.dumps(event_schema(), indent=2) + "\n"


def write_event_schema(path: Path) -> None:
    """Write the generated schema; an existing file is replaced, because it is derived."""
    path.write_text(schema_text(), encoding="utf-8")
