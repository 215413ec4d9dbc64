"""The first difference is found wherever it is, and its text says what and after what."""

import numpy as np
import pytest

from trading_platform.eventlog.diff import FieldDifference, first_difference
from trading_platform.eventlog.text import event_text
from trading_platform.model.enums import EventKind, OrderStatus
from trading_platform.model.records import EVENT, NO_SLOT

from .builders import every_kind, long_life


def test_equal_logs_have_no_difference() -> None:
    assert first_difference(every_kind().events(), every_kind().events()) is None


@pytest.mark.parametrize("field", EVENT.names)
def test_a_difference_in_any_field_is_found(field: str) -> None:
    left, right = long_life(5).events(), long_life(5).events()
    right[17][field] += 1
    right[25]["a"] += 1
    difference = first_difference(left, right)
    assert difference is not None
    assert difference.index == 17
    assert difference.fields == (FieldDifference(field, int(left[17][field]), int(right[17][field])),)


def test_difference_beyond_the_first_chunk_is_found() -> None:
    left = np.zeros(70_000, EVENT)
    right = left.copy()
    right[66_000]["flags"] = 1
    difference = first_difference(left, right)
    assert difference is not None
    assert difference.index == 66_000


@pytest.mark.parametrize(("cut", "goes_on"), [("left", "B"), ("right", "A")])
def test_a_log_that_ends_early_is_a_difference(cut: str, goes_on: str) -> None:
    whole, part = every_kind().events(), every_kind().events()[:30]
    difference = first_difference(part, whole) if cut == "left" else first_difference(whole, part)
    assert difference is not None
    assert (difference.index, difference.fields) == (30, ())
    assert f"only {goes_on} goes on" in difference.text
    assert "(end of the log)" in difference.text


def test_text_names_fields_values_and_the_events_before() -> None:
    left, right = every_kind().events(), every_kind().events()
    index = int(np.flatnonzero(left["kind"] == EventKind.FILL)[0])
    right[index]["status_to"] = OrderStatus.FILLED
    difference = first_difference(left, right, context=2, labels=("run-1", "run-2"))
    assert difference is not None
    lines = difference.text.splitlines()
    assert "status_to PARTIALLY_FILLED / FILLED" in lines[0]
    assert lines[1].strip() == event_text(left[index - 2])
    assert lines[2].strip() == event_text(left[index - 1])
    assert lines[3].startswith("run-1 ")
    assert "status_to=FILLED" in lines[4]


def test_text_shows_damaged_records_as_numbers() -> None:
    record = np.zeros(1, EVENT)
    record["kind"], record["flags"], record["slot"] = 99, 1 << 20, NO_SLOT
    assert "kind=99" in event_text(record[0])
    record["kind"], record["status_to"] = EventKind.FILL, 77
    assert "status_to=77" in event_text(record[0])
    assert "flags=0x100000" in event_text(record[0])
