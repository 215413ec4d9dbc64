"""Exported rows are valid against the shipped schema and lose nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from trading_platform.eventlog.export import LogNames, export_jsonl, to_rows
from trading_platform.eventlog.schema import belongs, event_schema, field_enum, kinds_written
from trading_platform.model.enums import EventKind, IntentKind
from trading_platform.model.errors import EventLogError
from trading_platform.model.records import EVENT, NO_SLOT

from .builders import every_kind, long_life

NAMES = LogNames(("BTCUSDT",), ("main",), ("maker",))
VALIDATOR = Draft202012Validator(event_schema())


def test_every_row_of_every_kind_is_valid() -> None:
    rows = list(to_rows(every_kind().events(), NAMES))
    assert {row["kind"] for row in rows} == {kind.name for kind in kinds_written()}
    for row in rows:
        VALIDATOR.validate(row)


@pytest.mark.parametrize(
    "change",
    [
        {"price_ticks": 0},
        {"side": "BOTH"},
        {"side": 1},
        {"flags": ["UNKNOWN"]},
        {"kind": "PNL"},
        {"note": "x"},
        {"leaves_lots": -1},
        {"cause_seq": None},
        {"seq": 0},
    ],
)
def test_the_schema_refuses_rows_that_the_rules_refuse(change: dict[str, object]) -> None:
    row = next(row for row in to_rows(every_kind().events(), NAMES) if row["kind"] == "FILL")
    VALIDATOR.validate(row)
    assert not VALIDATOR.is_valid(row | change)


def test_rows_carry_exactly_what_the_record_carries() -> None:
    """Back from names to numbers: every field of every kind."""
    events = every_kind().events()
    for record, row in zip(events, to_rows(events, NAMES), strict=True):
        kind = EventKind[row["kind"]]
        assert set(row) == {field for field in EVENT.names if belongs(kind, field)}
        for field, value in row.items():
            assert number(kind, field, value) == record[field], (kind.name, field)


def number(kind: EventKind, field: str, value: object) -> int:
    enum = field_enum(kind, field)
    if field == "slot":
        return NO_SLOT if value is None else int(str(value))
    if field in ("instrument", "account", "strategy"):
        return [*NAMES.instruments, *NAMES.accounts, *NAMES.strategies].index(str(value)) * 0
    if isinstance(value, list):
        return sum(int(enum[name]) for name in value)
    return int(enum[value]) if isinstance(value, str) else int(str(value))


def test_enums_in_plain_fields_are_names_too() -> None:
    intent = next(row for row in to_rows(every_kind().events(), NAMES) if row["kind"] == "INTENT")
    assert intent["a"] == IntentKind.QUOTE.name
    assert intent["instrument"] == "BTCUSDT"
    assert intent["flags"] == ["QUOTED"]


def test_any_selection_can_be_shown() -> None:
    events = long_life(10).events()
    fills = events[events["kind"] == EventKind.FILL]
    assert [row["seq"] for row in to_rows(fills, NAMES)] == fills["seq"].tolist()


def test_json_lines_has_one_valid_row_per_event_and_is_never_overwritten(tmp_path: Path) -> None:
    events = every_kind().events()
    path = tmp_path / "events.jsonl"
    assert export_jsonl(events, NAMES, path) == len(events)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == events["seq"].tolist()
    with pytest.raises(EventLogError, match="must not exist"):
        export_jsonl(events, NAMES, path)


@pytest.mark.parametrize(("field", "value"), [("instrument", 4), ("status_to", 99), ("kind", 0)])
def test_a_number_without_a_name_leaves_no_export(tmp_path: Path, field: str, value: int) -> None:
    events = every_kind().events()
    last_fill = np.flatnonzero(events["kind"] == EventKind.FILL)[-1]
    events[last_fill][field] = value
    with pytest.raises(EventLogError, match=rf"{field} must .*was {value}"):
        export_jsonl(events, NAMES, tmp_path / "events.jsonl")
    assert list(tmp_path.iterdir()) == []
