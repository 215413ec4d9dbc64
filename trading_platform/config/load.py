"""Reading a configuration: every error at once, each with its place, its value and what would be right."""

import copy
import difflib
import functools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..model.errors import ConfigError
from .fields import PROBLEMS, Problem, Section, decimal_text, show
from .instrument import FeesConfig, InstrumentConfig
from .output import RUNS
from .run import FITTED, SCHEMA_KEY, RunConfig, fit_problems

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
S = TypeVar("S", bound=Section)
VALUE_HINTS: Final[Mapping[tuple[str, object], str]] = {
    ("post_only_mode", "reject"): 'we deny, a venue rejects: write "deny"',
}
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
}


def load_config(
    path: Path | str, overrides: Mapping[str, object] | None = None, *, check_files: bool = True
) -> RunConfig:
    """Read a JSON configuration.

    Parameters
    ----------
    path : Path or str
        JSON file; numbers are read as exact decimals. Data paths, also those in overrides, are relative to
        its directory.
    overrides : mapping
        Dotted key -> value, applied before validation, e.g. ``{"risk.trading_enabled": False}``.
    check_files : bool
        False accepts data files that are not on this machine (a plan for another one).

    Raises
    ------
    ConfigError : one line per problem
    """
    path = Path(path)
    raw, problems = _read(path)
    return _build(
        raw,
        problems,
        source=str(path),
        directory=path.resolve().parent,
        overrides=overrides or {},
        check_files=check_files,
    )


def config_from_dict(
    raw: Mapping[str, Any],
    directory: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    check_files: bool = True,
) -> RunConfig:
    """Return the configuration of a parsed JSON object, e.g. `RunConfig.resolved` of a run record.

    ``directory`` is what relative data paths are relative to. Raises ConfigError like `load_config`.
    """
    return _build(
        dict(raw),
        [],
        source="configuration",
        directory=directory.resolve(),
        overrides=overrides or {},
        check_files=check_files,
    )


def parse_override(text: str) -> tuple[str, object]:
    """Return key and value of "key=value" of a command line: the value is JSON, or text if it is none.

    Raises
    ------
    ConfigError : no "=", or no key
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"an override must be key=value, such as engine.book_levels=5, was {show(text)}")
    try:
        return key.strip(), json.loads(value, parse_float=Decimal, parse_constant=Decimal)
    except ValueError:
        return key.strip(), value  # `risk.scope=night` needs no quotes


def _build(
    raw: dict[str, Any],
    problems: list[str],
    *,
    source: str,
    directory: Path,
    overrides: Mapping[str, object],
    check_files: bool,
) -> RunConfig:
    try:
        raw = copy.deepcopy(raw)
    except RecursionError as error:
        raise ConfigError(f"{source} must be nested less deeply") from error
    for key, value in overrides.items():
        problems.extend(_override(raw, key, value))
    problems.extend(_resolve_paths(raw, directory, check_files))
    config = None
    try:
        config = RunConfig.model_validate(raw)
    except ValidationError as error:
        problems.extend(line for detail in error.errors(include_url=False) for line in _lines(detail))
        problems.extend(f"{key} {text}" for key, text in _partial_problems(raw))
    if config is None or problems:
        lines = list(dict.fromkeys(problems))
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise ConfigError("\n".join([f"{source}: {count}", *lines]))
    return config


# --- the file ---


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the JSON object of a file, and a line per duplicate key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"configuration must be a readable file, was {path}: {error.strerror or error}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be UTF-8 text, was not at byte {error.start}") from error
    duplicates: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        counts = Counter(key for key, _ in pairs) if len(found) < len(pairs) else Counter()
        duplicates.extend(
            f'key "{key}" must be there once, was {count} times in the object with {", ".join(found)}'
            for key, count in counts.items()
            if count > 1
        )
        return found

    try:
        raw = json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(_syntax_error(path, text, error)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} must be plain JSON: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must be a JSON object, was {show(raw)}")
    return raw, duplicates


def _syntax_error(path: Path, text: str, error: json.JSONDecodeError) -> str:
    """Return the message for a JSON syntax error: line, column, the line itself, and a hint."""
    lines = text.split("\n")
    line = lines[error.lineno - 1].rstrip("\r")
    before, after = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    hint = ""
    if after[:2] in ("//", "/*") or after[:1] == "#":
        hint = ": JSON has no comments, use description"
    elif before.endswith(",") and after[:1] in ("}", "]"):
        hint = f": remove the comma before {after[0]}"
    elif after[:1] == "'":
        hint = ": JSON needs double quotes"
    marker = "".join("\t" if char == "\t" else " " for char in line[: error.colno - 1])
    return f"{path}: line {error.lineno}, column {error.colno}: {error.msg}{hint}\n{line}\n{marker}^"


def _override(raw: dict[str, Any], key: str, value: object) -> Iterator[str]:
    """Set one dotted key in ``raw``; yield a line if there is no place for it."""
    *sections, name = key.split(".")
    target: Any = raw
    for depth, section in enumerate(sections):
        if target.get(section) is None:
            target[section] = {}
        target = target[section]
        if not isinstance(target, dict):
            yield f"override {key}: {'.'.join(sections[: depth + 1])} must be an object, was {show(target)}"
            return
    target[name] = copy.deepcopy(value)


def _resolve_paths(raw: dict[str, Any], directory: Path, check_files: bool) -> Iterator[str]:
    """Make the paths of ``raw`` absolute, in place; yield a line per data file that is not there."""
    output = raw.get("output", {})
    runs = output.get("directory", RUNS) if isinstance(output, dict) else None
    if isinstance(runs, str) and runs:
        raw["output"] = output | {"directory": str((directory / runs).resolve())}
    engine = raw.get("engine")
    if not isinstance(engine, dict):
        return
    places: list[tuple[Any, Any, str]] = [(engine, "initial_snapshot", "engine.initial_snapshot")]
    files = engine.get("data_files")
    if isinstance(files, list):
        places += [(files, index, f"engine.data_files[{index}]") for index in range(len(files))]
    for holder, key, name in places:
        written = holder.get(key) if isinstance(holder, dict) else holder[key]
        if not isinstance(written, str | Path) or not str(written):
            continue  # the models tell
        try:
            path = (directory / written).resolve()
            found = not check_files or path.is_file()
        except (OSError, ValueError) as error:
            yield f"{name} must be a file that can be looked up, was {show(written)}: {error}"
            continue
        holder[key] = str(path)
        if not found:
            yield f"{name} must be an existing file, was {show(written)} (looked for {path})"


# --- the lines ---


def _partial_problems(raw: dict[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit between those sections that are right by themselves, while others are not."""
    instrument = _valid(InstrumentConfig, raw, "engine.instrument")
    if instrument is None:
        return
    no_fees = FeesConfig(maker_rate=Decimal(0), taker_rate=Decimal(0))
    sections: list[tuple[str, Any]] = [(path, _valid(model, raw, path)) for path, model in FITTED.items()]
    present = [(path, section) for path, section in sections if section is not None]
    yield from fit_problems(instrument, instrument.to_instrument(no_fees), present)


