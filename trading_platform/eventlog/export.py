"""Events as JSON rows for people and other programs, valid against core/schemas/events.schema.json."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Any, Final

import orjson

from ..model.enums import EventKind
from ..model.errors import EventLogError
from ..model.records import EVENT, NO_SLOT
from .schema import EventArray, field_enum, kinds_written, require_events, row_fields

_CHUNK: Final = 8_192
_POSITION: Final = {name: index for index, name in enumerate(EVENT.names or ())}
_Convert = Callable[[int], Any]


@dataclass(frozen=True)
class LogNames:
    """Names behind the indices of a log: ``instruments[event["instrument"]]`` and so on."""

    instruments: tuple[str, ...]
    accounts: tuple[str, ...]
    strategies: tuple[str, ...]


def to_rows(events: EventArray, names: LogNames) -> Iterator[dict[str, Any]]:
    """Yield one JSON row per event: the fields of its kind, enums as names, flags as lists of names.

    Parameters
    ----------
    events : EVENT, one-dimensional: a whole log or any selection of it

    Raises
    ------
    EventLogError : a kind, a code or an index that has no name
    """
    plans = {int(kind): _plan(kind, names) for kind in kinds_written()}
    kind_position = _POSITION["kind"]
    for start in range(0, len(events), _CHUNK):
        for record in events[start : start + _CHUNK].tolist():
            plan = plans.get(record[kind_position])
            if plan is None:
                raise EventLogError(
                    f"event seq={record[0]}: kind must be one that is written, was {record[kind_position]}"
                )
            yield _row(record, plan)


def export_jsonl(events: EventArray, names: LogNames, path: Path) -> int:
    """Write a log as JSON Lines into a new file and return the number of rows.

    Raises
    ------
    EventLogError : the file exists, or an event cannot be named (see to_rows); then no file is left
    """
    require_events(events)
    try:
        file = path.open("xb")
    except FileExistsError:
        raise EventLogError(
            f"{path}: must not exist: an export never overwrites; name another file"
        ) from None
    count = 0
    try:
        with file:
            for row in to_rows(events, names):
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    except BaseException:  # half an export looks like a whole one
        path.unlink()
        raise
    return count


def _row(record: tuple[int, ...], plan: list[tuple[str, int, _Convert | None]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field, position, convert in plan:
        value = record[position]
        try:
            row[field] = value if convert is None else convert(value)
        except LookupError:
            raise EventLogError(f"event seq={record[0]}: {field} must have a name, was {value}") from None
    return row


def _plan(kind: EventKind, names: LogNames) -> list[tuple[str, int, _Convert | None]]:
    return [(field, _POSITION[field], _converter(kind, field, names)) for field in row_fields(kind)]


def _converter(kind: EventKind, field: str, names: LogNames) -> _Convert | None:
    """Return what turns the number into what the row shows; None: the number itself."""
    if field == "slot":
        return _slot
    indexed = {"instrument": names.instruments, "account": names.accounts, "strategy": names.strategies}
    if field in indexed:
        return indexed[field].__getitem__
    enum = field_enum(kind, field)
    if enum is None:
        return None
    if issubclass(enum, IntFlag):
        bits = [(int(member), name) for name, member in enum.__members__.items() if int(member)]
        return lambda value: [name for bit, name in bits if value & bit]
    return {int(member): name for name, member in enum.__members__.items()}.__getitem__


def _slot(value: int) -> int | None:
    return None if value == NO_SLOT else value
