"""Layers of a configuration: files, environment, overrides. Later wins, and every value knows where it is from."""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from ..model.errors import ConfigError
from .fields import Problem, join_key, show
from .lines import is_known, unknown_key
from .run import RunConfig

ENVIRONMENT_PREFIX: Final = "TRADING_PLATFORM__"
_SHOWN: Final = 40  # characters of a value that is much too long
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class Origin(NamedTuple):
    """Where a value comes from. ``name`` is the file as it was given, the variable, or the overridden key."""

    kind: Literal["default", "file", "env", "flag"]
    name: str = ""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "file":
            return f"{self.name}:{self.line}"
        if self.kind == "flag":
            return f"--set {self.name}"
        return self.name or self.kind


DEFAULT: Final = Origin("default")


@dataclass
class Layers:
    """What the layers gave so far: ``raw`` as parsed, the origin of each dotted key in it, and what is wrong."""

    raw: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_file(self, path: Path, *, first: bool) -> None:
        """Take the first file as it is; merge another (RFC 7396): objects key by key, null removes, else replace.

        Raises
        ------
        ConfigError : not readable, no JSON, or no object
        """
        raw, lines, problems = read_file(path)
        source = str(path)
        self.problems += problems

        def origin(key: str) -> Origin:
            return Origin("file", source, lines[key])

        if first:
            self.raw = raw
            self._record(raw, "", origin)
        else:
            self._merge(self.raw, raw, "", origin)

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Set what the variables TRADING_PLATFORM__SECTION__KEY say; their names count in any case."""
        names = sorted(name for name in environment if name.upper().startswith(ENVIRONMENT_PREFIX))
        counts = Counter(name.upper() for name in names)
        for name in names:
            parts = name[len(ENVIRONMENT_PREFIX) :].split("__")
            if counts[name.upper()] > 1:
                self.problems.append(Problem(name, "must be set once, was set again in another case"))
            elif not all(parts):
                self.problems.append(
                    Problem(name, f"must be {ENVIRONMENT_PREFIX}SECTION__KEY: section or key is empty")
                )
            else:
                self._set(self._keys(parts), parse_value(environment[name]), Origin("env", name))

    def add_overrides(self, overrides: Mapping[str, object]) -> None:
        """Set dotted keys; None removes, back to the default."""
        for key, value in overrides.items():
            self._set(key.split("."), value, Origin("flag", key))

    def origins_of(self, key: str) -> list[Origin]:
        """Return the origin of a key. Of one that is not given: of the section around it and of what was set there.

        A key can be missing because of its neighbour: ``roi_min`` in the file's section, for a variable's kind roi.
        """
        if key in self.origins:
            return [self.origins[key]]
        section = key
        while section and section not in self.origins:
            section = section[: max(section.rfind("."), section.rfind("["), 0)]
        if not section:
            return []
        around = self.origins[section]
        beside = (
            one for name, one in self.origins.items() if name.startswith((f"{section}.", f"{section}["))
        )
        return [around, *dict.fromkeys(one for one in beside if (one.kind, one.name) != around[:2])]

    def _keys(self, parts: list[str]) -> list[str]:
        """Return the keys that a variable's parts mean: those of the files in any case, else in lower case."""
        keys, section = [], self.raw
        for part in parts:
            key = next((name for name in section if name.lower() == part.lower()), part.lower())
            keys.append(key)
            below = section.get(key)
            section = below if isinstance(below, dict) else {}
        return keys

    def _set(self, keys: list[str], value: object, origin: Origin) -> None:
        target: dict[str, Any] = self.raw
        for depth, name in enumerate(keys[:-1]):
            if target.get(name) is None:
                target[name] = {}
                self.origins[".".join(keys[: depth + 1])] = origin
            if not isinstance(target[name], dict):
                text = f"{'.'.join(keys[: depth + 1])} must be an object, was {show(target[name])}"
                self.problems.append(Problem(f"{origin}:", text))
                return
            target = target[name]
        self._put(target, keys[-1], value, ".".join(keys), lambda _key: origin)

    def _merge(
        self, target: dict[str, Any], patch: Mapping[str, Any], place: str, origin: Callable[[str], Origin]
    ) -> None:
        for name, value in patch.items():
            key = join_key(place, name)
            if not isinstance(value, dict):
                self._put(target, name, value, key, origin)
                continue
            if not isinstance(target.get(name), dict):
                self._put(target, name, {}, key, origin)
            self._merge(target[name], value, key, origin)

    def _put(
        self, target: dict[str, Any], name: str, value: object, key: str, origin: Callable[[str], Origin]
    ) -> None:
        """Replace one value with all that is below it; None removes it."""
        for known in [one for one in self.origins if one == key or one.startswith((f"{key}.", f"{key}["))]:
            del self.origins[known]
        if value is None:
            if not is_known(key):
                self.problems.append(Problem(key, unknown_key(RunConfig, tuple(key.split(".")))))
                self.origins[key] = origin(key)
            target.pop(name, None)
            return
        target[name] = copy.deepcopy(value)
        self.origins[key] = origin(key)
        self._record(value, key, origin)

    def _record(self, value: object, place: str, origin: Callable[[str], Origin]) -> None:
        """Note the origin of everything below a value."""
        if isinstance(value, dict):
            below = [(join_key(place, name), item) for name, item in value.items()]
        elif isinstance(value, list | tuple):
            below = [(f"{place}[{index}]", item) for index, item in enumerate(value)]
        else:
            return
        for key, item in below:
            self.origins[key] = origin(key)
            self._record(item, key, origin)


