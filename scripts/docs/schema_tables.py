"""Tables of keys from a JSON Schema: config.md and run_record.md."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from trading_platform.config.schema import config_schema
from trading_platform.record.schema import run_schema

from .markdown import NOTE, code, table

UNIT: Final = re.compile(r"\s*\[([^\]]+)\]")
Schema = Mapping[str, Any]


def config_page() -> str:
    """Return the reference of the configuration."""
    schema = config_schema()
    text = NOTE + "# Configuration\n\n"
    text += (
        "One JSON object. Values are in human units and read as exact decimals: a number, or a decimal in quotes. "
        "A key that is not listed here is an error. Paths are relative to the file that names them. "
        "`trading-platform schema config` prints the JSON Schema this page is made from; name it in `$schema`, and "
        "an editor completes keys.\n"
    )
    for path, section in _sections(schema, schema, ""):
        text += f"\n## {path or 'The top level'}\n\n{_about(section)}{_keys(section, schema, path)}"
    return text


def run_record_keys() -> str:
    """Return the tables of what run.json holds."""
    schema, text = run_schema(), ""
    for path, section in _sections(schema, schema, ""):
        text += f"\n### {path or 'run.json'}\n\n{_about(section)}{_keys(section, schema, path)}"
    return text


def _sections(section: Schema, root: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield every object with named keys, with its dotted path, the outer one first."""
    yield path, section
    for name, field in section["properties"].items():
        inner = _object(field, root)
        if inner is not None:
            yield from _sections(inner, root, f"{path}.{name}" if path else name)


def _object(field: Schema, root: Schema) -> Schema | None:
    """Return the object behind a field (optional or in a list), None if it is a plain value."""
    for choice in (field, *field.get("anyOf", ()), *field.get("oneOf", ()), field.get("items", {})):
        found: Schema = _resolved(choice, root)
        if "properties" in found:
            return found
        if choice is not field and "items" in choice and (inner := _object(choice, root)):
            return inner
    return None


def _resolved(field: Schema, root: Schema) -> Schema:
    reference = field.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else field


def _about(section: Schema) -> str:
    text = section.get("description", "")
    return f"{text}\n\n" if text else ""


def _keys(section: Schema, root: Schema, path: str) -> str:
    required = section.get("required", ())
    rows = []
    for name, field in section["properties"].items():
        described = field.get("description") or _resolved(field, root).get("description", "")
        unit = UNIT.search(described)
        kind = _type(field, root)
        default = "required" if name in required else _default(field, kind)
        if _object(field, root) is not None:  # the key has a section of its own: as a link, without its dots
            kind = f"[{kind}](#{(path + name).replace('.', '').lower()})"
        rows.append((code(name), kind, unit[1] if unit else "", default, UNIT.sub("", described)))
    return table(("key", "type", "unit", "default", "description"), rows)


def _default(field: Schema, kind: str) -> str:
    value = field.get("default")
    if isinstance(value, dict):
        return "its own defaults"
    if kind == "decimal" and isinstance(value, str):
        return code(value)
    return "" if value is None else code(json.dumps(value))


def _type(field: Schema, root: Schema) -> str:
    """Return the type of a value in words: what may be written there."""
    if "enum" in field or "const" in field:
        return ", ".join(code(json.dumps(value)) for value in field.get("enum", [field.get("const")]))
    choices = field.get("anyOf") or field.get("oneOf")
    if choices:
        names = list(dict.fromkeys(_type(choice, root) for choice in choices))
        return "decimal" if names[:2] == ["number", "text"] else " or ".join(names)
    if "$ref" in field:
        inner = _resolved(field, root)
        return "object" if "properties" in inner else _type(inner, root)
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), root)}"
    kind: str = field.get("type", "any")
    return {"string": "text", "boolean": "true or false"}.get(kind, kind)
