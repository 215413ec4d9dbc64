"""The reference of the event log, made from EVENT_RULES and the enums."""

from enum import IntEnum, IntFlag
from typing import Final

from trading_platform.eventlog.schema import field_enum, kinds_written, row_fields
from trading_platform.model.enums import EventKind
from trading_platform.model.records import COMMON_FIELDS, EVENT, EVENT_BYTES, EVENT_RULES, NO_SLOT

from .markdown import NOTE, code, table

AnyEnum = type[IntEnum] | type[IntFlag]
COMMON: Final = (
    ("seq", "number of the event: 1 for the first, without gaps"),
    ("cause_seq", "`seq` of the event that led to this one, 0 none"),
    ("now_ns", "local clock [ns, UTC]"),
    ("kind", "EventKind"),
)


def events_page() -> str:
    """Return the page: the record, one table a kind, one table an enum."""
    enums: dict[str, AnyEnum] = {"EventKind": EventKind}
    text = NOTE + "# Events\n\n"
    text += (
        f"`events.bin` is a header and one record of {EVENT_BYTES} bytes per event, in the order of `seq`. "
        "The same fields, with names instead of numbers, are the lines of `trading-platform export`; "
        "`trading-platform schema events` prints their JSON Schema. "
        f"A field that a kind does not list is 0 in the record (`slot`: {NO_SLOT}) and absent in the export. "
        "Units: ticks (price / tick_size), halfticks, lots (quantity / lot_size), ns (UTC), ticklots, "
        "money (1e-9 quote currency, inverse contracts 1e-12 base currency).\n\n"
    )
    text += "## Fields of every event\n\n" + table(
        ("field", "meaning"), [(code(name), about) for name, about in COMMON]
    )
    for kind in kinds_written():
        rule = EVENT_RULES[kind]
        text += f"\n## {kind.name}\n\n{rule.text[0].upper()}{rule.text[1:]}.\n\n"
        rows = []
        for field in row_fields(kind):
            if field in COMMON_FIELDS:
                continue
            enum = field_enum(kind, field)
            if enum is not None:
                enums[enum.__name__] = enum
            link = f"[{enum.__name__}](#{enum.__name__.lower()})" if enum else ""
            meaning = rule.fields[field]
            rows.append((code(field), "" if enum and meaning == enum.__name__ else meaning, link))
        text += table(("field", "meaning", "values"), rows)
    reserved = [kind.name for kind, rule in EVENT_RULES.items() if rule.reserved]
    text += f"\n## Reserved\n\nNo part writes these kinds yet: {', '.join(map(code, reserved))}.\n"
    text += "\n## The record\n\n" + table(("field", "type", "offset"), _layout())
    text += "\n## Values\n"
    for name, enum in sorted(enums.items()):
        text += f"\n### {name}\n\n{(enum.__doc__ or '').strip().splitlines()[0]}\n\n"
        members = [(str(int(member)), code(key)) for key, member in enum.__members__.items()]
        text += table(("number", "name"), members)
    return text


def _layout() -> list[tuple[str, str, str]]:
    fields = EVENT.fields
    assert fields is not None
    return [(code(name), str(fields[name][0]), str(fields[name][1])) for name in EVENT.names or ()]