def _valid(model: type[S], raw: dict[str, Any], path: str) -> S | None:
    value: Any = raw
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    try:
        return model.model_validate(value)
    except ValidationError:
        return None  # its own errors are in the list already


def _lines(detail: ErrorDetails) -> Iterator[str]:
    """Yield the lines of one pydantic error."""
    path = _dotted(detail["loc"])
    context = detail.get("ctx", {})
    if detail["type"] == PROBLEMS:
        for key, text in context["problems"]:
            separator = "." if path and key and not key.startswith("[") else ""
            yield f"{path}{separator}{key} {text}".strip()
        return
    yield f"{path or 'the configuration'} {_text(detail, path, context)}"


def _text(detail: ErrorDetails, path: str, context: Mapping[str, Any]) -> str:
    """Return what follows the path in the line of one pydantic error; it branches on pydantic's types."""
    kind, given = detail["type"], detail["input"]
    was = f"was {show(given)}"
    if kind == "missing":
        field = _field_at(detail["loc"])
        return f"is required: {field.description}" if field else "is required"
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"])
    if kind == "greater_than" and path.startswith("risk.max_loss.") and _number(given) < 0:
        return f"must be positive, {was}: write {show(-_number(given))}"
    for name, sign in (
        ("greater_than_equal", ">="),
        ("greater_than", ">"),
        ("less_than_equal", "<="),
        ("less_than", "<"),
    ):
        if kind == name:
            bound = context[{">=": "ge", ">": "gt", "<=": "le", "<": "lt"}[sign]]
            return f"must be {sign} {decimal_text(Decimal(str(bound)))}, {was}"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", '"')
        return f"must be {allowed}, {was}{_value_hint(detail, context)}"
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


def _unknown_key(loc: tuple[int | str, ...]) -> str:
    """Return the text for an unknown key: where it moved, where else it belongs, or what it resembles."""
    name = str(loc[-1])
    if name in MOVED:
        return f"is not a known key: write {MOVED[name]}"
    elsewhere = [path for path in _known_paths() if path.rpartition(".")[2] == name]
    if len(elsewhere) == 1:
        return f"is not a known key here: did you mean {elsewhere[0]}?"
    section = _section_at(loc[:-1])
    known = [*section.model_fields] if section else []
    near = difflib.get_close_matches(name.lower(), known, 1)
    if near:
        return f"is not a known key: did you mean {near[0]}?"
    return f"is not a known key (known: {', '.join(known)})"


def _dotted(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _subsection(field: FieldInfo) -> type[Section] | None:
    """Return the model of a field that is a section, optional or not."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def _section_at(loc: tuple[int | str, ...]) -> type[Section] | None:
    model: type[Section] | None = RunConfig
    for key in loc:
        field = model.model_fields.get(str(key)) if model else None
        model = _subsection(field) if field else None
    return model


def _field_at(loc: tuple[int | str, ...]) -> FieldInfo | None:
    section = _section_at(loc[:-1])
    return section.model_fields.get(str(loc[-1])) if section else None


@functools.cache
def _known_paths() -> tuple[str, ...]:
    """Return the dotted paths of all keys."""

    def walk(model: type[Section], prefix: str) -> Iterator[str]:
        for name, field in model.model_fields.items():
            yield prefix + name
            section = _subsection(field)
            if section:
                yield from walk(section, f"{prefix}{name}.")

    return (SCHEMA_KEY, *walk(RunConfig, ""))