def parse_value(text: str) -> object:
    """Return the value of an override or a variable: JSON with exact decimals, or text if it is none.

    Raises
    ------
    ConfigError : JSON that is nested too deeply
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, InvalidOperation):  # the latter: an exponent that no Decimal has
        return text  # `risk.scope=night` needs no quotes
    except RecursionError:
        raise ConfigError(f"a value must be nested less deeply, was {text[:_SHOWN]}...") from None


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, int], list[Problem]]:
    """Return the JSON object of a file, the line of each dotted key in it, and a problem per duplicate key.

    Raises
    ------
    ConfigError : not readable, no JSON, or no object
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"configuration must be a readable file, was {path}: {error.strerror or error}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be UTF-8 text, was not at byte {error.start}") from error
    duplicates: list[Problem] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        counts = Counter(key for key, _ in pairs) if len(found) < len(pairs) else Counter()
        duplicates.extend(
            Problem(
                f'key "{key}"',
                f"must be there once, was {count} times in the object with {', '.join(found)} ({path})",
            )
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
    except InvalidOperation as error:
        raise ConfigError(f"{path} must have numbers of a sensible size: an exponent is too large") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} must be a JSON object, was {show(raw)}")
    return raw, dict(_lines(text)), duplicates


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield dotted key and line of everything in a text that is valid JSON: of a key's name, of a list's entry."""
    line, at, key = 1, 0, ""
    around: list[tuple[str, int]] = []  # of each open container: its key, and the next index (-1: an object)
    name_follows = False
    for match in _TOKEN.finditer(text):
        line, at, mark = line + text.count("\n", at, match.start()), match.start(), match[0]
        if mark in "}]":
            around.pop()
            name_follows = False
        elif mark == ",":
            name_follows = around[-1][1] < 0
        elif name_follows:
            key, name_follows = join_key(around[-1][0], json.loads(mark)), False
            yield key, line
        elif mark != ":":
            if around and around[-1][1] >= 0:
                place, index = around[-1]
                around[-1], key = (place, index + 1), f"{place}[{index}]"
                yield key, line
            if mark in "{[":
                around.append((key, 0 if mark == "[" else -1))
                name_follows = mark == "{"


def _syntax_error(path: Path, text: str, error: json.JSONDecodeError) -> str:
    """Return the message for a JSON syntax error: line, column, the line itself, and a hint."""
    if not text.strip():
        return (
            f"{path} must be a JSON object, is empty: start from examples/local/local.json or "
            "`trading-platform strategy new`"
        )
    lines = text.split("\n")
    line = lines[error.lineno - 1].rstrip("\r")
    before, after = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    hint = ""
    if after[:2] in ("//", "/*") or after[:1] == "#":
        hint = ": JSON has no comments, use description"
    elif before.endswith(",") and after[:1] in ("}", "]"):
        hint = f": remove the comma before {after[0]}"
    elif not after or error.msg.startswith("Unterminated string"):
        hint = ": the file ends too early, was it cut off?" if not after or "\n" not in after else ""
    elif after[:1] == "'":
        hint = ": JSON needs double quotes"
    marker = "".join("\t" if char == "\t" else " " for char in line[: error.colno - 1])
    return f"{path}: line {error.lineno}, column {error.colno}: {error.msg}{hint}\n{line}\n{marker}^"
