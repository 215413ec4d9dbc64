"""From pydantic's errors to lines for people: the key, what must be, what was, and the near match."""

import difflib
import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .fields import PROBLEMS, Problem, decimal_text, join_key, show
from .run import SCHEMA_KEY, RunConfig

MOVED: Final[Mapping[str, str]] = {  # keys of older, flat configurations -> what to write instead
    "data_file": "engine.data_files (a list)",
    "data_path": "engine.data_files (a list)",
    "data_paths": "engine.data_files",
    "maker_fee": "engine.fees.maker_rate",
    "taker_fee": "engine.fees.taker_rate",
    "entry_latency_ns": "engine.latency.entry_seconds (in seconds: 10000000 ns is 0.01)",
    "response_latency_ns": "engine.latency.response_seconds (in seconds: 10000000 ns is 0.01)",
    "resp_latency_ns": "engine.latency.response_seconds (in seconds: 10000000 ns is 0.01)",
    "use_risk_adverse_queue_model": 'engine.queue_model, e.g. {"kind": "risk_averse"}',
    "use_risk_averse_queue_model": 'engine.queue_model, e.g. {"kind": "risk_averse"}',
    "partial_fill_venue": 'engine.exchange_model, "partial_fill" or "no_partial_fill"',
    "roi_lb": 'engine.depth.roi_min (with "kind": "roi")',
    "roi_ub": 'engine.depth.roi_max (with "kind": "roi")',
    "rolling_loss_window": "risk.max_loss.rolling_loss_window_seconds (in seconds)",
    "rolling_loss_window_ns": "risk.max_loss.rolling_loss_window_seconds (in seconds)",
    "strategy_class": "strategy.class_path",
    "strategy_params": "strategy.params",
    "output_dir": "output.directory",
}
VALUE_HINTS: Final[Mapping[tuple[str, object], str]] = {
    ("post_only_mode", "reject"): 'we deny, a venue rejects: write "deny"',
}
PARAMS_KEY: Final = "strategy.params"  # open: what is below it is the strategy's
_TYPES: Final[Mapping[str, str]] = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "is_instance_of": "a number",  # of a Decimal: strategy parameters have no other class
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}


def problems_of(
    error: ValidationError, model: type[BaseModel] = RunConfig, place: str = ""
) -> Iterator[Problem]:
    """Yield the problems of a failed validation of ``model``, which stands at the dotted key ``place``."""
    for detail in error.errors(include_url=False):
        path, context = dotted(detail["loc"]), detail.get("ctx", {})
        if detail["type"] == PROBLEMS:
            for key, text in context["problems"]:
                yield Problem(join_key(place, join_key(path, key)), text)
        else:
            yield Problem(join_key(place, path), _text(detail, model, path, context))


def _text(detail: ErrorDetails, model: type[BaseModel], path: str, context: Mapping[str, Any]) -> str:
    """Return what follows the key in the line of one pydantic error; it branches on pydantic's types."""
    kind, given = detail["type"], detail["input"]
    was = f"was {show(given)}"
    if kind == "missing":
        field = _field_at(model, detail["loc"])
        return f"is required: {field.description}" if field and field.description else "is required"
    if kind == "extra_forbidden":
        return unknown_key(model, detail["loc"])
    if kind == "greater_than" and path.startswith("risk.max_loss.") and _number(given) < 0:
        return f"must be positive, {was}: write {show(-_number(given))}"
    if kind in _BOUNDS:
        sign, name = _BOUNDS[kind]
        return f"must be {sign} {decimal_text(Decimal(str(context[name])))}, {was}"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", '"')
        return f"must be {allowed}, {was}{_value_hint(detail, context)}"
    if kind == "value_error":
        return str(context["error"])  # a validator's own "must be X, was Y"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, {was}"
    if kind == "too_short":
        return "must have at least one entry, was empty"
    if kind == "string_too_short":
        return f"must not be empty, {was}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters, {was}"
    return f"must be right ({detail['msg']}), {was}"


def _number(value: Any) -> Decimal:
    """Return the number of a field that was a number, as JSON number or text."""
    return Decimal(value)


def _value_hint(detail: ErrorDetails, context: Mapping[str, Any]) -> str:
    given = detail["input"]
    if not isinstance(given, str):
        return ""
    hint = VALUE_HINTS.get((str(detail["loc"][-1]), given))
    if hint:
        return f": {hint}"
    allowed = str(context["expected"]).split("'")[1::2]
    near = difflib.get_close_matches(given.lower(), allowed, 1)
    return f': did you mean "{near[0]}"?' if near else ""


def unknown_key(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """Return the text for an unknown key: where it moved, where else it belongs, or what it resembles."""
    name = str(loc[-1])
    if name in MOVED:
        return f"is not a known key: write {MOVED[name]}"
    elsewhere = [path for path in _known_paths() if path.rpartition(".")[2] == name]
    if len(elsewhere) == 1:
        return f"is not a known key here: did you mean {elsewhere[0]}?"
    section = _section_at(model, loc[:-1])
    known = [*section.model_fields] if section else []
    near = difflib.get_close_matches(name.lower(), known, 1)
    if near:
        return f"is not a known key: did you mean {near[0]}?"
    return f"is not a known key (known: {', '.join(known) or 'none'})"


def is_known(key: str) -> bool:
    """Tell whether a dotted key can be in a configuration."""
    return key in _known_paths() or key.startswith(f"{PARAMS_KEY}.")


def dotted(loc: tuple[int | str, ...]) -> str:
    """Return a place in pydantic's form as a dotted key: ``engine.data_files[1]``."""
    text = ""
    for part in loc:
        text = join_key(text, f"[{part}]" if isinstance(part, int) else str(part))
    return text


def _subsection(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a section, optional or not."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _section_at(root: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    for key in loc:
        field = model.model_fields.get(str(key)) if model else None
        model = _subsection(field) if field else None
    return model


def _field_at(root: type[BaseModel], loc: tuple[int | str, ...]) -> FieldInfo | None:
    section = _section_at(root, loc[:-1])
    return section.model_fields.get(str(loc[-1])) if section else None


@functools.cache
def _known_paths() -> tuple[str, ...]:
    """Return the dotted keys of all fields."""

    def walk(model: type[BaseModel], prefix: str) -> Iterator[str]:
        for name, field in model.model_fields.items():
            yield prefix + name
            section = _subsection(field)
            if section:
                yield from walk(section, f"{prefix}{name}.")

    return (SCHEMA_KEY, *walk(RunConfig, ""))
