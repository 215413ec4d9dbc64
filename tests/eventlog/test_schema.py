"""Block checks and JSON Schema both come from EVENT_RULES: they must agree with it, and with each other."""

import json
from enum import IntFlag
from importlib.resources import files

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from trading_platform.eventlog.schema import (
    EventArray,
    belongs,
    check_block,
    event_schema,
    field_enum,
    field_range,
    kinds_written,
    schema_text,
    write_event_schema,
)
from trading_platform.model.enums import EventFlag, EventKind, OrderStatus
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT, EVENT_RULES, NO_SLOT

from .builders import every_kind, long_life

SCHEMA_PATH = files("trading_platform") / "core" / "schemas" / "events.schema.json"


def minimal(kind: EventKind) -> EventArray:
    """One record of a kind that breaks no rule and is as empty as the rules allow."""
    record = np.zeros(1, EVENT)
    record["seq"], record["kind"], record["slot"] = 1, kind, NO_SLOT
    for field in EVENT_RULES[kind].positive:
        record[field] = 1
    return record


def test_a_plausible_session_of_all_kinds_passes() -> None:
    events = every_kind().events()
    assert set(events["kind"]) == set(kinds_written())
    check_block(events, 0, 0)


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("field", [name for name in EVENT.names if name not in ("seq", "now_ns", "kind")])
def test_each_field_of_each_kind_has_exactly_the_range_of_its_rule(kind: EventKind, field: str) -> None:
    """All pairs, on both sides of both bounds."""
    if EVENT_RULES[kind].reserved:
        with pytest.raises(EventLogError, match="kind must be one of"):
            check_block(minimal(kind), 0, 0)
        return
    low, high = field_range(kind, field)
    info = np.iinfo(EVENT[field])
    for value in {low, high, low - 1, high + 1, 0, 1, int(info.min), int(info.max)}:
        if not info.min <= value <= info.max:
            continue
        block = minimal(kind)
        block[field] = value
        if low <= value <= high and not (field == "cause_seq" and value >= 1):
            check_block(block, 0, 0)
        else:
            with pytest.raises(EventLogError, match=rf"{kind.name}\).*{field} must be .*was {value}"):
                check_block(block, 0, 0)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seq", 9, "seq must be 12"),
        ("now_ns", 5, "now_ns must be >= "),
        ("cause_seq", 12, "cause_seq must be < 12"),
        ("cause_seq", -1, "cause_seq must be >= 0"),
        ("kind", 0, "kind must be one of"),
        ("kind", 200, "kind must be one of"),
        ("kind", EventKind.BAR, "kind must be one of"),
    ],
)
def test_the_first_record_that_breaks_a_rule_is_named(field: str, value: int, words: str) -> None:
    events = every_kind().events()
    events[11][field] = value
    events[20]["seq"] = 99  # a later one is not told
    with pytest.raises(EventLogError, match=words):
        check_block(events, 0, 0)


def test_a_block_continues_the_one_before() -> None:
    events = every_kind().events()
    check_block(events[10:], 10, int(events["now_ns"][9]))
    with pytest.raises(EventLogError, match="seq must be 12"):
        check_block(events[10:], 11, 0)
    with pytest.raises(EventLogError, match="now_ns must be >= "):
        check_block(events[10:], 10, int(events["now_ns"][10]) + 1)
    check_block(events[:0], 5, 5)


def test_unknown_flags_and_pending_bits_are_refused() -> None:
    events = every_kind().events()
    sent = int(np.flatnonzero(events["kind"] == EventKind.SENT)[0])
    for field, value in (("flags", 2 * max(EventFlag)), ("pending_to", 16), ("status_to", 7), ("side", -2)):
        block = events.copy()
        block[sent][field] = value
        with pytest.raises(EventLogError, match=rf"\(SENT\): {field} must be .*was {value}"):
            check_block(block, 0, 0)


def test_random_damage_is_refused_exactly_when_a_rule_is_broken() -> None:
    """The masks of the fast check against the rules written out, on random bytes in random records."""
    seed = 20240808
    print(f"seed {seed}")
    random, events = np.random.default_rng(seed), long_life(20).events()
    refused = 0
    for _ in range(3000):
        block = events.copy()
        index = int(random.integers(len(block)))
        block[index : index + 1].view("u1")[random.integers(8, 128)] ^= 1 << random.integers(8)
        if legal(block, index):
            check_block(block, 0, 0)
        else:
            refused += 1
            with pytest.raises(EventLogError):
                check_block(block, 0, 0)
    assert 500 < refused < 2900


def legal(block: EventArray, index: int) -> bool:
    record = block[index]
    number = int(record["kind"])
    if number not in set(kinds_written()) or not 0 <= record["cause_seq"] < record["seq"]:
        return False
    now_ns = [0, *block["now_ns"].tolist(), 1 << 63]
    if not now_ns[index] <= now_ns[index + 1] <= now_ns[index + 2]:
        return False
    kind = EventKind(number)
    for field in EVENT.names:
        value, enum = int(record[field]), field_enum(kind, field)
        if not belongs(kind, field):
            if value != (NO_SLOT if field == "slot" else 0):
                return False
        elif enum is not None and issubclass(enum, IntFlag):
            if value & ~sum(int(bit) for bit in enum):
                return False
        elif enum is not None and value not in set(enum):
            return False
        if field in EVENT_RULES[kind].positive and value <= 0:
            return False
        if field == "leaves_lots" and value < 0:
            return False
    return True


def test_wrong_arrays_are_refused() -> None:
    events = every_kind().events()
    for wrong in (events[::2], events.reshape(1, -1), events["seq"]):
        with pytest.raises(EventLogError, match="one-dimensional C-contiguous"):
            check_block(wrong, 0, 0)


def test_schema_is_valid_and_has_one_branch_per_kind() -> None:
    schema = event_schema()
    Draft202012Validator.check_schema(schema)
    assert list(schema["$defs"]) == [kind.name for kind in kinds_written()]
    assert len(schema["allOf"]) == len(kinds_written())


def test_schema_carries_units_names_and_bounds() -> None:
    fill = event_schema()["$defs"]["FILL"]["properties"]
    assert fill["price_ticks"]["description"] == "LastPx [ticks]"
    assert fill["price_ticks"]["minimum"] == 1
    assert fill["status_to"]["enum"] == [status.name for status in OrderStatus]
    assert "NONE" not in fill["flags"]["items"]["enum"]
    assert "NONE" not in event_schema()["$defs"]["DENIED"]["properties"]["code"]["enum"]


def test_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(SCHEMA_PATH.read_text(encoding="utf-8")) == event_schema()
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text(), "run eventlog.schema.write_event_schema"


def test_written_schema_is_the_generated_one(tmp_path) -> None:
    write_event_schema(tmp_path / "events.schema.json")
    assert (tmp_path / "events.schema.json").read_text(encoding="utf-8") == schema_text()
